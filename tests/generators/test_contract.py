from pathlib import Path

import pytest
import torch

from simulacra import UserError
from simulacra.generators import (
    Budget,
    Generator,
    Pool,
    families,
    family,
    load_generator,
    open_generator,
    save_generator,
)

from .pools import POOLS


@pytest.fixture(params=POOLS)
def fitted(request: pytest.FixtureRequest) -> Generator:
    return open_generator(request.param).fit(POOLS[request.param], seed=3)


def test_every_family_of_this_room_is_tried_here() -> None:
    own = {name for name in families() if family(name).__module__.startswith("simulacra.generators.")}
    assert {name.partition(":")[0] for name in POOLS} == own


def test_a_sample_is_the_same_in_any_batch(fitted: Generator) -> None:
    whole = fitted.sample(37, seed=5, bias=0.7)
    for first, count in ((0, 1), (17, 1), (3, 11), (36, 1), (5, 32)):
        assert torch.equal(fitted.sample(count, seed=5, bias=0.7, first=first), whole[first : first + count])
    assert not torch.equal(fitted.sample(37, seed=6, bias=0.7), whole)


def test_samples_have_the_form_of_the_pool(fitted: Generator) -> None:
    pool = POOLS[fitted.specification]
    drawn = fitted.sample(4, seed=0)
    assert drawn.shape[1:] == pool.samples.shape[1:]
    assert drawn.dtype == pool.samples.dtype
    assert len(fitted.sample(0, seed=0)) == 0
    assert fitted.untrained().fit(Pool(drawn.repeat(9, *[1] * (drawn.ndim - 1))), seed=0).fitted  # learns from its own


def test_fitting_makes_another_generator_and_repeats_exactly(fitted: Generator) -> None:
    bare = fitted.untrained()
    assert not bare.fitted
    again = bare.fit(POOLS[fitted.specification], seed=3)
    assert not bare.fitted
    for name, tensor in fitted.state().items():
        assert torch.equal(tensor, again.state()[name])


def test_a_saved_generator_draws_the_same_bits(fitted: Generator, tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    save_generator(fitted, path)
    back = load_generator(path)
    assert back.specification == fitted.specification
    assert torch.equal(back.sample(9, seed=2, bias=0.4), fitted.sample(9, seed=2, bias=0.4))


def test_the_sampling_bias_has_two_ends(fitted: Generator) -> None:
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match=r"sampling bias is .*; it must be 0 or more"):
            fitted.sample(1, seed=0, bias=wrong)
    assert torch.isfinite(fitted.sample(50, seed=0, bias=0.0).double()).all()


def test_facts_are_stated(fitted: Generator) -> None:
    assert fitted.summary.endswith(".") and fitted.origin and fitted.bias_meaning
    assert open_generator(fitted.specification).parameters == fitted.parameters


def test_refuses_to_draw_or_save_what_has_learnt_nothing(tmp_path: Path) -> None:
    bare = open_generator("gaussian")
    with pytest.raises(UserError, match="generator gaussian has learnt nothing yet"):
        bare.sample(1, seed=0)
    with pytest.raises(UserError, match="generator gaussian has learnt nothing yet"):
        save_generator(bare, tmp_path / "g.safetensors")


@pytest.mark.parametrize(
    ("samples", "weights", "said"),
    [
        (torch.zeros(0, 2), None, "the pool holds no samples"),
        (torch.tensor([[1.0], [float("nan")]]), None, "1 samples of the pool are not finite, the first at index 1"),
        (torch.zeros(2, 1), torch.ones(3), "the weights of the pool do not fit its 2 samples"),
        (torch.zeros(2, 1), torch.tensor([1.0, -1.0]), "the weights of the pool do not fit"),
        (torch.zeros(2, 1), torch.zeros(2), "the weights of the pool do not fit"),
    ],
)
def test_refuses_what_is_no_pool(samples: torch.Tensor, weights: torch.Tensor | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Pool(samples, weights)


def test_budgets() -> None:
    assert Budget(100).times(1.5) == Budget(150)
    assert Budget(1).times(0.1) == Budget(1)
    with pytest.raises(UserError, match="the budget is 0 steps"):
        Budget(0)


def test_refuses_files_that_hold_no_generator(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_generator(tmp_path / "none.safetensors")
    path = tmp_path / "g.safetensors"
    save_generator(open_generator("gaussian").fit(POOLS["gaussian"], seed=0), path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match="is cut off, damaged or of another format"):
        load_generator(path)
