"""Kernel distance: the squared maximum mean discrepancy of two sets under a cubic kernel, unbiased at any count.

    k(x, y) = (x.y / D + 1)^3,   MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y)

Source: Bińkowski, Sutherland, Arbel and Gretton 2018, "Demystifying MMD GANs", section 4.
"""

from dataclasses import dataclass
from functools import partial
from math import fsum

import numpy as np
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better
from simulacra.measures.of_sets.contract import SetMeasure, checked
from simulacra.seeds import derive_seed
from simulacra.workers import Workers

MEASURE = SetMeasure(
    "kernel_poly3",
    Better.LOWER,
    "Unbiased squared maximum mean discrepancy under the kernel (x.y / D + 1)^3, over all pairs of pictures.",
    "Bińkowski, Sutherland, Arbel and Gretton 2018, section 4",
)

EXPECTED = 0.0
"""The mean for two sets of one distribution, at any counts; single values may be negative."""

_SIDE = 512
"""Pictures of a block: 2 MiB of kernel values, and 8 MiB of features a side at 2,048 numbers a picture."""


@dataclass(frozen=True)
class Subsets:
    """Kernel distances of random subsets, as published numbers give them."""

    mean: float
    deviation: float  # standard deviation over the subsets, not of the mean: they share pictures
    values: tuple[float, ...]


def subsets_measure(subsets: int, size: int) -> SetMeasure:
    """What the mean over subsets means."""
    definition = f"Mean over {subsets} random subsets of {size} pictures a side of the {MEASURE.stem} distance."
    return SetMeasure(f"{MEASURE.stem}_{subsets}x{size}", Better.LOWER, definition, MEASURE.source)


def kernel_distance(*, real: Tensor, generated: Tensor) -> float:
    """The kernel distance over all pairs, each of them once; exact, in bounded memory.

    Args:
        real: shape (N, D), float32 or float64, N at least 2.
        generated: shape (M, D), float32 or float64, M at least 2.

    Returns:
        About 0 for equal distributions, where it is as often negative; without a unit.

    Raises:
        UserError: the features cannot be compared.
    """
    checked(real=real, generated=generated)
    with Workers() as workers:
        return _distance(real, generated, workers)


def kernel_distance_of_subsets(
    *, real: Tensor, generated: Tensor, seed: int, subsets: int = 100, size: int = 1000
) -> Subsets:
    """The kernel distance as it is usually published: mean and deviation over random subsets.

    Args:
        real: shape (N, D), float32 or float64, N at least `size`.
        generated: shape (M, D), float32 or float64, M at least `size`.
        seed: of the subsets, each drawn without repetition.
        subsets: how many, 1 or more.
        size: pictures of each side in a subset, 2 or more.

    Raises:
        UserError: a set is smaller than a subset, or the features cannot be compared.
    """
    if subsets < 1:
        raise UserError(f"subsets is {subsets}; it must be 1 or more")
    if size < 2:
        raise UserError(f"the size of a subset is {size}; it must be 2 or more")
    checked(real=real, generated=generated, least=size)
    values = []
    with Workers() as workers:
        for index in range(subsets):
            draws = []
            for side, features in enumerate((real, generated)):
                generator = torch.Generator().manual_seed(derive_seed(seed, "kernel-subset", side, index))
                draws.append(features[torch.randperm(len(features), generator=generator)[:size]])
            values.append(_distance(draws[0], draws[1], workers))
    return Subsets(float(np.mean(values)), float(np.std(values)), tuple(values))


def _distance(real: Tensor, generated: Tensor, workers: Workers) -> float:
    count, other = len(real), len(generated)
    among_real = _sum_of_pairs(real, workers) / (count * (count - 1))
    among_generated = _sum_of_pairs(generated, workers) / (other * (other - 1))
    across = fsum(workers.run(partial(_sum, rows, generated) for rows in torch.split(real, _SIDE))) / (count * other)
    return among_real + among_generated - 2 * across


def _sum_of_pairs(features: Tensor, workers: Workers) -> float:
    """The kernel of every picture with every other one, summed; half of it is computed."""
    starts = range(0, len(features), _SIDE)
    upper = workers.run(partial(_sum_with_later, features, start) for start in starts)
    return 2 * fsum(upper)


def _sum_with_later(features: Tensor, start: int) -> float:
    block = features[start : start + _SIDE].double()
    within = _kernel(block, block)
    later = _sum(block, features[start + _SIDE :])
    return (float(within.sum()) - float(within.trace())) / 2 + later


def _sum(rows: Tensor, others: Tensor) -> float:
    rows = rows.double()
    return fsum(float(_kernel(rows, block.double()).sum()) for block in torch.split(others, _SIDE) if len(block))


def _kernel(rows: Tensor, columns: Tensor) -> Tensor:
    values = (rows @ columns.T).div_(rows.shape[1]).add_(1)
    return values.square().mul_(values)
