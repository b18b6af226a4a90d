"""Linear filters along one axis of a picture, as banded matrices: on a CPU several times faster than a convolution."""

from functools import lru_cache
from math import ceil, exp
from typing import Literal

import torch
from torch import Tensor

Kernel = tuple[float, ...]
"""Weights of a filter with an odd number of taps, centred on the middle one."""

Edge = Literal["valid", "replicate"]
"""What happens beyond the border: only whole windows count, or the outermost pixels are repeated."""

BLOCK = 64
"""Outputs a matrix makes at once: few enough that most of its entries lie in the band, enough to fill the processor."""


def gaussian(sigma: float, radius: int | None = None) -> Kernel:
    """A sampled gaussian of unit sum.

    Args:
        sigma: standard deviation in pixels.
        radius: taps on each side; None takes 3 sigma, rounded up.
    """
    reach = ceil(3 * sigma) if radius is None else radius
    weights = [exp(-0.5 * (offset / sigma) ** 2) for offset in range(-reach, reach + 1)]
    return tuple(weight / sum(weights) for weight in weights)


def correlate(planes: Tensor, kernel: Kernel, axis: Literal[-1, -2], edge: Edge = "valid") -> Tensor:
    """Slide a kernel along the rows (axis -1) or the columns (axis -2).

    Args:
        planes: shape (..., H, W); every plane is filtered alone.
        kernel: 2 r + 1 weights.
        axis: the axis along which neighbours are weighted.
        edge: "valid" shortens the axis by 2 r, "replicate" keeps its length.

    Returns:
        Planes of the same dtype, without gradient.
    """
    *lead, height, width = planes.shape
    blocks = _blocks(kernel, planes.shape[axis], edge, planes.dtype)
    length = sum(len(matrix) for _, _, matrix in blocks)
    # Each product is written where it belongs: joining them afterwards would cost more than all of them.
    if axis == -1:
        rows = planes.reshape(-1, width)
        result, done = planes.new_empty(len(rows), length), 0
        for low, high, matrix in blocks:
            torch.mm(rows[:, low:high], matrix.T, out=result[:, done : done + len(matrix)])
            done += len(matrix)
        return result.view(*lead, height, length)
    flat = planes.reshape(-1, height, width)
    result = planes.new_empty(len(flat), length, width)
    for plane, filtered in zip(flat, result, strict=True):
        done = 0
        for low, high, matrix in blocks:
            torch.mm(matrix, plane[low:high], out=filtered[done : done + len(matrix)])
            done += len(matrix)
    return result.view(*lead, length, width)


def magnitude(across: Tensor, down: Tensor) -> Tensor:
    """Length of a gradient; torch's hypot takes ten times as long."""
    return (across * across).addcmul_(down, down).sqrt_()


def smooth(planes: Tensor, kernel: Kernel, edge: Edge = "valid") -> Tensor:
    """The same kernel along both axes."""
    return correlate(correlate(planes, kernel, -2, edge), kernel, -1, edge)


@lru_cache(maxsize=256)
def _blocks(kernel: Kernel, size: int, edge: Edge, dtype: torch.dtype) -> tuple[tuple[int, int, Tensor], ...]:
    """The filter as a matrix of shape (outputs, size) in blocks of rows: first column, last column + 1, entries."""
    radius = len(kernel) // 2
    starts = range(size) if edge == "replicate" else range(radius, size - radius)
    blocks = []
    for first in range(0, len(starts), BLOCK):
        centres = starts[first : first + BLOCK]
        low, high = max(0, centres[0] - radius), min(size, centres[-1] + radius + 1)
        matrix = torch.zeros(len(centres), high - low, dtype=torch.float64)
        taps = torch.tensor(centres)[:, None] + torch.arange(-radius, radius + 1)  # (outputs, weights)
        weights = torch.tensor(kernel, dtype=torch.float64).expand(taps.shape)
        matrix.scatter_add_(1, taps.clamp(0, size - 1) - low, weights)
        blocks.append((low, high, matrix.to(dtype)))
    return tuple(blocks)
