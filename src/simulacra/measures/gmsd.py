"""GMSD: how unevenly the local gradients of two grey pictures agree."""

import torch
from torch import Tensor

from simulacra.measures.filters import magnitude

SMALLEST = 6
"""Pixels: after halving, a shorter side holds no whole 3 x 3 window."""

_C = 170 / 255**2  # the constant of the paper, for a range of 1


def gradients(grey: Tensor) -> Tensor:
    """Gradient magnitude of grey pictures at half their size.

    Args:
        grey: shape (N, H, W), in [0, 1], both sides of `SMALLEST` or more; an odd last row or column is dropped.

    Returns:
        Prewitt gradient magnitude in every whole window, shape (N, H // 2 - 2, W // 2 - 2).
    """
    half = torch.nn.functional.avg_pool2d(grey[:, None], 2)[:, 0]
    tall = half[:, :-2] + half[:, 1:-1] + half[:, 2:]
    wide = half[:, :, :-2] + half[:, :, 1:-1] + half[:, :, 2:]
    return magnitude(tall[:, :, 2:] - tall[:, :, :-2], wide[:, 2:] - wide[:, :-2]).div_(3)


def deviation(one: Tensor, other: Tensor) -> Tensor:
    """GMSD from two gradient magnitudes, shape (N,), float64; exactly 0 for equal ones.

    Source: Xue, Zhang, Mou and Bovik 2014, equations 4 to 6; the border, which the paper leaves open, is left out.
    """
    # 1 minus the similarity map of equation 4, whose deviation is the same and which loses nothing to rounding.
    loss = (one - other).square() / (one * one + other * other + _C)
    return loss.double().flatten(1).std(1, correction=0)
