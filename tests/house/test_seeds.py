from hypothesis import given
from hypothesis import strategies as st

from simulacra.seeds import derive_seed


def test_a_pinned_seed() -> None:
    assert derive_seed(0, "copy", 1, 1) == 7448774767489277058


@given(st.integers(), st.text(), st.lists(st.integers(), max_size=3))
def test_fits_a_torch_generator(seed: int, purpose: str, position: list[int]) -> None:
    assert 0 <= derive_seed(seed, purpose, *position) < 2**63


def test_position_is_not_confused_with_its_neighbours() -> None:
    seeds = [
        derive_seed(0, "copy", 1, 11),
        derive_seed(0, "copy", 11, 1),
        derive_seed(0, "copy", 111),
        derive_seed(1, "copy", 1, 11),
    ]
    assert len(set(seeds)) == len(seeds)
