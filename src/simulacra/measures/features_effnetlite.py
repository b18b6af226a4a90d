"""EfficientNet-Lite0: what a picture shows, as 1,280 numbers of a network that tells 1,000 kinds of things apart.

The features are what the classifier reads: the last layer, averaged over places. Batch normalisation is folded into the
convolutions it follows.

Sources: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", table 1; the Lite
variant of Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite": no squeeze and excitation, ReLU6.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra import weights
from simulacra.images.resize import resize

WEIGHTS = "efficientnet-lite0"

SIDE = 224
"""Pixels: the side of the square it was trained on, to which every picture is brought, squashed where it must be."""

LENGTH = 1280
"""Numbers a picture."""

_BLOCKS = 16
_HALVING = frozenset({1, 3, 5, 11})  # blocks whose depthwise convolution has stride 2
_MEAN, _SPREAD = 127.0, 128.0  # of the training pictures, on the scale 0 to 255
_EPSILON = 1e-3  # of batch normalisation

Layer = tuple[Tensor, Tensor]
"""Kernel and bias of a convolution."""


class Block(NamedTuple):
    """An inverted residual: widen, look around in each channel alone, narrow."""

    widen: Layer | None  # the first block is wide already
    look: Layer
    narrow: Layer
    stride: int


class Network(NamedTuple):
    """The convolutions from the picture to the features."""

    stem: Layer
    blocks: tuple[Block, ...]
    head: Layer


def embed(picture: Tensor, network: Network) -> Tensor:
    """The direction of one picture's features: `pooled`, brought to length 1."""
    return F.normalize(pooled(picture, network), dim=0)


def pooled(picture: Tensor, network: Network) -> Tensor:
    """One picture's features.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        network: from `network` or `from_weights`.

    Returns:
        Shape (1280,), float64, 0 to 6.
    """
    x = (resize(picture, SIDE, SIDE, "bicubic").clamp(0, 1) * 255 - _MEAN) / _SPREAD
    x = _convolve(x.contiguous(memory_format=torch.channels_last), network.stem, stride=2).clamp_(0, 6)
    for block in network.blocks:
        y = x if block.widen is None else _convolve(x, block.widen).clamp_(0, 6)
        y = _convolve(y, block.look, block.stride, groups=y.shape[1]).clamp_(0, 6)
        y = _convolve(y, block.narrow)
        x = x + y if block.stride == 1 and x.shape[1] == y.shape[1] else y
    return _convolve(x, network.head).clamp_(0, 6).mean((2, 3), dtype=torch.float64)[0]


def cosine_distance(one: Tensor, other: Tensor) -> Tensor:
    """1 minus the cosine between directions of shape (N, 1280), shape (N,); exactly 0 for equal ones."""
    return (one - other).square_().sum(1) / 2


def network() -> Network:
    """The published network, loaded once a process.

    Raises:
        MissingWeights: it is not on this machine; the message says what to type.
    """
    return _load(weights.find(WEIGHTS))


def from_weights(tensors: Mapping[str, Tensor]) -> Network:
    """The network with these weights, under their published names."""
    blocks = []
    for index in range(_BLOCKS):
        name = f"_blocks.{index}"
        widen = _folded(tensors, f"{name}._expand_conv", f"{name}._bn0") if index else None
        look = _folded(tensors, f"{name}._depthwise_conv", f"{name}._bn1")
        narrow = _folded(tensors, f"{name}._project_conv", f"{name}._bn2")
        blocks.append(Block(widen, look, narrow, 2 if index in _HALVING else 1))
    return Network(_folded(tensors, "_conv_stem", "_bn0"), tuple(blocks), _folded(tensors, "_conv_head", "_bn1"))


def _folded(tensors: Mapping[str, Tensor], convolution: str, normalisation: str) -> Layer:
    """A convolution with the batch normalisation that follows it."""
    gain, offset, mean, variance = (
        tensors[f"{normalisation}.{each}"] for each in ("weight", "bias", "running_mean", "running_var")
    )
    gain = gain / (variance + _EPSILON).sqrt()
    kernel = tensors[f"{convolution}.weight"] * gain.view(-1, 1, 1, 1)
    # channels last: torch then takes its faster convolution for kernels of one place, which are most of the work
    return kernel.contiguous(memory_format=torch.channels_last), offset - mean * gain


def _convolve(x: Tensor, layer: Layer, stride: int = 1, groups: int = 1) -> Tensor:
    """A convolution; where it halves, the border is one place longer after the picture than before it (TensorFlow)."""
    kernel, bias = layer
    padding = kernel.shape[-1] // 2
    if stride == 2:
        x = F.pad(x, (padding - 1, padding, padding - 1, padding))
        padding = 0
    return F.conv2d(x, kernel, bias, stride, padding, groups=groups)


@lru_cache(maxsize=1)
def _load(path: Path) -> Network:
    return from_weights(torch.load(path, map_location="cpu", weights_only=True))
