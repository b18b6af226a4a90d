"""From a picture of any size to a square of one: crop or pad by a rule the user named, then resize with a filter."""

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels, to_picture, to_pixels
from simulacra.images.resize import Filter, resize

Fit = Literal["refuse", "crop", "pad"]
"""What becomes of a picture that is not square: an error, the middle of it, or black beside it (clear, with alpha)."""

Colour = Literal["rgb", "rgba", "grey"]
"""The channels of every picture of a set."""

FITS: tuple[Fit, ...] = get_args(Fit)
COLOURS: tuple[Colour, ...] = get_args(Colour)

CHANNELS: dict[Colour, int] = {"grey": 1, "rgb": 3, "rgba": 4}


def square(pixels: Pixels, fit: Fit, name: str) -> Pixels:
    """A square picture.

    Args:
        pixels: shape (H, W, C), uint8.
        fit: the rule.
        name: the picture, for messages.

    Returns:
        Shape (S, S, C): S is the shorter side after a crop, the longer one after padding. An odd pixel too many goes
        from the right or the bottom; an odd pixel too few is added there.

    Raises:
        UserError: it is not square, and the rule is to refuse.
    """
    height, width, channels = pixels.shape
    if height == width:
        return pixels
    if fit == "refuse":
        raise UserError(f"{name} is {width}x{height} px and not square; say --fit crop or --fit pad")
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return pixels[top : top + side, left : left + side]
    side = max(height, width)
    padded = np.zeros((side, side, channels), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded


def resized(pixels: Pixels, resolution: int, filter: Filter) -> Pixels:
    """A square picture at another size. Colours are weighed by their alpha, so what is clear does not bleed.

    Args:
        pixels: shape (S, S, C), uint8, C 3 or 4.
        resolution: of the result in pixels.
        filter: of `images.resize`.
    """
    if pixels.shape[0] == resolution:
        return pixels
    picture = to_picture(pixels)  # (1, C, S, S)
    if pixels.shape[-1] == 3:
        return to_pixels(resize(picture, resolution, resolution, filter))
    colours, alpha = picture[:, :3], picture[:, 3:]
    both = resize(torch.cat([colours * alpha, alpha], dim=1), resolution, resolution, filter)
    return to_pixels(torch.cat([_divided(both[:, :3], both[:, 3:]), both[:, 3:]], dim=1))


def in_colour(pixels: Pixels, colour: Colour) -> NDArray[np.uint8]:
    """Pixels (H, W, C) in the channels of a set, as (C, H, W). Grey is Rec. 601 luma, as Pillow computes it."""
    if colour == "grey":
        return np.asarray(Image.fromarray(pixels[..., :3]).convert("L"))[None]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _divided(premultiplied: Tensor, alpha: Tensor) -> Tensor:
    """Colours without their alpha; black where there is nothing to see."""
    visible = alpha > 1 / 512  # below, the alpha rounds to 0
    return torch.where(visible, premultiplied / alpha.where(visible, 1.0), 0.0)
