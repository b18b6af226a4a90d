from collections.abc import Callable
from math import cos, radians, sin

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.measures import registration
from simulacra.measures.grey import luma
from simulacra.measures.registration import Fit, Map


def _map(zoom: float = 1, degrees: float = 0, x: float = 0, y: float = 0, squash: float = 1) -> Map:
    angle = radians(degrees)
    turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    map = np.eye(3)
    map[:2, :2] = zoom * turn @ np.diag([squash**0.5, squash**-0.5])
    map[:2, 2] = x, y
    return map


def test_a_map_comes_apart_into_what_made_it() -> None:
    parts = registration.motion(Fit(_map(1.3, -20, 0.1, -0.2, 1.05), 1))
    assert parts == pytest.approx((0.1, -0.2, 1.3, -20, 1.05), abs=1e-12)  # rounding


def test_displacement_is_that_of_the_farthest_corner() -> None:
    assert registration.displacement(_map(), 30, 40) == 0
    assert registration.displacement(_map(x=0.05), 30, 40) == pytest.approx(1)  # of half the longest side, 20 px
    assert registration.displacement(_map(zoom=1.04), 30, 40) == pytest.approx(0.04 * 25, rel=1e-6)  # half a diagonal


def test_undoing_a_whole_shift_gives_the_overlap_back() -> None:
    picture = torch.rand(1, 20, 30, generator=torch.Generator().manual_seed(2))
    moved = picture.roll((2, 3), (1, 2))  # down and right
    back, (rows, columns) = registration.undo(moved, _map(x=3 / 15, y=2 / 15))
    assert (rows, columns) == (slice(0, 18), slice(0, 27))
    # Cubic interpolation at whole pixels is exact but for the rounding of their positions.
    torch.testing.assert_close(back[:, rows, columns], picture[:, rows, columns], atol=1e-4, rtol=0)


@pytest.mark.parametrize("map", [_map(1.1), _map(0.9), _map(1.05, 4, 0.03, -0.02), _map(degrees=-7)])
def test_the_overlap_lies_inside_the_frame(map: Map) -> None:
    ones = torch.ones(1, 50, 64)
    _, (rows, columns) = registration.undo(ones, map)
    half = 32
    for row in (rows.start, rows.stop - 1):
        for column in (columns.start, columns.stop - 1):
            x, y, _ = map @ [(column + 0.5 - 32) / half, (row + 0.5 - 25) / half, 1]
            assert abs(x) * half <= 31.5 + 1e-6  # the centres of the outermost pixels
            assert abs(y) * half <= 24.5 + 1e-6
    assert (rows.stop - rows.start) * (columns.stop - columns.start) > 0.6 * 50 * 64


@pytest.mark.parametrize("shape", [(16, 16), (16, 400), (129, 128), (1000, 300)])
def test_every_size_is_registered_at_a_working_size(shape: tuple[int, int]) -> None:
    band = registration.prepare(torch.rand(1, *shape)).band
    assert max(band.shape) <= 200  # a strip keeps 8 px of its short side, so its long one may exceed the working size
    assert min(band.shape[1:]) >= 8


def test_a_picture_fits_itself(photographs: dict[str, np.ndarray], view: Callable[..., Tensor]) -> None:
    prepared = registration.prepare(luma(view(photographs["coffee"])))
    fit = registration.register(prepared, prepared)
    assert fit.correlation == pytest.approx(1, abs=1e-5)  # float32
    assert registration.displacement(fit.map, 128, 192) < 1e-3


def test_hopeless_pictures_are_not_refined(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(5))
    prepared = registration.prepare(one), registration.prepare(other)
    monkeypatch.setattr(registration, "_refine", None)  # would fail if it were called
    assert registration.register(*prepared).correlation < registration.LEAST_CORRELATION


@pytest.mark.parametrize("moved", [{"right": 0.3}, {"degrees": 2.0}, {"zoom": 1.02, "down": -0.7}])
def test_a_refinement_settles(
    photographs: dict[str, np.ndarray],
    view: Callable[..., Tensor],
    monkeypatch: pytest.MonkeyPatch,
    moved: dict[str, float],
) -> None:
    # Pixels that come and go at the border once kept it from settling; then it took all the steps it is given.
    looked = []
    once = registration._move
    monkeypatch.setattr(registration, "_move", lambda *given: looked.append(given) or once(*given))
    frame, reference = (registration.prepare(luma(view(photographs["chelsea"], **each))) for each in (moved, {}))
    assert registration.register(frame, reference).correlation > 0.95
    assert len(looked) < 15  # up to four starts and the end, and the steps
