"""Padding by reflection to a size that a network takes; whoever pads crops the same amounts off the result."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def reflect(pictures: "Tensor", left: int, right: int, top: int, bottom: int) -> "Tensor":
    """Pad by reflection about the centres of the border pixels, as often as it takes for a small picture.

    Args:
        pictures: shape (N, 3, H, W).
        left: pixels to add there, 0 or more; likewise the others.
        right: see left.
        top: see left.
        bottom: see left.

    Returns:
        Shape (N, 3, top + H + bottom, left + W + right).
    """
    padded = pictures
    if top or bottom:
        padded = padded.index_select(-2, _reflected(pictures.shape[-2], top, bottom, pictures))
    if left or right:
        padded = padded.index_select(-1, _reflected(pictures.shape[-1], left, right, pictures))
    return padded


def to_multiple(pictures: "Tensor", multiple: int) -> "Tensor":
    """Pad at the right and the bottom until both sides are multiples of `multiple`."""
    height, width = pictures.shape[-2:]
    return reflect(pictures, 0, -width % multiple, 0, -height % multiple)


def _reflected(length: int, before: int, after: int, like: "Tensor") -> "Tensor":
    import torch

    # A walk to and fro over 0 ... length-1 has the period 2 (length - 1); one pixel is its own reflection.
    period = max(2 * (length - 1), 1)
    place = torch.arange(-before, length + after, device=like.device) % period
    return torch.minimum(place, period - place) if length > 1 else torch.zeros_like(place)
