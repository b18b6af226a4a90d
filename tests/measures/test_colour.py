import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from simulacra.measures.colour import Colour
from simulacra.measures.contract import Undefined, Value


@pytest.mark.parametrize("which", ["cast", "shift", "blur", "noise"])
def test_agrees_with_scikit_image(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    frame, reference = (distortions["astronaut"][each] for each in (which, "none"))
    lab, before = (rgb2lab(picture[0].permute(1, 2, 0).double().numpy()) for picture in (frame, reference))
    by_pixel = deltaE_ciede2000(before, lab)
    means, before_means = lab.mean((0, 1)), before.mean((0, 1))
    expected = {
        "delta_lightness_mean": means[0] - before_means[0],
        "delta_a_mean": means[1] - before_means[1],
        "delta_b_mean": means[2] - before_means[2],
        "delta_chroma_mean": np.hypot(*np.moveaxis(lab[..., 1:], -1, 0)).mean()
        - np.hypot(*np.moveaxis(before[..., 1:], -1, 0)).mean(),
        "delta_e00_pixel_mean": by_pixel.mean(),
        "delta_e00_pixel_p95": np.percentile(by_pixel, 95),
        "delta_e00_of_mean": float(deltaE_ciede2000(before_means, means)),
    }
    values = _compare(frame, reference)
    for measure, value in expected.items():
        # scikit-image rounds the matrix of sRGB to six digits and the white to five.
        assert values[measure] == pytest.approx(value, abs=5e-3), measure


def test_means_of_a_picture_of_two_halves() -> None:
    picture = torch.zeros(1, 3, 4, 6)
    picture[..., 3:] = 1
    values = _describe(picture)
    assert values["lightness_mean"] == pytest.approx(50, abs=1e-4)  # float32
    assert values["chroma_mean"] == pytest.approx(0, abs=1e-3)


def test_a_grey_picture_has_the_white_of_srgb() -> None:
    values = _describe(torch.full((1, 3, 9, 9), 0.5))
    for estimate in ("grey_world", "bright_neutral"):
        assert values[f"white_{estimate}_mired"] == pytest.approx(1e6 / 6504, abs=0.1)
        assert values[f"white_{estimate}_duv"] == pytest.approx(0.0032, abs=1e-4)


def test_a_warm_cast_raises_both_estimates(distortions: dict[str, dict[str, Tensor]]) -> None:
    for pictures in distortions.values():
        values = _compare(pictures["cast"], pictures["none"])
        assert values["delta_white_grey_world_mired"] > 20  # type: ignore[operator]
        assert values["delta_white_bright_neutral_mired"] > 5  # type: ignore[operator]


@pytest.mark.parametrize(
    ("colour", "measure", "reason"),
    [
        ((0.0, 0.0, 0.0), "white_grey_world_mired", "too dark"),
        ((0.0, 0.0, 0.0), "white_bright_neutral_duv", "too dark"),
        ((1.0, 0.0, 0.0), "white_grey_world_mired", "not between 0 and 600 mired"),
        ((0.1, 0.7, 0.1), "white_grey_world_mired", "no black body's"),
        ((0.1, 0.7, 0.1), "white_bright_neutral_mired", "fewer than 1 % of the pixels are neutral"),
        ((1.0, 1.0, 1.0), "white_bright_neutral_mired", "fewer than 1 % of the pixels are neutral and unclipped"),
    ],
)
def test_no_light_is_guessed(colour: tuple[float, float, float], measure: str, reason: str) -> None:
    value = _describe(torch.tensor(colour)[None, :, None, None].expand(1, 3, 8, 8))[measure]
    assert isinstance(value, Undefined)
    assert reason in value.reason


def test_the_reference_explains_a_missing_difference() -> None:
    black, grey = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)
    value = _compare(grey, black)["delta_white_grey_world_mired"]
    assert value == Undefined("in the reference the picture is too dark to show the colour of its light")


def test_the_hue_of_the_mean_turns_the_short_way() -> None:
    red, wine = (torch.tensor(c)[None, :, None, None].expand(1, 3, 2, 2) for c in ((0.8, 0.3, 0.4), (0.8, 0.3, 0.6)))
    turn = _compare(wine, red)["delta_hue_of_mean"]
    assert turn == pytest.approx(-35, abs=10)  # from about 12° to about 337°: over 0°, not the long way of 325°
    assert _compare(red, wine)["delta_hue_of_mean"] == pytest.approx(-turn)  # type: ignore[operator]


def test_a_grey_mean_has_no_hue() -> None:
    grey = torch.full((1, 3, 2, 2), 0.5)
    assert "nearly grey" in _compare(grey, grey)["delta_hue_of_mean"].reason  # type: ignore[union-attr]


def _describe(picture: Tensor) -> dict[str, Value]:
    colour = Colour()
    return {name: column[0] for name, column in colour.describe(colour.prepare(picture)).items()}


def _compare(frame: Tensor, reference: Tensor) -> dict[str, Value]:
    colour = Colour()
    columns = colour.compare(colour.prepare(frame), colour.prepare(reference))
    return {name: column[0] for name, column in columns.items()}
