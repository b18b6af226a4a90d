"""The operations as the papers state them, one step after the other: slow, obvious, the oracle of the fast ones."""

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.stylegan.networks.operations.contract import EPSILON, Operations
from simulacra.stylegan.networks.precision import widened

NARROW = (1.0, 2.0, 1.0)
WIDE = (1.0, 3.0, 3.0, 1.0)


class Reference(Operations):
    """Each method in the order of its documentation."""

    def up_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None, blur: bool) -> Tensor:
        """See `Operations.up_convolve`."""
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        x = F.conv2d(x, kernel, padding=1)
        if blur:
            x = filtered(x, NARROW, (1, 1))
        return x if bias is None else x + bias.to(x.dtype)[:, None, None]

    def down_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor, blur: bool) -> Tensor:
        """See `Operations.down_convolve`."""
        if blur:
            x = filtered(x, NARROW, (1, 1))
        x = F.conv2d(x, kernel, padding=1)
        x = (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4
        return x + bias.to(x.dtype)[:, None, None]

    def restyle(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """See `Operations.restyle`."""
        precise = widened(x)
        precise = precise - precise.mean((2, 3), keepdim=True)
        precise = precise * torch.rsqrt(precise.square().mean((2, 3), keepdim=True) + EPSILON)
        return (precise * scale[:, :, None, None] + shift[:, :, None, None]).to(x.dtype)

    def modulated_convolve(self, x: Tensor, kernel: Tensor, style: Tensor, demodulate: bool, up: bool) -> Tensor:
        """See `Operations.modulated_convolve`."""
        batch, inputs, height, width = x.shape
        outputs, _, side, _ = kernel.shape
        kernels = kernel * style[:, None, :, None, None]  # (N, out, in, k, k)
        if demodulate:
            kernels = kernels * torch.rsqrt(kernels.square().sum((2, 3, 4), keepdim=True) + EPSILON)
        # One convolution in N groups: the pictures stand behind one another as channels of a single picture.
        x = x.reshape(1, batch * inputs, height, width)
        if up:
            x = spread(x)[..., : 2 * height - 1, : 2 * width - 1]
            # A transposed convolution is the correlation of the spread picture with the kernel turned by 180 degrees.
            kernels, padding = kernels.flip(3, 4), side - 1
        else:
            padding = side // 2
        x = F.conv2d(x, kernels.reshape(batch * outputs, inputs, side, side), padding=padding, groups=batch)
        x = x.reshape(batch, outputs, *x.shape[2:])
        return 4 * filtered(x, WIDE, (1, 1)) if up else x

    def smooth_down_convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """See `Operations.smooth_down_convolve`."""
        margin = kernel.shape[-1] // 2
        x = filtered(x, WIDE, (1 + margin, 1 + margin))
        return F.conv2d(x, kernel)[:, :, ::2, ::2]

    def smooth_up(self, x: Tensor) -> Tensor:
        """See `Operations.smooth_up`."""
        return 4 * filtered(spread(x), WIDE, (2, 1))


def filtered(x: Tensor, taps: tuple[float, ...], margin: tuple[int, int]) -> Tensor:
    """Filter both axes by taps brought to sum 1, as a sum of shifted pictures.

    Args:
        x: shape (N, C, H, W).
        taps: symmetric.
        margin: zeros before and after each axis; what the taps then cannot cover is lost.
    """
    for axis, padding in ((2, (0, 0, *margin)), (3, (*margin, 0, 0))):
        padded = F.pad(x, padding)
        length = padded.shape[axis] - len(taps) + 1
        parts = (padded.narrow(axis, place, length) * (tap / sum(taps)) for place, tap in enumerate(taps))
        x = torch.stack(list(parts)).sum(0)
    return x


def spread(x: Tensor) -> Tensor:
    """Twice the size, with zeros after every pixel."""
    batch, channels, height, width = x.shape
    wide = torch.stack([x, torch.zeros_like(x)], dim=-1).reshape(batch, channels, height, 2 * width)
    return torch.stack([wide, torch.zeros_like(wide)], dim=3).reshape(batch, channels, 2 * height, 2 * width)
