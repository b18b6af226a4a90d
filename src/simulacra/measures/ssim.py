"""SSIM and MS-SSIM of grey pictures, from local moments that are taken once a picture."""

from typing import NamedTuple

import torch
from torch import Tensor

from simulacra.measures.filters import gaussian, smooth

WINDOW = gaussian(1.5, radius=5)
"""The 11 x 11 window of Wang et al. 2004, sampled from a gaussian of sigma 1.5 px."""

SMALLEST = len(WINDOW)
"""Pixels: a picture with a shorter side holds no whole window."""

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first (Wang, Simoncelli and Bovik 2003)."""

SMALLEST_MULTISCALE = SMALLEST * 2 ** (len(WEIGHTS) - 1)
"""Pixels: with a shorter side the coarsest scale holds no whole window."""

_C1, _C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 with a range L of 1


class Local(NamedTuple):
    """A grey picture with its moments in every whole window."""

    grey: Tensor  # (N, H, W), in [0, 1]
    mean: Tensor  # (N, H - 10, W - 10)
    variance: Tensor  # (N, H - 10, W - 10)


def local(grey: Tensor) -> Local:
    """The moments of grey pictures, shape (N, H, W) with both sides of `SMALLEST` or more."""
    mean, square = smooth(torch.stack([grey, grey * grey]), WINDOW)
    return Local(grey, mean, square.addcmul_(mean, mean, value=-1))


def pyramid(grey: Tensor) -> list[Local]:
    """The moments at five scales, each the mean of 2 x 2 pixels of the one before; an odd last row or column goes."""
    scales = [local(grey)]
    for _ in WEIGHTS[1:]:
        grey = torch.nn.functional.avg_pool2d(grey[:, None], 2)[:, 0]
        scales.append(local(grey))
    return scales


def similarity(one: Local, other: Local) -> tuple[Tensor, Tensor]:
    """Mean SSIM, and mean contrast-structure term, each of shape (N,), float64.

    Both terms are written as 1 minus a share of the difference, which is algebraically the published form: in equal
    pictures nothing is lost to rounding and the value is exactly 1.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, equations 12 and 13, the mean over whole windows.
    """
    difference = one.grey - other.grey
    shift_squared = (one.mean - other.mean).square_()
    loss = smooth(difference.square_(), WINDOW).sub_(shift_squared)  # variance of the difference
    structure = loss.div_((one.variance + other.variance).add_(_C2)).neg_().add_(1)
    bottom = (one.mean * one.mean).addcmul_(other.mean, other.mean).add_(_C1)
    ssim = shift_squared.div_(bottom).neg_().add_(1).mul_(structure)
    return _mean(ssim), _mean(structure)


def multiscale(one: list[Local], other: list[Local], finest: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """MS-SSIM, shape (N,), float64; a scale whose mean is negative counts as 0.

    Args:
        one: five scales.
        other: five scales of pictures of the same size.
        finest: `similarity` of the finest scale, where the caller has it already.

    Source: Wang, Simoncelli and Bovik 2003, equation 7.
    """
    terms = [similarity(a, b) for a, b in zip(one[1:], other[1:], strict=True)]
    terms.insert(0, finest if finest is not None else similarity(one[0], other[0]))
    factors = [structure for _, structure in terms[:-1]] + [terms[-1][0]]
    powers = [factor.clamp(min=0) ** weight for factor, weight in zip(factors, WEIGHTS, strict=True)]
    return torch.stack(powers).prod(0)


def _mean(values: Tensor) -> Tensor:
    return values.mean((-2, -1), dtype=torch.float64)
