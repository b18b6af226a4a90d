"""FLIP: the difference a person would see when flicking between two pictures on a screen."""

from functools import cache
from math import ceil, pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from simulacra.images.colour import WHITE, by_bands, linear_to_lab, linear_to_xyz, xyz_to_linear
from simulacra.measures.filters import Kernel, correlate, gaussian, magnitude, smooth

PIXELS_PER_DEGREE = 3840 * pi / 180
"""Pixels per degree of visual angle, 67.02: the default of the paper, a 4K screen 0.7 m wide seen from 0.7 m."""

# Contrast sensitivity as sums of gaussians a sqrt(pi / b) exp(-pi^2 x^2 / b), x in degrees (table 1 of the paper).
_SENSITIVITY = {
    "achromatic": ((1.0, 0.0047),),
    "red-green": ((1.0, 0.0053),),
    "blue-yellow": ((34.1, 0.04), (13.5, 0.025)),
}
_WIDEST = 0.04
_FEATURE_DEGREES = 0.082  # width of the feature detector
_COLOUR_EXPONENT, _FEATURE_EXPONENT = 0.7, 0.5
_KNEE, _KNEE_VALUE = 0.4, 0.95  # of the largest colour difference, what counts as large, and the error it gets


class Seen(NamedTuple):
    """A picture as FLIP compares it."""

    colour: Tensor  # (N, 3, H, W): CIELAB after the eye's blur, chroma scaled by lightness (Hunt)
    edges: Tensor  # (N, H, W): magnitude of the edges
    points: Tensor  # (N, H, W): magnitude of the points and lines


def see(linear: Tensor) -> Seen:
    """What the eye keeps of pictures in linear light, shape (N, 3, H, W), in [0, 1].

    Source: Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström and Fairchild 2020, "FLIP: A Difference Evaluator for
    Alternating Images", sections 4.1.1 to 4.1.3 and 4.2.1.
    """
    relative = linear_to_xyz(linear).div_(torch.tensor(WHITE)[:, None, None])
    luminance = relative[:, 1]
    # The blur works on the opponent axes Y, X - Y and Y - Z, of which the published 116, 500 and 200 are only scales.
    red_green, blue_yellow = relative[:, 0] - luminance, luminance - relative[:, 2]
    blurred = _blur(luminance, "achromatic"), _blur(red_green, "red-green"), _blur(blue_yellow, "blue-yellow")
    colour = by_bands(_perceived, *(each.unsqueeze(1) for each in blurred))

    bell, slope, bend = _feature_kernels()
    tall, wide = correlate(luminance, bell, -2, "replicate"), correlate(luminance, bell, -1, "replicate")
    edges = magnitude(correlate(tall, slope, -1, "replicate"), correlate(wide, slope, -2, "replicate"))
    points = magnitude(correlate(tall, bend, -1, "replicate"), correlate(wide, bend, -2, "replicate"))
    return Seen(colour, edges, points)


def difference(one: Seen, other: Seen) -> Tensor:
    """The FLIP map, shape (N, H, W), in [0, 1], exactly 0 where nothing differs.

    Source: the paper's sections 4.1.4, 4.2.2 and 4.3; its equations 3 to 6.
    """
    return by_bands(_difference, one.colour, other.colour, one.edges, other.edges, one.points, other.points)


def _perceived(y: Tensor, red_green: Tensor, blue_yellow: Tensor) -> Tensor:
    """Blurred Y, X - Y and Y - Z, relative to white, as CIELAB with the chroma that the lightness lets through."""
    xyz = torch.cat([(y + red_green).mul_(WHITE[0]), y, (y - blue_yellow).mul_(WHITE[2])], 1)
    return _hunt(linear_to_lab(xyz_to_linear(xyz).clamp_(0, 1)))


def _hunt(lab: Tensor) -> Tensor:
    """Scale chroma with lightness, the Hunt effect: dark colours look less colourful."""
    lab[:, 1:] *= 0.01 * lab[:, :1]
    return lab


def _difference(
    colour1: Tensor, colour2: Tensor, edges1: Tensor, edges2: Tensor, points1: Tensor, points2: Tensor
) -> Tensor:
    lightness, a, b = (colour1 - colour2).unbind(1)
    largest = _largest_colour_difference()
    knee = _KNEE * largest
    colour = _power(lightness.abs_().add_(magnitude(a, b)), _COLOUR_EXPONENT)
    error = colour.clamp(max=knee).mul_(_KNEE_VALUE / knee)
    error.add_(colour.clamp_(min=knee).sub_(knee), alpha=(1 - _KNEE_VALUE) / (largest - knee))

    features = torch.maximum((edges1 - edges2).abs_(), (points1 - points2).abs_())
    exponent = features.div_(sqrt(2)).pow_(_FEATURE_EXPONENT).neg_().add_(1)
    return error.log_().mul_(exponent.clamp_(min=1e-6)).exp_()  # the clamp keeps 0 to the power 0 at 0


def _blur(plane: Tensor, axis: str) -> Tensor:
    """The eye's blur of one opponent axis, as a weighted sum of separable gaussians of unit sum."""
    parts = [smooth(plane, kernel, "replicate").mul_(weight) for weight, kernel in _blur_kernels(axis)]
    return parts[0] if len(parts) == 1 else parts[0].add_(parts[1])


@cache
def _blur_kernels(axis: str) -> tuple[tuple[float, Kernel], ...]:
    reach = ceil(3 * sqrt(_WIDEST / (2 * pi**2)) * PIXELS_PER_DEGREE)
    parts = []
    for a, b in _SENSITIVITY[axis]:
        sigma = sqrt(b / (2 * pi**2)) * PIXELS_PER_DEGREE
        kernel = gaussian(sigma, reach)
        parts.append((a * sqrt(pi / b) / kernel[reach] ** 2, kernel))  # the weight times the sum of the square window
    total = sum(weight for weight, _ in parts)
    return tuple((weight / total, kernel) for weight, kernel in parts)


@cache
def _feature_kernels() -> tuple[Kernel, Kernel, Kernel]:
    """A gaussian of unit sum, and its first and second derivative, whose positive and negative parts each sum to 1."""
    sigma = 0.5 * _FEATURE_DEGREES * PIXELS_PER_DEGREE
    bell = gaussian(sigma)
    offsets = range(-(len(bell) // 2), len(bell) // 2 + 1)
    slope = [-offset * weight for offset, weight in zip(offsets, bell, strict=True)]
    bend = [((offset / sigma) ** 2 - 1) * weight for offset, weight in zip(offsets, bell, strict=True)]
    return bell, _balanced(slope), _balanced(bend)


def _balanced(kernel: list[float]) -> Kernel:
    above, below = sum(w for w in kernel if w > 0), -sum(w for w in kernel if w < 0)
    return tuple(weight / (above if weight > 0 else below) for weight in kernel)


@cache
def _largest_colour_difference() -> float:
    """The colour difference of green and blue, the farthest apart on a screen, after the exponent."""
    ends = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)[:, :, None, None]
    lab = _hunt(linear_to_lab(ends))
    lightness, a, b = (lab[0] - lab[1]).flatten().tolist()
    return float((abs(lightness) + sqrt(a * a + b * b)) ** _COLOUR_EXPONENT)


def _power(base: Tensor, exponent: float) -> Tensor:
    """A positive power; log and exp together are five times faster than torch's pow, and 0 stays exactly 0."""
    return base.log().mul_(exponent).exp_()
