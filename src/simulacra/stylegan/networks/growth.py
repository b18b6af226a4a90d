"""Progressive growing: the level of detail, and the cross-fade that real pictures go through as made ones do.

The level of detail, `lod`, is 0 when the networks are fully grown and rises by 1 with each halving. Between two whole
numbers the finer resolution is faded in: at 1.25 the pictures are three quarters those of level 1.

Source: Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", figure 2.
"""

from math import floor

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks.description import Description, Layer


def active_resolution(description: Description, lod: float) -> int:
    """Side in pixels of the pictures at a level of detail; within a fade that of the finer ones.

    Raises:
        UserError: the networks have no such level.
    """
    last = len(description.resolutions) - 1 if description.progressive else 0
    if not 0 <= lod <= last:
        reason = f"these networks have 0 to {last}" if description.progressive else "these networks do not grow: give 0"
        raise UserError(f"lod is {lod}; {reason}")
    return description.resolution >> floor(lod)


def active_layers(description: Description, lod: float) -> tuple[Layer, ...]:
    """The layers that work at a level of detail: two fewer for each whole level.

    Raises:
        UserError: the networks have no such level.
    """
    resolution = active_resolution(description, lod)
    return tuple(layer for layer in description.layers if layer.resolution <= resolution)


def fade_share(lod: float) -> float:
    """How much of the coarser resolution is in a picture, in [0, 1)."""
    return lod - floor(lod)


def fade(pictures: Tensor, lod: float) -> Tensor:
    """Real pictures as the discriminator must see them during a fade: mixed with their own half resolution.

    Args:
        pictures: shape (N, C, r, r), at the active resolution.
        lod: level of detail.

    Returns:
        The same shape; the pictures themselves between fades.
    """
    share = fade_share(lod)
    return torch.lerp(pictures, double(halve(pictures)), share) if share else pictures


def shrink(pictures: Tensor, lod: float) -> Tensor:
    """Pictures of the full resolution at the active one, by means of squares of pixels, without the fade."""
    return F.avg_pool2d(pictures, 1 << floor(lod)) if lod >= 1 else pictures


def double(pictures: Tensor) -> Tensor:
    """Twice the size: every pixel becomes four equal ones."""
    return F.interpolate(pictures, scale_factor=2, mode="nearest")


def halve(pictures: Tensor) -> Tensor:
    """Half the size: every pixel is the mean of four."""
    return F.avg_pool2d(pictures, 2)
