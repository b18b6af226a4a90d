"""Square windows on a picture, turned and scaled: where the face networks look, and the way back to the picture.

A point of the plane is one complex number, x + iy in pixels, y downwards; a pixel's centre is at column + 1/2 and
row + 1/2. A similarity (turn, scale, shift, no mirror) is then `factor * point + shift`, and every alignment in this
channel is one line.
"""

from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, tensor

Points = NDArray[np.complex128]
"""Points of the plane, one complex number each."""


class Window(NamedTuple):
    """A square on a picture, which may reach over its border."""

    centre: complex  # px
    edge: complex  # its upper edge from left to right, px: the length is the side, the argument the rotation

    def outward(self, points: Points) -> Points:
        """Points of the window, each axis in [0, 1], as points of the picture."""
        return self.centre + self.edge * (points - (0.5 + 0.5j))

    def inward(self, points: Points) -> Points:
        """Points of the picture as points of the window: the inverse of `outward`."""
        return (points - self.centre) / self.edge + (0.5 + 0.5j)


def whole(picture: Tensor) -> Window:
    """The smallest upright window that holds the whole picture, shape (1, 3, H, W), in its middle."""
    height, width = picture.shape[-2:]
    return Window(complex(width, height) / 2, max(width, height))


def look(picture: Tensor, window: Window, size: int) -> Tensor:
    """What a window shows, at a given size; black outside the picture.

    Bilinear; where the window shrinks by 2 or more, on the means of blocks, so that fine texture does not alias.

    Args:
        picture: shape (1, 3, H, W), float32.
        window: where to look.
        size: side of the result, px.

    Returns:
        Shape (1, 3, size, size), of the dtype and device of `picture`.
    """
    height, width = picture.shape[-2:]
    side = abs(window.edge)
    block = max(1, int(side / size))
    # Only the part that can be seen, so that a large picture with a small face costs no more than a small one.
    reach = side / 2**0.5 + block + 1
    left, right = _span(window.centre.real, reach, width)
    top, bottom = _span(window.centre.imag, reach, height)
    seen = picture[..., top:bottom, left:right]
    if block > 1:
        seen = F.avg_pool2d(seen, block, ceil_mode=True)  # (1, 3, rows, columns)

    rows, columns = seen.shape[-2:]
    centre, edge = (window.centre - complex(left, top)) / block, window.edge / block
    # Both grids run from -1 to 1 over their outer borders, which is align_corners=False.
    to_seen = [
        [edge.real / columns, -edge.imag / columns, 2 * centre.real / columns - 1],
        [edge.imag / rows, edge.real / rows, 2 * centre.imag / rows - 1],
    ]
    theta = tensor([to_seen], dtype=picture.dtype, device=picture.device)
    grid = F.affine_grid(theta, [1, 3, size, size], align_corners=False)
    return F.grid_sample(seen, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def similarity(points: Points, target: Points) -> tuple[complex, complex]:
    """The similarity that brings points nearest to their targets in the sense of least squares, without mirroring.

    Args:
        points: at least two that differ.
        target: as many.

    Returns:
        `factor` and `shift` of `factor * points + shift`.

    Source: Goodall 1991, "Procrustes methods in the statistical analysis of shape", section 4, in complex numbers.
    """
    middle, target_middle = points.mean(), target.mean()
    centred = points - middle
    factor = complex(np.vdot(centred, target - target_middle) / np.vdot(centred, centred))
    return factor, complex(target_middle - factor * middle)


def _span(middle: float, reach: float, length: int) -> tuple[int, int]:
    """First and last+1 pixel within reach, at least one even when the window lies beside the picture."""
    first = min(max(int(middle - reach), 0), length - 1)
    return first, min(max(int(middle + reach) + 1, first + 1), length)
