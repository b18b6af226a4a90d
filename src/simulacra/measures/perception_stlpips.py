"""ST-LPIPS: how different two pictures look, by a network that was taught what people call different.

LPIPS compares two pictures by the activations of a trained network: each is scaled to unit length over its channels,
the squared differences are weighted by what people's judgements taught, averaged over places and added over layers.
The shift-tolerant network blurs before each subsampling, so that a shift of a pixel, which nobody sees, counts little.

The weights of the channels are not negative, so the distance is the squared Euclidean distance of two long vectors.
A picture is turned into its vector once, and compared with as many others as there are.

Sources: Zhang, Isola, Efros, Shechtman and Wang 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", equation 1; Ghildyal and Liu 2022, "Shift-tolerant Perceptual Similarity Metric", section 4.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra import weights

WEIGHTS = "stlpips-alex"

SMALLEST = 21
"""Pixels: with a shorter side nothing is left to mirror at the border of the third layer."""

# Mean and spread of the training pictures, for values in [-1, 1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_LAYERS = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
_EPSILON = 1e-10  # of the unit length, as published
_PART = 2**16  # numbers compared at once, which stay in the processor's cache


class Network(NamedTuple):
    """AlexNet's five convolutions and, of each layer, the square roots of the weights of its channels."""

    kernels: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    roots: tuple[Tensor, ...]
    blurred: Tensor  # the first kernel followed by the blur that follows it, (64, 3, 13, 13)


def embed(picture: Tensor, network: Network) -> Tensor:
    """One picture as a vector; the ST-LPIPS of two pictures of one size is the squared distance of theirs.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1], both sides of `SMALLEST` or more.
        network: from `network` or `from_weights`.

    Returns:
        Shape (D,), float32; D depends on the size alone: about 41 numbers a pixel.
    """
    return as_vector(_activations(picture, network), network.roots)


def as_vector(answers: Iterable[Tensor], roots: Iterable[Tensor]) -> Tensor:
    """Activations of one picture, shape (1, channels, height, width) a layer, as one vector of shape (D,).

    Args:
        answers: what the layers of a network answer.
        roots: of each layer, the square roots of the weights of its channels, shape (1, channels, 1, 1).
    """
    parts = []
    for activations, root in zip(answers, roots, strict=True):
        length = (activations * activations).sum(1, keepdim=True).sqrt_()
        places = activations.shape[-2] * activations.shape[-1]
        parts.append((activations * (1 / (length + _EPSILON))).mul_(root / places**0.5).flatten())
    return torch.cat(parts)


def distance(one: Tensor, other: Tensor) -> Tensor:
    """ST-LPIPS from vectors of shape (N, D), shape (N,), float64; exactly 0 for equal ones."""
    parts = zip(torch.split(one, _PART, 1), torch.split(other, _PART, 1), strict=True)
    squares = [(a - b).square_().sum(1, dtype=torch.float64) for a, b in parts]
    return torch.stack(squares).sum(0)


def network() -> Network:
    """The published network, loaded once a process.

    Raises:
        MissingWeights: it is not on this machine; the message says what to type.
    """
    return _load(weights.find(WEIGHTS))


def from_weights(tensors: Mapping[str, Tensor]) -> Network:
    """The network with these weights, under their published names."""
    kernels = tuple(tensors[f"net.{layer}.weight"] for layer in _LAYERS)
    biases = tuple(tensors[f"net.{layer}.bias"] for layer in _LAYERS)
    roots = tuple(tensors[f"lin{index}.model.1.weight"].sqrt() for index in range(len(_LAYERS)))
    spread = torch.tensor([1.0, 2.0, 1.0], dtype=kernels[0].dtype) / 4
    window = torch.outer(spread, spread).expand(3, 1, 3, 3)
    return Network(kernels, biases, roots, F.conv2d(kernels[0], window, padding=2, groups=3))


def standardised(picture: Tensor) -> Tensor:
    """A picture of sRGB in [0, 1] as LPIPS shows it to its networks."""
    shift, scale = (torch.tensor(values, dtype=picture.dtype).view(3, 1, 1) for values in (_SHIFT, _SCALE))
    return ((2 * picture - 1) - shift) / scale


def _activations(picture: Tensor, network: Network) -> list[Tensor]:
    """What the five layers answer to a picture, after each ReLU."""
    x = _first(standardised(picture), network).relu_()
    answers = [x]
    for layer, (kernel, bias) in enumerate(zip(network.kernels[1:], network.biases[1:], strict=True), start=2):
        if layer <= 3:
            x = _halve(_highest(x))
        x = F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2).relu_()
        answers.append(x)
    return answers


def _first(x: Tensor, network: Network) -> Tensor:
    """The first convolution, of stride 1, and the blur that halves it, in one: a third of the work.

    Both are linear, so inside the picture one kernel of 13 x 13 and stride 2 does both. At the border the blur mirrors
    the convolution's result: the first row of the result equals the second, and so does the last the one before it
    where the sides are odd. Where they are even, the last row is the mean of the convolution's last two.
    """
    x = F.pad(x, (2, 2, 2, 2))
    kernel, bias = network.kernels[0], network.biases[0]
    inside = F.conv2d(x, network.blurred, bias, stride=2)
    even_rows, even_columns = (side % 2 == 0 for side in x.shape[-2:])
    result = F.pad(inside, (1, 1, 1, 1), mode="replicate")
    if even_rows:
        last = F.conv2d(x[:, :, -12:], kernel, bias).mean(2, keepdim=True)
        result[:, :, -1] = _halve_rows(last.transpose(-1, -2)).transpose(-1, -2)[:, :, 0]
    if even_columns:
        last = F.conv2d(x[..., -12:], kernel, bias).mean(3, keepdim=True)
        result[..., -1] = _halve_rows(last)[..., 0]
    return result


def _highest(x: Tensor) -> Tensor:
    """The highest of each 3 x 3 places; torch's own pooling takes ten times as long."""
    x = torch.maximum(torch.maximum(x[:, :, :-2], x[:, :, 1:-1]), x[:, :, 2:])
    return torch.maximum(torch.maximum(x[..., :-2], x[..., 1:-1]), x[..., 2:])


def _halve(x: Tensor) -> Tensor:
    """Blur by 1 2 1 along both axes and keep every second value, mirrored by two places at the border."""
    return _halve_rows(_halve_rows(x).transpose(-1, -2)).transpose(-1, -2)


def _halve_rows(x: Tensor) -> Tensor:
    x = F.pad(x, (0, 0, 2, 2), mode="reflect")
    count = (x.shape[-2] - 1) // 2
    before, middle, after = (x[..., start : start + 2 * count : 2, :] for start in range(3))
    return torch.lerp((before + after) / 2, middle[..., :count, :], 0.5)


@lru_cache(maxsize=1)
def _load(path: Path) -> Network:
    return from_weights(torch.load(path, map_location="cpu", weights_only=True))
