"""AlexNet and VGG16 as torchvision lays them out: the trunks of LPIPS and DISTS, from files of the user's own.

A trunk is cut into five stages, and its answer is what each stage gives after its last ReLU.

Sources: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks"; Simonyan and Zisserman
2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", configuration D.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class Convolution(NamedTuple):
    """Where a convolution stands in the layers and how it walks."""

    place: int  # in torchvision's `features`
    stride: int
    padding: int


class Stage(NamedTuple):
    """Convolutions with a ReLU after each, and whether the picture is made smaller before them."""

    pooled: bool
    convolutions: tuple[Convolution, ...]


class Layout(NamedTuple):
    """How a trunk is built; the shapes of its kernels are those of its weights."""

    weights: str  # entry of the weights table
    pool: int  # places along each side of the pooling window, stride 2
    smallest: int  # px: with a shorter side nothing reaches the last stage
    stages: tuple[Stage, ...]


def _stage(*places: int, padding: int = 1, stride: int = 1, pooled: bool = True) -> Stage:
    return Stage(pooled, tuple(Convolution(place, stride, padding) for place in places))


ALEXNET = Layout(
    "alexnet",
    pool=3,
    smallest=31,
    stages=(
        _stage(0, padding=2, stride=4, pooled=False),
        _stage(3, padding=2),
        _stage(6),
        _stage(8, pooled=False),
        _stage(10, pooled=False),
    ),
)

VGG16 = Layout(
    "vgg16",
    pool=2,
    smallest=16,
    stages=(_stage(0, 2, pooled=False), _stage(5, 7), _stage(10, 12, 14), _stage(17, 19, 21), _stage(24, 26, 28)),
)


class Trunk(NamedTuple):
    """A layout with its weights."""

    layout: Layout
    layers: Mapping[int, tuple[Tensor, Tensor]]  # place -> kernel and bias


def from_weights(layout: Layout, tensors: Mapping[str, Tensor]) -> Trunk:
    """The trunk with these weights, under torchvision's names; the classifier's, if there, are left out."""
    places = [convolution.place for stage in layout.stages for convolution in stage.convolutions]
    layers = {place: (tensors[f"features.{place}.weight"], tensors[f"features.{place}.bias"]) for place in places}
    return Trunk(layout, layers)


def answers(x: Tensor, trunk: Trunk, pool: Callable[[Tensor], Tensor] | None = None) -> list[Tensor]:
    """What the five stages answer.

    Args:
        x: pictures as the trunk was trained on them, shape (N, 3, H, W), both sides of `layout.smallest` or more.
        trunk: from `from_weights`.
        pool: makes activations smaller between stages; None takes the layout's maxima.

    Returns:
        Five tensors of shape (N, channels, height, width), 0 or more.
    """
    found = []
    for stage in trunk.layout.stages:
        if stage.pooled:
            x = F.max_pool2d(x, trunk.layout.pool, 2) if pool is None else pool(x)
        for place, stride, padding in stage.convolutions:
            kernel, bias = trunk.layers[place]
            x = F.conv2d(x, kernel, bias, stride, padding).relu_()
        found.append(x)
    return found
