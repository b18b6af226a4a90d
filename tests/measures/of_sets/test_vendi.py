"""The Vendi score: the published examples, its ends, both sides of the product, every order."""

from math import exp, inf, log

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.vendi import vendi_of_kernel, vendi_score


def draw(count: int, length: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, length)))


def test_the_published_examples() -> None:
    # the README of the authors' own package prints four decimals
    numbers = torch.tensor([0.0, 0, 10, 10, 20, 20])
    assert vendi_of_kernel(torch.exp(-(numbers[:, None] - numbers).abs())) == pytest.approx(2.9999, abs=1e-4)
    block = torch.tensor([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    assert vendi_of_kernel(block) == pytest.approx(2.1573, abs=1e-4)


def test_equal_pictures_are_one_and_orthogonal_ones_are_as_many_as_they_are() -> None:
    same, apart = torch.full((50, 3), 0.7), torch.eye(9)
    assert vendi_score(same) == pytest.approx(1, abs=1e-12)  # rounding of eigenvalues that are 0
    assert vendi_score(apart) == pytest.approx(9, rel=1e-12)
    assert vendi_score(same, kernel="gaussian", bandwidth=2.0) == pytest.approx(1, abs=1e-12)
    assert vendi_score(1e3 * apart, kernel="gaussian", bandwidth=2.0) == pytest.approx(9, rel=1e-12)


@pytest.mark.parametrize(("count", "length"), [(40, 7), (7, 40), (20, 20)])
def test_the_smaller_side_of_the_product_gives_what_the_kernel_gives(count: int, length: int) -> None:
    rows = draw(count, length, 1)
    unit = rows / rows.norm(dim=1, keepdim=True)
    assert vendi_score(rows) == pytest.approx(vendi_of_kernel(unit @ unit.T), rel=1e-10)


def test_two_groups_of_unequal_size_have_the_entropy_of_their_shares() -> None:
    rows = torch.tensor([[1.0, 0]]).repeat(30, 1).tolist() + torch.tensor([[0.0, 1]]).repeat(10, 1).tolist()
    entropy = -(0.75 * log(0.75) + 0.25 * log(0.25))
    expected = {1: exp(entropy), 2: 1 / (0.75**2 + 0.25**2), inf: 1 / 0.75, 0: 2}
    for order, value in expected.items():
        assert vendi_score(torch.tensor(rows), order=order) == pytest.approx(value, rel=1e-12), order


def test_the_gaussian_kernel_is_written_out() -> None:
    rows, bandwidth = draw(25, 3, 2), 1.3
    squared = ((rows[:, None] - rows[None]) ** 2).sum(-1).numpy()
    values = np.linalg.eigvalsh(np.exp(-squared / (2 * bandwidth**2)) / 25)
    values = values[values > 1e-15]
    expected = np.exp(-(values * np.log(values)).sum())
    assert vendi_score(rows, kernel="gaussian", bandwidth=bandwidth) == pytest.approx(expected, rel=1e-9)


def test_a_shrinking_cloud_loses_diversity_under_a_fixed_bandwidth() -> None:
    rows = draw(60, 4, 3)
    scores = [vendi_score(scale * rows, kernel="gaussian", bandwidth=1.0) for scale in (1.0, 0.5, 0.1)]
    assert scores[0] > scores[1] > scores[2] > 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kernel": "gaussian"}, "^the bandwidth is None, and the gaussian kernel needs a bandwidth$"),
        ({"bandwidth": 1.0}, "^the bandwidth is 1.0, and the cosine kernel has no bandwidth$"),
        ({"kernel": "gaussian", "bandwidth": 0.0}, "^the bandwidth is 0; it must be above 0$"),
        ({"order": -1.0}, "^the order is -1; it must be 0 or more$"),
    ],
)
def test_refuses_what_has_no_score(given: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        vendi_score(draw(5, 2, 0), **given)  # type: ignore[arg-type]


def test_refuses_rows_without_an_angle_and_what_is_no_kernel() -> None:
    with pytest.raises(UserError, match=r"^the features of 2 pictures are all 0, and have no angle"):
        vendi_score(torch.zeros(2, 3))
    with pytest.raises(UserError, match=r"^the kernel of shape \(2, 2\) is no table of similarities"):
        vendi_of_kernel(torch.tensor([[1.0, 0.5], [0.4, 1]]))
