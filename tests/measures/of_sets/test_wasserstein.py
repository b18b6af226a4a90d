"""The exact Wasserstein distance of numbers: by hand, by the assignment problem, at unequal counts."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.wasserstein import squared_wasserstein


def draw(count: int, seed: int, mean: float = 0, scale: float = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(mean, scale, size=(count, 1)))


def test_unequal_counts_by_hand() -> None:
    # (0, 1) against (0, 1/2, 1): sixths 3 and 4 move from 0 and from 1 to 1/2, each a distance of 1/2
    one, other = torch.tensor([[0.0], [1]]), torch.tensor([[1.0], [0], [0.5]])
    assert squared_wasserstein(real=one, generated=other) == pytest.approx(2 / 6 * 0.25, rel=1e-15)
    assert squared_wasserstein(real=other, generated=one) == pytest.approx(2 / 6 * 0.25, rel=1e-15)


def test_equals_the_best_assignment() -> None:
    one, other = draw(40, 1), draw(40, 2, 0.5, 2)
    cost = (one.numpy() - other.numpy().T) ** 2
    rows, columns = linear_sum_assignment(cost)
    assert squared_wasserstein(real=one, generated=other) == pytest.approx(cost[rows, columns].mean(), rel=1e-12)


@pytest.mark.parametrize(("one", "other"), [(6, 10), (7, 5), (12, 4)])
def test_unequal_counts_are_equal_ones_with_every_sample_repeated(one: int, other: int) -> None:
    left, right = draw(one, 3), draw(other, 4, 1)
    repeated = squared_wasserstein(real=left.repeat(other, 1), generated=right.repeat(one, 1))
    assert squared_wasserstein(real=left, generated=right) == pytest.approx(repeated, rel=1e-12)


def test_a_shift_is_its_square_and_the_order_does_not_matter() -> None:
    one = draw(101, 5)
    assert squared_wasserstein(real=one, generated=one.flip(0) + 3) == pytest.approx(9, rel=1e-12)


def test_tends_to_the_closed_form_of_two_gaussians() -> None:
    value = squared_wasserstein(real=draw(20_000, 6), generated=draw(20_000, 7, 1, 0.5))
    # (1 - 0)^2 + (1 - 0.5)^2; a mean of 20,000 deviates by 0.008, twice that in its square
    assert value == pytest.approx(1.25, abs=0.06)


def test_refuses_more_than_one_number() -> None:
    with pytest.raises(UserError, match=r"^the samples have 2 numbers each, and the exact Wasserstein distance is of"):
        squared_wasserstein(real=torch.zeros(3, 2), generated=torch.zeros(3, 2))
