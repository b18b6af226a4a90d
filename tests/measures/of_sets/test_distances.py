"""Nearest neighbours and balls against all distances written out, where float32 alone would be wrong."""

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets import distances
from simulacra.measures.of_sets.distances import inside, nearest_squared


def all_squared(one: Tensor, other: Tensor) -> np.ndarray:
    """Every squared distance in float64, as a sum of squared differences."""
    return np.square(one.double().numpy()[:, None] - other.double().numpy()[None]).sum(-1)


def plain_nearest(features: Tensor, neighbours: int) -> np.ndarray:
    squared = all_squared(features, features)
    np.fill_diagonal(squared, np.inf)
    return np.sort(squared, axis=1)[:, :neighbours]


def sets() -> dict[str, Tensor]:
    rng = np.random.default_rng(4)
    spread = rng.normal(size=(300, 24))
    tight = np.repeat(rng.normal(size=(3, 24)), 100, axis=0) + 1e-6 * rng.normal(size=(300, 24))
    return {
        "spread": torch.from_numpy(spread).float(),
        "float64": torch.from_numpy(spread),
        "far from the origin": torch.from_numpy(spread + 1e4).float(),
        "duplicated": torch.from_numpy(np.repeat(spread[:40], 5, axis=0)).float(),
        "on a grid, full of ties": torch.from_numpy(rng.integers(0, 3, size=(300, 4))).float(),
        "three tight clusters": torch.from_numpy(tight),
        "all equal": torch.ones(150, 24),
        "one number a picture": torch.from_numpy(spread[:, :1]).float(),
        "a last block of one": torch.from_numpy(spread[:129]).float(),
    }


@pytest.mark.parametrize("name", sets())
def test_nearest_are_those_of_all_distances(name: str) -> None:
    features = sets()[name]
    # the sums of squares run in another order than the oracle's: one rounding of float64 each
    np.testing.assert_allclose(nearest_squared(features, 5), plain_nearest(features, 5), rtol=1e-13)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("name", sets())
def test_balls_hold_whom_all_distances_say(name: str, closed: bool) -> None:
    features = sets()[name]
    real, generated = features[::2], features[1::2]
    # radii that many pictures meet exactly: distances between the sets themselves
    between = distances.squared_between(
        real, generated, *np.divmod(np.arange(len(real) * len(generated)), len(generated))
    )
    squared = between.reshape(len(real), len(generated))
    real_radii, generated_radii = np.sort(squared, axis=1)[:, 20], squared.min(axis=0)
    found = inside(
        real=real, generated=generated, real_radii=real_radii, generated_radii=generated_radii, closed=closed
    )
    within = np.less_equal if closed else np.less
    in_real, in_generated = within(squared, real_radii[:, None]), within(squared, generated_radii)
    np.testing.assert_array_equal(found.generated_in_ball, in_real.sum(axis=1))
    np.testing.assert_array_equal(found.generated_covered, in_real.any(axis=0))
    np.testing.assert_array_equal(found.real_covered, in_generated.any(axis=1))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    features = sets()["spread"]
    whole = nearest_squared(features, 4)
    for largest in (7, 64, 299):
        monkeypatch.setattr(distances, "_LARGEST", largest)
        np.testing.assert_array_equal(nearest_squared(features, 4), whole)


def test_order_does_not_show() -> None:
    features = sets()["spread"]
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(1))
    np.testing.assert_array_equal(nearest_squared(features[order], 4), nearest_squared(features, 4)[order])


def test_bounds_lie_below_every_distance_and_within_their_slack() -> None:
    # what the exactness rests on, for lengths from one vector to beyond a block of the product
    for length in (1, 14, 300, 1500):
        features = torch.from_numpy(np.random.default_rng(length).normal(3, 1, size=(72, length))).float()
        cloud = distances._Cloud(features, features.double().mean(0).float())
        squared = all_squared(features, features)
        for dtype in (torch.float32, torch.float64):
            bounds = distances._bounds(cloud, cloud, slice(0, 48), slice(48, 72), dtype)
            lengths = cloud.squared_lengths
            ceiling = bounds.lower.double() + bounds.slack * (lengths[:48, None] + lengths[48:])
            assert (bounds.lower.numpy() <= squared[:48, 48:]).all()
            assert (ceiling.numpy() >= squared[:48, 48:]).all()
            assert 0 < bounds.slack < 3e-3


def test_holds_when_torch_was_told_to_multiply_with_fewer_digits() -> None:
    features = sets()["spread"]
    torch.set_float32_matmul_precision("medium")
    try:
        assert distances._product_dtype() == torch.float64
        np.testing.assert_allclose(nearest_squared(features, 5), plain_nearest(features, 5), rtol=1e-13)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert distances._product_dtype() == torch.float32


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_refuses_lengths_whose_squares_float32_cannot_hold(scale: float) -> None:
    with pytest.raises(UserError, match=r"from their mean at most; it must be between 1e-12 and 1e[+]18, so scale"):
        nearest_squared(sets()["float64"] * scale, 5)


def test_a_pair_has_one_distance_whichever_way_round() -> None:
    features = sets()["spread"]
    rows, columns = np.arange(100), np.arange(100, 200)
    there = distances.squared_between(features, features, rows, columns)
    np.testing.assert_array_equal(there, distances.squared_between(features, features, columns, rows))
