"""Divisions of a pool say of every ball what the direct computation says, ties and duplicates included."""

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets import divisions
from simulacra.measures.of_sets.distances import inside, nearest_squared
from simulacra.measures.of_sets.divisions import Divisions


def draw(count: int, length: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, length)))


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_every_ball_is_that_of_the_direct_computation(rounded: bool, closed: bool) -> None:
    pool = draw(150, 2, 1)
    pool = (pool * 2).round() if rounded else pool  # rounded: most distances tie, many pictures are equal
    order = np.random.default_rng(2).permutation(150)
    real, generated = order[:90], order[90:]
    held = Divisions(pool).inside(real=real, generated=generated, neighbours=5, closed=closed)
    direct = inside(
        real=pool[real],
        generated=pool[generated],
        real_radii=nearest_squared(pool[real], 5)[:, -1],
        generated_radii=nearest_squared(pool[generated], 5)[:, -1],
        closed=closed,
    )
    for one, other in zip(held, direct, strict=True):
        assert np.array_equal(one, other)


def test_nearest_is_a_place_among_the_real_ones() -> None:
    pool = torch.tensor([[0.0], [10], [1], [9], [4]])
    places = Divisions(pool).nearest(real=np.array([1, 0]), generated=np.array([2, 3, 4]))
    assert places.tolist() == [1, 0, 1]


def test_refuses_a_pool_whose_table_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divisions, "LARGEST", 10)
    with pytest.raises(UserError, match=r"^the pool holds 11 pictures; a table of distances takes 10 at most"):
        Divisions(draw(11, 2, 0))
