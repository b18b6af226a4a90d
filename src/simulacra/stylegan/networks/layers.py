"""What both families are built of: weights with a run-time constant, dense layers, convolutions, batch statistics."""

from math import prod, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.stylegan.networks.operations.contract import EPSILON
from simulacra.stylegan.networks.precision import full_precision, widened

SLOPE = 0.2
"""Of the leaky ReLU below 0."""

GROUP = 4
"""Pictures that the standard deviation of a minibatch is taken over."""


class Scaled(nn.Module):
    """A weight drawn from N(0, 1) / rate and multiplied by gain / sqrt(fan_in) * rate when it is used.

    So every weight learns at the same speed, `rate` times that of the rest of the network.

    Source: Karras et al. 2018, section 4.1, "equalized learning rate".
    """

    def __init__(self, shape: tuple[int, ...], gain: float, rate: float = 1.0) -> None:
        """Make room for the weight.

        Args:
            shape: outputs first; the product of the rest is the number of inputs.
            gain: sqrt(2) before a leaky ReLU, else 1.
            rate: multiplier of the learning rate.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))
        self.spread = 1 / rate
        self.constant = gain / sqrt(prod(shape[1:])) * rate

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weight."""
        with torch.no_grad():
            self.weight.normal_(0, self.spread, generator=generator)

    @property
    def kernel(self) -> Tensor:
        """The weight as it is used."""
        return self.weight * self.constant


class Dense(Scaled):
    """A dense layer; always in its own precision, since it costs nothing and carries the latents."""

    def __init__(
        self, inputs: int, outputs: int, gain: float = 1.0, rate: float = 1.0, bias: float | None = 0.0
    ) -> None:
        """Make room for it; `bias` is what the bias starts at, None for no bias."""
        super().__init__((outputs, inputs), gain, rate)
        self.rate = rate
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, inputs) to (N, outputs)."""
        with full_precision(x.device):
            bias = None if self.bias is None else self.bias * self.rate
            return F.linear(x.to(self.weight.dtype), self.kernel, bias)


class Convolution(Scaled):
    """A convolution that keeps the size; its bias starts at 0."""

    def __init__(self, inputs: int, outputs: int, side: int, gain: float) -> None:
        super().__init__((outputs, inputs, side, side), gain)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, inputs, H, W) to (N, outputs, H, W), zeros outside."""
        return F.conv2d(x, self.kernel, self.bias, padding=self.weight.shape[-1] // 2)


def normalised(x: Tensor) -> Tensor:
    """Vectors, or the vector of maps at every pixel, over their root mean square; in single precision at least."""
    precise = widened(x)
    return (precise * torch.rsqrt(precise.square().mean(1, keepdim=True) + EPSILON)).to(x.dtype)


def activated(x: Tensor, gain: float = 1.0) -> Tensor:
    """Leaky ReLU times a gain above 0, in the memory of x.

    What made x must not need it for its gradient; convolutions and additions do not.
    """
    # The gain goes first, which for a leaky ReLU is the same: its gradient is taken from what it gave.
    return F.leaky_relu_(x if gain == 1 else x.mul_(gain), SLOPE)


def with_deviation(x: Tensor, parts: int = 1) -> Tensor:
    """Append a map that says how much the pictures of a minibatch differ.

    The deviation over a group of pictures is averaged over maps and pixels. Groups have 4 pictures, or where the batch
    is no multiple of 4 its largest divisor below; picture i is in group i mod (N / 4).

    Args:
        x: shape (N, C, H, W).
        parts: minibatches of one size that stand one after the other in x, each with groups of its own.

    Returns:
        Shape (N, C + 1, H, W).

    Source: Karras et al. 2018, section 3.
    """
    total, _, height, width = x.shape
    batch = total // parts
    size = next(size for size in range(GROUP, 0, -1) if batch % size == 0)
    precise = widened(x).reshape(parts, size, batch // size, -1)
    # A twentieth of the time of Tensor.var, which is slow over few pictures.
    variance = (precise - precise.mean(1, keepdim=True)).square().mean(1)
    deviation = (variance + EPSILON).sqrt().mean(2)
    appended = deviation.repeat(1, size).flatten()[:, None, None, None].expand(-1, 1, height, width)
    return torch.cat([x, appended.to(x.dtype)], dim=1)
