"""Inception-V3 as the 2015 graph computes it: convolutions, batch normalisation folded in, four ways side by side.

Sources: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the Inception Architecture for Computer Vision",
table 1. In three places the graph differs from later versions of it: averages leave the border out, the last block
takes a maximum in place of an average, and there are 1,008 classes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.errors import UserError

SIDE = 299
"""Pixels: the side of the square it reads."""

LENGTH = 2048
"""Numbers a picture."""

_EPSILON = 1e-3  # of batch normalisation

_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")

Ways = tuple[tuple[str, ...], ...]
"""The ways through a block without the pooled one: names of convolutions in a row."""

_A: Ways = (("branch1x1",), ("branch5x5_1", "branch5x5_2"), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"))
_B: Ways = (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"))
_C: Ways = (
    ("branch1x1",),
    ("branch7x7_1", "branch7x7_2", "branch7x7_3"),
    ("branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4", "branch7x7dbl_5"),
)
_D: Ways = (("branch3x3_1", "branch3x3_2"), ("branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"))
_WAYS: dict[str, Ways] = {
    **{f"Mixed_5{which}": _A for which in "bcd"},
    "Mixed_6a": _B,
    **{f"Mixed_6{which}": _C for which in "bcde"},
    "Mixed_7a": _D,
}
_HALVING = frozenset({"Mixed_6a", "Mixed_7a"})  # their last convolutions and their pooling have stride 2

# The last two blocks, whose ways fork: what leads to a fork, and what ends in the result.
_FORKS = ("Mixed_7b", "Mixed_7c")
_LEADING = ("branch3x3_1", "branch3x3dbl_1", "branch3x3dbl_2")
_ENDING = ("branch1x1", "branch3x3_2a", "branch3x3_2b", "branch3x3dbl_3a", "branch3x3dbl_3b", "branch_pool")

Layer = tuple[Tensor, Tensor]
"""Kernel and bias of a convolution."""


class Network(NamedTuple):
    """The convolutions by their published names."""

    layers: Mapping[str, Layer]

    @classmethod
    def from_weights(cls, tensors: Mapping[str, Any], source: str) -> Self:
        """The network with these weights.

        Args:
            tensors: under the names that torchvision gave the layers.
            source: where they come from, for the error.

        Raises:
            UserError: a layer is missing, or its output has another width.
        """
        layers = {}
        for name in layer_names():
            try:
                layers[name] = _folded(tensors, name)
            except (KeyError, AttributeError, RuntimeError) as error:
                raise UserError(
                    f"{source} has no whole layer {name}; give the state dict of the FID Inception-V3 (.pth)"
                ) from error
        width = sum(len(layers[f"{_FORKS[-1]}.{layer}"][1]) for layer in _ENDING)
        if width != LENGTH:
            raise UserError(f"{source} ends in {width} features; the FID Inception-V3 has {LENGTH}")
        return cls(layers)


def layer_names() -> list[str]:
    """Every convolution of the network."""
    names = list(_STEM)
    for block, ways in _WAYS.items():
        names += [f"{block}.{layer}" for way in ways for layer in way]
        names += [] if block in _HALVING else [f"{block}.branch_pool"]
    return names + [f"{block}.{layer}" for block in _FORKS for layer in (*_LEADING, *_ENDING)]


def pooled(picture: Tensor, network: Network) -> Tensor:
    """The features that FID compares.

    Args:
        picture: shape (1, 3, 299, 299), float32, sRGB in [0, 255].
        network: from `Network.from_weights`.

    Returns:
        Shape (2048,), float64, 0 or more.
    """

    def convolve(x: Tensor, *names: str, stride: int = 1, padded: bool = True) -> Tensor:
        for name in names:
            kernel, bias = network.layers[name]
            last = name == names[-1]
            padding = [side // 2 if padded and not (last and stride == 2) else 0 for side in kernel.shape[-2:]]
            x = F.conv2d(x, kernel, bias, stride if last else 1, padding).relu_()
        return x

    x = ((picture - 128) / 128).contiguous(memory_format=torch.channels_last)
    x = convolve(x, "Conv2d_1a_3x3", stride=2)
    x = convolve(x, "Conv2d_2a_3x3", padded=False)
    x = F.max_pool2d(convolve(x, "Conv2d_2b_3x3"), 3, 2)
    x = convolve(x, "Conv2d_3b_1x1")
    x = F.max_pool2d(convolve(x, "Conv2d_4a_3x3", padded=False), 3, 2)
    for block, ways in _WAYS.items():
        stride = 2 if block in _HALVING else 1
        parts = [convolve(x, *(f"{block}.{layer}" for layer in way), stride=stride) for way in ways]
        parts.append(F.max_pool2d(x, 3, 2) if stride == 2 else convolve(_average(x), f"{block}.branch_pool"))
        x = torch.cat(parts, 1)
    for block, pool in zip(_FORKS, (_average, _maximum), strict=True):
        three = convolve(x, f"{block}.branch3x3_1")
        twice = convolve(x, f"{block}.branch3x3dbl_1", f"{block}.branch3x3dbl_2")
        parts = [convolve(x, f"{block}.branch1x1")]
        parts += [convolve(three, f"{block}.branch3x3_2{side}") for side in "ab"]
        parts += [convolve(twice, f"{block}.branch3x3dbl_3{side}") for side in "ab"]
        parts.append(convolve(pool(x), f"{block}.branch_pool"))
        x = torch.cat(parts, 1)
    return x.mean((2, 3), dtype=torch.float64)[0]


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


def _folded(tensors: Mapping[str, Any], name: str) -> Layer:
    """A convolution with the batch normalisation that follows it; its gain is 1 where the file leaves it out."""
    kernel = tensors[f"{name}.conv.weight"]
    offset, mean, variance = (tensors[f"{name}.bn.{each}"] for each in ("bias", "running_mean", "running_var"))
    gain = tensors.get(f"{name}.bn.weight", torch.ones_like(offset)) / (variance + _EPSILON).sqrt()
    kernel = kernel * gain.view(-1, 1, 1, 1)
    return kernel.contiguous(memory_format=torch.channels_last), offset - mean * gain
