"""Low-frequency lock: what is coarse in a copy is replaced by what is coarse in the original."""

from functools import lru_cache
from math import pi, sqrt
from typing import TYPE_CHECKING

from pydantic import Field

from simulacra.copying.remedies.contract import Remedy
from simulacra.specification import Parameters

if TYPE_CHECKING:
    from torch import Tensor


class LowFrequencyLockParameters(Parameters):
    """What counts as coarse."""

    cutoff: float = Field(
        4.0,
        ge=0.5,
        le=1000,
        description="cycles along the longer side; what is coarser is the original's, what is twice as fine is the "
        "copy's",
    )


class LowFrequencyLock(Remedy):
    """A copy plus the low frequencies of what it differs by: tint, shading and vignettes go, texture stays.

    The picture is taken as a sum of cosines that reflect at its borders, so no border is pulled towards the opposite
    one. Between the cutoff and twice the cutoff the share of the original falls smoothly from one to nothing, because
    an abrupt end would ring beside every edge that moved.
    """

    family = "low-frequency-lock"
    summary = "puts the coarse colours and shading of frame 0 in place of the copy's"
    origin = "after VAE-LFA (arXiv 2605.08250), which aligns low frequencies to those of earlier rounds"
    Parameters = LowFrequencyLockParameters
    parameters: LowFrequencyLockParameters

    def after(self, copy: "Tensor", parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """The copy with the coarse part of the original; see `Remedy.after`."""
        return copy.add(low_frequencies(origin - copy, self.parameters.cutoff)).clamp(0, 1)


def low_frequencies(picture: "Tensor", cutoff: float) -> "Tensor":
    """The part of a picture below a frequency, by its cosine transform (DCT-II), which reflects at the borders.

    Args:
        picture: shape (N, C, H, W), any values.
        cutoff: cycles along the longer side, the same wavelength in every direction. Frequencies up to it are kept
            whole, those above twice of it not at all, with half a cosine wave between.

    Returns:
        Of the same shape and dtype; summed in float64.
    """
    import torch

    height, width = picture.shape[-2:]
    longest = max(width, height)
    down, across = (_cosines(length, 2 * cutoff / longest) for length in (height, width))  # (frequencies, pixels)
    rows, columns = (
        torch.arange(len(basis), dtype=torch.float64) * longest / (2 * length)  # cycles along the longer side
        for basis, length in ((down, height), (across, width))
    )
    frequency = torch.hypot(rows[:, None], columns)
    kept = torch.cos((frequency / cutoff - 1).clamp(0, 1) * pi).add(1).div(2)
    low = down.T @ (kept * (down @ picture.double() @ across.T)) @ across
    return low.to(picture.dtype)


@lru_cache(maxsize=8)
def _cosines(length: int, highest: float) -> "Tensor":
    """The orthonormal cosines of `length` pixels up to `highest` cycles a pixel, shape (frequencies, length)."""
    import torch

    count = min(length, int(2 * length * highest) + 1)  # number k has k / 2 cycles along the side
    numbers = torch.arange(count, dtype=torch.float64)[:, None]
    places = torch.arange(length, dtype=torch.float64) + 0.5
    basis = torch.cos(numbers * places * (pi / length)) * sqrt(2 / length)
    basis[0] /= sqrt(2)
    return basis
