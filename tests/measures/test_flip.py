import flip_evaluator
import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.images.colour import srgb_to_linear
from simulacra.measures import flip


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize("which", ["cast", "shift", "zoom", "blur", "noise"])
def test_the_map_agrees_with_the_published_tool(
    distortions: dict[str, dict[str, Tensor]], name: str, which: str
) -> None:
    one, other = distortions[name]["none"], distortions[name][which]
    expected, _, settings = flip_evaluator.evaluate(_pixels(one), _pixels(other), "LDR", True, False, True)
    found = _map(one, other)[0].numpy()
    assert settings["ppd"] == pytest.approx(flip.PIXELS_PER_DEGREE)
    # Both run in float32, and the square root of a small feature difference enlarges its rounding.
    np.testing.assert_allclose(found, expected[..., 0], atol=5e-3)
    assert found.mean() == pytest.approx(expected.mean(), abs=5e-5)


def test_black_and_white_are_as_far_as_can_be() -> None:
    black, white = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    expected, _, _ = flip_evaluator.evaluate(_pixels(black), _pixels(white), "LDR", True, False, True)
    np.testing.assert_allclose(_map(black, white)[0].numpy(), expected[..., 0], atol=1e-4)  # float32 on both sides


def test_green_and_blue_reach_one() -> None:
    green, blue = (torch.eye(3)[channel][None, :, None, None].expand(1, 3, 5, 5) for channel in (1, 2))
    assert _map(green, blue).mean().item() == pytest.approx(1, abs=1e-4)  # float32 CIELAB of the two


def test_equal_pictures_have_an_empty_map(distortions: dict[str, dict[str, Tensor]]) -> None:
    picture = distortions["chelsea"]["none"]
    assert not _map(picture, picture.clone()).any()


def _map(one: Tensor, other: Tensor) -> Tensor:
    return flip.difference(flip.see(srgb_to_linear(one)), flip.see(srgb_to_linear(other)))


def _pixels(picture: Tensor) -> np.ndarray:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
