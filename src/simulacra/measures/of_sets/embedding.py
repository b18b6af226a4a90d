"""The features of a whole set on disk, a few pictures in memory at a time."""

import numpy as np
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.features import Features
from simulacra.sets import PictureSet

_AT_ONCE = 64
"""Pictures; the numbers do not depend on it."""


def features_of(pictures: PictureSet, features: Features, count: int | None = None) -> Tensor:
    """Features of the pictures of a set, in its order: grey ones as RGB, those with alpha placed on white.

    Args:
        pictures: the set.
        features: what extracts them.
        count: how many from the start; None for all.

    Returns:
        Shape (count, D), float32.

    Raises:
        UserError: the set has fewer pictures, or one is damaged.
        MissingWeights: the network of the features is not on this machine.
    """
    total = len(pictures) if count is None else count
    if not 0 < total <= len(pictures):
        raise UserError(f"{total} pictures of {pictures.path} are asked for; it has {len(pictures)}, so give 1 to that")
    parts = []
    for first in range(0, total, _AT_ONCE):
        levels = pictures.pictures(np.arange(first, min(first + _AT_ONCE, total)))
        parts.append(features.extract(_opaque(torch.from_numpy(levels))))
    return torch.cat(parts)


def _opaque(levels: Tensor) -> Tensor:
    """Levels (N, C, H, W), uint8, as sRGB in [0, 1] of shape (N, 3, H, W), float32."""
    if levels.shape[1] == 4:
        colours, alpha = levels[:, :3].int(), levels[:, 3:].int()
        levels = (colours * alpha + 255 * (255 - alpha) + 127) // 255  # rounded, as a file of it would be
    return (levels.float() / 255).expand(-1, 3, -1, -1)
