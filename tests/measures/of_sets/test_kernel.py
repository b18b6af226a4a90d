"""The kernel distance: the double sum written out, unbiased, the same whatever the blocks."""

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets import kernel
from simulacra.measures.of_sets.kernel import kernel_distance, kernel_distance_of_subsets


def draw(count: int, length: int, seed: int, mean: float = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(mean, 1, size=(count, length)).astype(np.float32))


def written_out(real: Tensor, generated: Tensor) -> float:
    one, other = real.double().numpy(), generated.double().numpy()

    def k(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    within = [(k(each, each).sum() - np.trace(k(each, each))) / (len(each) * (len(each) - 1)) for each in (one, other)]
    return float(sum(within) - 2 * k(one, other).mean())


def test_two_pictures_by_hand() -> None:
    # x = 0, 2 and y = 1, 1 in one dimension: k(0, 2) = 1, k(1, 1) = 8, k(0, 1) = 1, k(2, 1) = 27
    value = kernel_distance(real=torch.tensor([[0.0], [2]]), generated=torch.tensor([[1.0], [1]]))
    assert value == pytest.approx(1 + 8 - 2 * 14, rel=1e-15)


@pytest.mark.parametrize("side", [7, 64, 512])
def test_equals_the_double_sum_in_blocks_of_any_size(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_SIDE", side)
    real, generated = draw(150, 20, 1), draw(201, 20, 2, mean=0.3)
    # float64 sums of 40,000 numbers of about 1, whose difference is about 0.1
    expected = written_out(real, generated)
    assert kernel_distance(real=real, generated=generated) == pytest.approx(expected, rel=1e-11)
    assert kernel_distance(real=generated, generated=real) == pytest.approx(expected, rel=1e-11)


def test_is_nothing_on_average_for_equal_distributions_at_any_count() -> None:
    values = [kernel_distance(real=draw(12, 4, 2 * t), generated=draw(30, 4, 2 * t + 1)) for t in range(400)]
    assert abs(np.mean(values) - kernel.EXPECTED) < 4 * np.std(values) / 20
    assert min(values) < 0 < max(values)


def test_subsets_average_to_the_whole_and_are_seeded() -> None:
    real, generated = draw(300, 10, 1), draw(300, 10, 2, mean=0.5)
    drawn = kernel_distance_of_subsets(real=real, generated=generated, seed=5, subsets=40, size=100)
    whole = kernel_distance(real=real, generated=generated)
    # unbiased for the whole: 40 subsets that share pictures, so no more precise than 40 apart
    assert abs(drawn.mean - whole) < 4 * drawn.deviation / np.sqrt(40)
    assert drawn.deviation == pytest.approx(np.std(drawn.values))
    again = kernel_distance_of_subsets(real=real, generated=generated, seed=5, subsets=40, size=100)
    other = kernel_distance_of_subsets(real=real, generated=generated, seed=6, subsets=40, size=100)
    assert again == drawn
    assert other.values != drawn.values


def test_a_subset_of_everything_is_the_whole() -> None:
    real, generated = draw(40, 6, 1), draw(40, 6, 2)
    drawn = kernel_distance_of_subsets(real=real, generated=generated, seed=0, subsets=3, size=40)
    assert drawn.values == pytest.approx([kernel_distance(real=real, generated=generated)] * 3, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subsets": 0}, "^subsets is 0; it must be 1 or more$"),
        ({"size": 1}, "^the size of a subset is 1; it must be 2 or more$"),
        ({"size": 60}, "^the real set has 50 pictures; this measure needs 60 or more$"),
    ],
)
def test_refuses_impossible_subsets(change: dict[str, int], said: str) -> None:
    with pytest.raises(UserError, match=said):
        kernel_distance_of_subsets(real=draw(50, 2, 1), generated=draw(70, 2, 2), seed=0, **change)
