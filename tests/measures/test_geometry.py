from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.measures.contract import Undefined, Value
from simulacra.measures.geometry import Geometry

NAMES = ["astronaut", "coffee", "chelsea"]
STILL = {"shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0, "rotation": 0.0, "squash": 1.0}

# What the search reaches on real pictures at a working size of 128 px: hundredths of a pixel. Far apart in scale
# or angle, the band pass keeps other detail of the two pictures, which costs a factor of four.
TOLERANCE = {"shift_x": 0.05, "shift_y": 0.05, "zoom": 1e-3, "rotation": 0.05, "squash": 2.5e-3}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "moved",
    [
        {"right": 2.0},
        {"down": -1.5},
        {"zoom": 1.03},
        {"zoom": 0.95},
        {"degrees": 1.5},
        {"squash": 1.02},
        {"zoom": 1.05, "degrees": -2.0, "right": 3.3, "down": -1.7, "squash": 0.98},
        {"zoom": 1.2, "degrees": 8.0, "right": 10.0, "down": 4.0},
        {"zoom": 1.4, "degrees": -20.0, "right": -8.0, "down": 5.0},
        {"degrees": 45.0},
        {"degrees": 88.0, "right": 9.0},
    ],
    ids=str,
)
def test_recovers_a_known_motion(
    photographs: dict[str, np.ndarray], view: Callable[..., Tensor], name: str, moved: dict[str, float]
) -> None:
    values = _compare(view(photographs[name], **moved), view(photographs[name]))
    expected = {
        "shift_x": moved.get("right", 0.0),
        "shift_y": moved.get("down", 0.0),
        "zoom": moved.get("zoom", 1.0),
        "rotation": moved.get("degrees", 0.0),
        "squash": moved.get("squash", 1.0),
    }
    slack = 4 if expected["zoom"] > 1.1 or abs(expected["rotation"]) > 30 else 1
    for measure, value in expected.items():
        assert values[measure] == pytest.approx(value, abs=slack * TOLERANCE[measure]), measure


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["cast", "blur", "noise"])
def test_what_does_not_move_a_picture_is_no_motion(
    distortions: dict[str, dict[str, Tensor]], name: str, which: str
) -> None:
    values = _compare(distortions[name][which], distortions[name]["none"])
    for measure, value in STILL.items():
        assert values[measure] == pytest.approx(value, abs=TOLERANCE[measure]), measure


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["shift", "zoom"])
def test_undoing_the_motion_brings_the_picture_back(
    distortions: dict[str, dict[str, Tensor]], name: str, which: str
) -> None:
    values = _compare(distortions[name][which], distortions[name]["none"])
    # What two cubic interpolations take off; before alignment SSIM is 0.5 to 0.8.
    assert _number(values["aligned_ssim"]) > 0.97
    assert _number(values["aligned_psnr_grey"]) > 34


def test_a_whole_pixel_shift_is_undone_almost_without_loss() -> None:
    picture = torch.rand(1, 3, 60, 70, generator=torch.Generator().manual_seed(6))
    smooth = torch.nn.functional.avg_pool2d(picture, 5, 1)
    values = _compare(smooth[..., :60], smooth[..., 3:63])
    assert values["shift_x"] == pytest.approx(3, abs=0.02)
    assert _number(values["aligned_ssim"]) > 0.999


def test_a_destroyed_picture_has_no_geometry(distortions: dict[str, dict[str, Tensor]]) -> None:
    picture = distortions["astronaut"]["none"]
    noise = torch.rand(picture.shape, generator=torch.Generator().manual_seed(7))
    for value in _compare(noise, picture).values():
        assert isinstance(value, Undefined)
        assert "too little of the reference is left" in value.reason


def test_a_flat_picture_has_no_geometry(distortions: dict[str, dict[str, Tensor]]) -> None:
    picture = distortions["astronaut"]["none"]
    flat = torch.full_like(picture, 0.5)
    assert set(_compare(flat, picture).values()) == {Undefined("the frame is too flat to be aligned")}
    assert set(_compare(picture, flat).values()) == {Undefined("the reference is too flat to be aligned")}


def test_motion_is_in_pixels_of_the_picture_measured(
    photographs: dict[str, np.ndarray], view: Callable[..., Tensor]
) -> None:
    still, moved = (view(photographs["coffee"], right=right) for right in (0, 1.5))
    doubled = [torch.nn.functional.interpolate(each, scale_factor=2, mode="bilinear") for each in (moved, still)]
    assert _compare(*doubled)["shift_x"] == pytest.approx(3, abs=0.15)


def _compare(frame: Tensor, reference: Tensor) -> dict[str, Value]:
    geometry = Geometry()
    columns = geometry.compare(geometry.prepare(frame), geometry.prepare(reference))
    return {name: column[0] for name, column in columns.items()}


def _number(value: Value) -> float:
    assert isinstance(value, float)
    return value
