"""The grey picture that structure and geometry look at, and PSNR."""

from math import log10

from torch import Tensor

from simulacra.measures.contract import Undefined, Value

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights on gamma-coded R, G, B: the grey on which SSIM and GMSD were published."""

EQUAL = Undefined("the pictures are equal, so PSNR is infinite")


def luma(pictures: Tensor) -> Tensor:
    """Rec. 601 luma of pictures, shape (N, 3, H, W), as (N, H, W), in [0, 1]."""
    red, green, blue = pictures.unbind(1)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


def psnr(mean_squared_error: float) -> Value:
    """PSNR in dB for a range of 1; undefined for equal pictures."""
    return -10 * log10(mean_squared_error) if mean_squared_error > 0 else EQUAL
