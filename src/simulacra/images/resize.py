"""Resizing on floats: antialiased separable filters, summed in float64, with no rounding to 8 bits inside.

Conventions, those of Pillow and of most editors:

- A pixel is a square and its value stands at the centre, so output pixel i looks at position (i + 1/2) * in / out.
- When an axis shrinks, the filter is widened by in / out, so that it also removes what the smaller grid cannot hold.
- Weights that would reach over the border are dropped and the rest are scaled to sum to 1.
- The sRGB values are averaged as they are, not in linear light. Editors, browsers and training pipelines do the same,
  and a model's own resize path is the thing this must repeat.

Each axis is one product with a banded matrix, so the whole is linear in the picture and differentiable.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels, to_picture, to_pixels

Filter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
"""How neighbouring pixels are weighed: the nearest one, a box, a triangle, Keys's cubic (a = -1/2), Lanczos-3."""

FILTERS: tuple[Filter, ...] = get_args(Filter)

_BLOCK = 64
"""Output pixels computed by one dense product; larger wastes work on the band's zeros, smaller on the calls."""


def resize(picture: Tensor, width: int, height: int, filter: Filter = "lanczos") -> Tensor:
    """Resize pictures to width x height pixels.

    The map is linear and is not clamped: bicubic and Lanczos have negative lobes, so beside an edge they may leave
    [0, 1] by a tenth or so. An axis whose length does not change is left exactly as it is.

    Args:
        picture: shape (N, 3, H, W), float32 or float64.
        width: of the result in pixels, 1 or more.
        height: of the result in pixels, 1 or more.
        filter: every filter but "nearest" is antialiased.

    Returns:
        Shape (N, 3, height, width), of the dtype and device of `picture`.

    Raises:
        UserError: a side is below 1, or no filter has this name.

    Sources: Keys 1981, "Cubic convolution interpolation for digital image processing", with a = -1/2; Duchon 1979,
    "Lanczos filtering in one and two dimensions".
    """
    if min(width, height) < 1:
        raise UserError(f"a picture cannot be resized to {width}x{height} px; each side must be 1 or more")
    if filter not in FILTERS:
        raise UserError(f"filter {filter!r} is unknown; there is {', '.join(FILTERS)}")
    rows, columns = picture.shape[-2:]
    if filter == "nearest":
        down, across = (_nearest(*lengths, picture.device) for lengths in ((rows, height), (columns, width)))
        return picture.index_select(-2, down).index_select(-1, across)

    result = picture
    if columns != width:
        result = _along_last_axis(result, width, filter)  # (N, 3, H, width)
    if rows != height:
        result = _along_last_axis(result.transpose(-1, -2), height, filter).transpose(-1, -2)
    return result.to(picture.dtype).contiguous()


def fit(pixels: Pixels, longest_side: int) -> Pixels:
    """Shrink pixels with Lanczos so that the longer side is at most `longest_side`; a smaller picture stays as it is.

    Args:
        pixels: shape (H, W, 3), uint8.
        longest_side: in pixels, 1 or more.

    Raises:
        UserError: `longest_side` is below 1.
    """
    height, width, _ = pixels.shape
    fitted = fitted_size(width, height, longest_side)
    return pixels if fitted == (width, height) else to_pixels(resize(to_picture(pixels), *fitted))


def fitted_size(width: int, height: int, longest_side: int) -> tuple[int, int]:
    """The width and height that `fit` gives: aspect kept to the nearest pixel, never enlarged, never below 1.

    Raises:
        UserError: `longest_side` is below 1.
    """
    if longest_side < 1:
        raise UserError(f"the size is {longest_side} px; it must be 1 or more")
    longest = max(width, height)
    if longest <= longest_side:
        return width, height
    # Whole numbers, half up: a float quotient would round 2.5 one way and 3.5 the other.
    scaled = ((2 * side * longest_side + longest) // (2 * longest) for side in (width, height))
    fitted_width, fitted_height = (max(1, side) for side in scaled)
    return fitted_width, fitted_height


def _along_last_axis(values: Tensor, length: int, filter: Filter) -> Tensor:
    blocks = _banded(values.shape[-1], length, filter)
    products = [values[..., first:last].double() @ weights.to(values.device) for first, last, weights in blocks]
    return torch.cat(products, dim=-1)


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # a matrix first made under inference could not serve a gradient later
def _banded(before: int, after: int, filter: Filter) -> tuple[tuple[int, int, Tensor], ...]:
    """The matrix (before, after) of one axis as blocks of columns: first and last input pixel, and weights between."""
    kernel, radius = _KERNELS[filter]
    scale = before / after
    widening = max(scale, 1.0)
    reach = radius * widening

    blocks = []
    for start in range(0, after, _BLOCK):
        centres = (torch.arange(start, min(start + _BLOCK, after), dtype=torch.float64) + 0.5) * scale  # (outputs,)
        nearest_first = torch.floor(centres - reach + 0.5).clamp(min=0)
        nearest_last = torch.floor(centres + reach + 0.5).clamp(max=before)
        first, last = int(nearest_first[0]), int(nearest_last[-1])
        inputs = torch.arange(first, last, dtype=torch.float64)[:, None]  # (inputs, 1)
        weights = kernel((inputs + 0.5 - centres) / widening)  # (inputs, outputs)
        weights = weights.where((inputs >= nearest_first) & (inputs < nearest_last), 0.0)
        blocks.append((first, last, weights / weights.sum(0)))
    return tuple(blocks)


def _nearest(before: int, after: int, device: torch.device) -> Tensor:
    """Input index of each output pixel, in whole numbers: floor((2i + 1) * before / (2 * after))."""
    return (2 * torch.arange(after, device=device) + 1) * before // (2 * after)


def _box(x: Tensor) -> Tensor:
    # Half-open, so that a pixel on the border between two boxes belongs to one of them only.
    return ((x > -0.5) & (x <= 0.5)).to(x.dtype)


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _cubic(x: Tensor) -> Tensor:
    a = -0.5
    x = x.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 3, torch.sinc(x) * torch.sinc(x / 3), 0.0)


_KERNELS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_triangle, 1.0),
    "bicubic": (_cubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}
