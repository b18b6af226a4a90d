"""Starts of a basin map: one picture as given, and changed in ways that a copier may keep or forget."""

from collections.abc import Callable

import torch
from torch import Tensor

from simulacra.images.colour import lab_to_srgb, srgb_to_lab
from simulacra.images.pixels import Pixels, to_picture, to_pixels
from simulacra.seeds import derive_seed

TINT = 12.0
"""How far b* is moved, in CIELAB units: a warm or a cool lamp."""
DARKER = 0.7
"""What is left of L*."""
NOISE = 0.08
"""Standard deviation of the noise, of the range from 0 to 1."""

AS_GIVEN = "as given"
END = "from its end"
"""The start that is the last copy of the first one; it tells whether that chain had arrived."""


def starts(pixels: Pixels, seed: int) -> dict[str, Pixels]:
    """The changed pictures by name, the picture itself first.

    Args:
        pixels: shape (H, W, 3), uint8.
        seed: of the noise.
    """
    picture = to_picture(pixels)
    changes: dict[str, Callable[[Tensor], Tensor]] = {
        AS_GIVEN: lambda given: given,
        "mirrored": lambda given: given.flip(-1),
        "warmer": lambda given: _moved(given, 1.0, TINT),
        "cooler": lambda given: _moved(given, 1.0, -TINT),
        "darker": lambda given: _moved(given, DARKER, 0.0),
        "noisy": lambda given: given + NOISE * _noise(given, seed),
    }
    return {name: to_pixels(change(picture).clamp(0, 1)) for name, change in changes.items()}


def _moved(picture: Tensor, lightness: float, tint: float) -> Tensor:
    """L* times `lightness`, b* plus `tint`."""
    lab = srgb_to_lab(picture)
    factor, offset = (torch.tensor(each)[:, None, None] for each in ((lightness, 1.0, 1.0), (0.0, 0.0, tint)))
    return lab_to_srgb(lab * factor + offset)


def _noise(picture: Tensor, seed: int) -> Tensor:
    return torch.randn(picture.shape, generator=torch.Generator().manual_seed(derive_seed(seed, "noisy start")))
