"""A small convolutional network for handwritten digits, in the manner of LeNet: two convolutions and two linear layers.

Its features are the last hidden layer before the rectifier. After it, a third of the numbers are 0 for every digit, and
covariances are singular.

Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition".
"""

from collections.abc import Mapping
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SIDE = 8
"""Pixels of the pictures it reads."""

LENGTH = 64
"""Features of a picture."""

CLASSES = 10

SHAPES = {
    "edges.weight": (16, 1, 5, 5),
    "edges.bias": (16,),
    "strokes.weight": (32, 16, 3, 3),
    "strokes.bias": (32,),
    "features.weight": (LENGTH, 32 * (SIDE // 4) ** 2),
    "features.bias": (LENGTH,),
    "classes.weight": (CLASSES, LENGTH),
    "classes.bias": (CLASSES,),
}
"""Name -> shape of every tensor of the network."""

_INK = 0.3
"""About the mean brightness of a digit, taken off so that the first layer sees both signs."""


class Read(NamedTuple):
    """What the network makes of pictures."""

    features: Tensor  # (N, 64)
    logits: Tensor  # (N, 10)


def untrained(generator: torch.Generator) -> dict[str, Tensor]:
    """Weights to begin with: normal with variance 2 / inputs, biases 0.

    Source: He, Zhang, Ren and Sun 2015, "Delving Deep into Rectifiers".
    """
    weights = {}
    for name, shape in SHAPES.items():
        drawn = torch.zeros(shape)
        if name.endswith("weight"):
            drawn.normal_(0, sqrt(2 / drawn[0].numel()), generator=generator)
        weights[name] = drawn
    return weights


def read(pictures: Tensor, weights: Mapping[str, Tensor]) -> Read:
    """Look at digits.

    Args:
        pictures: shape (N, 1, 8, 8), float32, brightness in [0, 1], white on black.
        weights: see `SHAPES`.
    """
    x = functional.conv2d(pictures - _INK, weights["edges.weight"], weights["edges.bias"], padding=2)
    x = functional.max_pool2d(functional.relu(x), 2)  # (N, 16, 4, 4)
    x = functional.conv2d(x, weights["strokes.weight"], weights["strokes.bias"], padding=1)
    x = functional.max_pool2d(functional.relu(x), 2)  # (N, 32, 2, 2)
    features = functional.linear(x.flatten(1), weights["features.weight"], weights["features.bias"])
    logits = functional.linear(functional.relu(features), weights["classes.weight"], weights["classes.bias"])
    return Read(features, logits)
