"""The edge between stored pixels and pictures in memory: uint8 HWC arrays there, float32 NCHW tensors here."""

from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8]
"""One picture at the file edge: shape (H, W, 3), uint8, sRGB."""


def to_picture(pixels: Pixels) -> Tensor:
    """Pixels (H, W, 3) as a picture of shape (1, 3, H, W), float32 in [0, 1], contiguous and with memory of its own."""
    # NumPy makes the copy: decoded pixels may be read-only, which torch warns of, and one layout gives one result.
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32, order="C")).unsqueeze(0).div_(255)


def to_pixels(picture: Tensor) -> Pixels:
    """One picture, shape (1, 3, H, W) or (3, H, W), rounded to 8 bits a channel: the loss every stored copy has.

    Raises:
        ValueError: a value is not finite; rounding would hide it.
    """
    single = picture.detach().squeeze(0) if picture.ndim == 4 else picture.detach()
    if not bool(torch.isfinite(single).all()):
        raise ValueError("a picture holds values that are not finite")
    rounded = single.clamp(0, 1).mul(255).round_().to(torch.uint8)
    return rounded.permute(1, 2, 0).contiguous().cpu().numpy()


def pixel_digest(pixels: Pixels) -> str:
    """The identity of a picture: a hash of dtype, shape, colour space and raw values, whatever file holds it.

    Returns:
        `p1:` and a SHA-256 in hex; `p1` is the version of this rule.
    """
    height, width, _ = pixels.shape
    digest = sha256(f"p1 uint8 {height}x{width}x3 sRGB ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return f"p1:{digest.hexdigest()}"
