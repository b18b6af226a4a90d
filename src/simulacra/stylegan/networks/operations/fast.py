"""The same operations with fewer products and fewer passes over memory.

- Repeating pixels and convolving by 3x3 is one transposed convolution by 4x4 with stride 2, at every resolution: 16
  products for each input pixel in place of 36. Convolving and taking means of 2x2 is one convolution by 4x4 with stride
  2, in the same proportion.
- Blurs are convolutions of each map by itself, which the libraries do well, and carry the bias. Their gradient is the
  same filter transposed, at every order.
- Normalisation and style are one multiplication and one addition for each pixel.
- A picture's own kernel is never made: scaling a kernel along its inputs is scaling what goes in, and along its outputs
  what comes out.
"""

from functools import lru_cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from simulacra.stylegan.networks.operations.contract import EPSILON, Operations
from simulacra.stylegan.networks.precision import full_precision, widened

_NARROW = (1.0, 2.0, 1.0)
_WIDE = (1.0, 3.0, 3.0, 1.0)
_GATHERED = 1024
"""Pixels below which PyTorch's group normalisation reads channels-last maps one value at a time."""


class Fast(Operations):
    """See the module; each method computes what `Operations` says."""

    def up_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None, blur: bool) -> Tensor:
        """See `Operations.up_convolve`."""
        # A transposed convolution lays the kernel down turned by 180 degrees, so it is turned beforehand.
        fused = _fused(kernel, turned=True).transpose(0, 1)
        if not blur:
            return F.conv_transpose2d(x, fused, bias, stride=2, padding=1)
        return _blurred(F.conv_transpose2d(x, fused, stride=2, padding=1), _NARROW, bias, padding=1)

    def down_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor, blur: bool) -> Tensor:
        """See `Operations.down_convolve`."""
        if blur:
            x = _blurred(x, _NARROW, None, padding=1)
        return F.conv2d(x, _fused(kernel, turned=False) / 4, bias, stride=2, padding=1)

    def restyle(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """See `Operations.restyle`."""
        made = _Restyle.apply(widened(x), scale, shift)  # type: ignore[no-untyped-call]
        return cast(Tensor, made).to(x.dtype)

    def modulated_convolve(self, x: Tensor, kernel: Tensor, style: Tensor, demodulate: bool, up: bool) -> Tensor:
        """See `Operations.modulated_convolve`."""
        x = x * _spread(style.to(x.dtype))
        if up:
            x = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2)
            x = _blurred(x, _WIDE, None, padding=1, gain=4.0)
        else:
            x = F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
        if not demodulate:
            return x
        with full_precision(x.device):
            squares = style.square() @ kernel.square().sum((2, 3)).t()
            lengths = torch.rsqrt(squares + EPSILON)
        return x * _spread(lengths.to(x.dtype))

    def smooth_down_convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """See `Operations.smooth_down_convolve`."""
        if kernel.shape[-1] == 1:  # only the pixels that are kept
            return F.conv2d(_blurred(x, _WIDE, None, padding=1, stride=2), kernel)
        return F.conv2d(_blurred(x, _WIDE, None, padding=2), kernel, stride=2)

    def smooth_up(self, x: Tensor) -> Tensor:
        """See `Operations.smooth_up`."""
        return _filter(x, None, _WIDE, gain=4.0, padding=1, stride=2, transposed=True)


class _Restyle(Function):
    """Instance normalisation and style at once: what each gradient sums over the pixels is what the others need.

    PyTorch's own rules take those sums for the style and then again for the normalisation, and slowly in channels-last.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        batch, maps, height, width = x.shape
        if _taken_well(x):
            normal, mean, inverse = torch.native_group_norm(x, None, None, batch, maps, height * width, maps, EPSILON)
            styled = torch.addcmul(_spread(shift), normal, _spread(scale), out=normal)
        else:
            mean, inverse = _statistics(x)
            slope = scale * inverse
            styled = torch.addcmul(_spread(shift - slope * mean), x, _spread(slope))
        ctx.save_for_backward(x, scale, mean, inverse)
        return styled

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, scale, mean, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again, so the statistics must depend on x
            mean, inverse = _statistics(x)
        of_shift = slopes.sum((2, 3))
        of_scale = ((slopes * x).sum((2, 3)) - mean * of_shift) * inverse
        slope = scale * inverse
        pixels = x.shape[2] * x.shape[3]
        bend, level = slope * inverse * of_scale / pixels, slope * of_shift / pixels
        of_x = torch.addcmul(_spread(bend * mean - level), x, _spread(-bend)).addcmul_(slopes, _spread(slope))
        return of_x, of_scale, of_shift


def _taken_well(x: Tensor) -> bool:
    """Whether PyTorch's group normalisation takes maps of this layout, and is quicker than sums of our own."""
    if x.is_contiguous():
        return True
    large = x.shape[2] * x.shape[3] >= _GATHERED
    return large and x.device.type == "cpu" and x.is_contiguous(memory_format=torch.channels_last)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean, and one over the deviation, of every picture's maps: shape (N, C) each."""
    mean = x.mean((2, 3))
    return mean, torch.rsqrt((x - _spread(mean)).square().mean((2, 3)) + EPSILON)


def _spread(value: Tensor) -> Tensor:
    """One value for each picture and map, at every pixel."""
    return value[:, :, None, None]


class _Filter(Function):
    """Every map by itself filtered by symmetric taps, or the transpose of that, which is its gradient.

    So the gradient of the gradient is the filter again. PyTorch's own rule would take a convolution for every map.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        bias: Tensor | None,
        taps: tuple[float, ...],
        gain: float,
        padding: int,
        stride: int,
        transposed: bool,
    ) -> Tensor:
        ctx.protocol = (taps, gain, padding, stride, not transposed)
        if transposed and stride == 1:  # is the filter itself on another margin, and libraries do that one faster
            padding, transposed = len(taps) - 1 - padding, False
        kernel = _square(taps, gain, x.dtype, x.device).expand(x.shape[1], 1, -1, -1)
        with full_precision(x.device):  # in the precision that x has
            convolve = F.conv_transpose2d if transposed else F.conv2d
            offset = None if bias is None else bias.to(x.dtype)
            return convolve(x, kernel, offset, stride, padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        of_x = _filter(slope, None, *ctx.protocol) if ctx.needs_input_grad[0] else None
        of_bias = slope.sum((0, 2, 3)) if ctx.needs_input_grad[1] else None
        return of_x, of_bias, None, None, None, None, None


def _filter(
    x: Tensor,
    bias: Tensor | None,
    taps: tuple[float, ...],
    gain: float,
    padding: int,
    stride: int,
    transposed: bool,
) -> Tensor:
    made = _Filter.apply(x, bias, taps, gain, padding, stride, transposed)  # type: ignore[no-untyped-call]
    return cast(Tensor, made)


def _blurred(
    x: Tensor, taps: tuple[float, ...], bias: Tensor | None, padding: int, stride: int = 1, gain: float = 1.0
) -> Tensor:
    return _filter(x, bias, taps, gain, padding, stride, transposed=False)


@lru_cache
def _square(taps: tuple[float, ...], gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The outer product of the taps with themselves, of sum `gain`; kept, so that a GPU is not made to wait for it."""
    with torch.inference_mode(False):  # else one made within inference mode could never be used in training
        line = torch.tensor(taps, dtype=torch.float64) / sum(taps)
        return (gain * torch.outer(line, line)).to(dtype).to(device)


def _fused(kernel: Tensor, turned: bool) -> Tensor:
    """The 4x4 kernel that is the 3x3 one applied to a sum of 2x2 pixels: four copies, each shifted.

    One product with a matrix of zeros and ones, which takes a tenth of the time of padding and adding.
    """
    outputs, inputs = kernel.shape[:2]
    with full_precision(kernel.device):
        wide = _shifts(turned, kernel.dtype, kernel.device) @ kernel.permute(2, 3, 0, 1).reshape(9, -1)
    return wide.reshape(4, 4, outputs, inputs).permute(2, 3, 0, 1)


@lru_cache
def _shifts(turned: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Shape (16, 9): which values of the 3x3 kernel are summed in each of the 4x4."""
    with torch.inference_mode(False):
        line = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=dtype)
        both = torch.kron(line, line)
        return (both.flip(1) if turned else both).to(device)
