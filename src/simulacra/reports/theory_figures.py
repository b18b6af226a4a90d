"""The figures of MAD's Gaussian section, computed: closed forms beside loops that are run by sufficient statistics.

Figure 10 is the fresh loop on its way to a limit that forgets its start; figures 11 and 12 say how many real samples
the limit is worth, n_e / n_r; the memory figure of the appendix takes synthetic samples from the last K models.

n_e of a loop that is run comes from one-shot fits that are drawn alike: the number of real samples whose fit is as far
from the truth, between neighbours of a ladder of sizes.

Source: Alemohammad et al. 2024, "Self-Consuming Generative Models Go MAD"; the paper prints curves and colours, no
numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
from torch import Tensor

from simulacra.autophagy.moments import expected
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.sufficient import Cell, gaussian_map
from simulacra.autophagy.theory.admissibility import (
    gain,
    largest_admissible,
    loop_error,
    loop_path,
    one_shot_error,
)
from simulacra.autophagy.theory.mixing import fresh_path, memory_gain
from simulacra.errors import UserError

LIMITS = {1.0: 12.28, 0.8: 20.62}
"""lambda -> squared distance at the limit of figure 10 in 100 dimensions, from longer runs; known to about 0.02."""

STARTS = (100, 1000)
"""Real samples of generation 1 in figure 10."""

MEMORIES = (1, 2, 5, 10, 50, 100)
"""K of the memory figure where its exact moments are computed; loops are run up to `MOST_RUN` models."""

MOST_RUN = 10

_OF_MEMORY = (1000, 10_000)
"""n_r and n_s of the memory figure."""

SIZES = (100, 10_000)
"""First and last number of samples on the axes of figures 11 and 12."""

BIASES_11, REALS_12 = (0.7, 0.85, 1.0), (100, 250, 1000)
"""Panels of figure 11 by lambda, of figure 12 by n_r."""

BOUNDARY = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""lambda at which the boundary is looked for by running loops, at n_r = 1000."""

_GRID = 16
"""Cells of a map along each axis."""

_SHARES = (0.9, 1.0, 1.1)
"""Of the boundary's formula: where loops are run to find it."""


@dataclass(frozen=True)
class Effort:
    """How much is drawn."""

    dimension: int = 100
    replicates: int = 10
    seed: int = 1

    def __post_init__(self) -> None:
        if self.replicates < 2:
            raise UserError(f"replicates is {self.replicates}; a standard error needs 2 or more")
        if self.dimension < 2:
            raise UserError(f"dimension is {self.dimension}; it must be 2 or more")

    @property
    def spectrum(self) -> tuple[float, ...]:
        """Of the real covariance: the unit matrix, as in the paper."""
        return (1.0,) * self.dimension


@dataclass(frozen=True)
class Mean:
    """A mean over replicates with its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Way:
    """One loop of figure 10: by generation, drawn and from theory."""

    bias: float
    start: int
    wasserstein: tuple[Mean, ...]
    second_order: tuple[float, ...]
    mean_error: tuple[Mean, ...]
    exact_mean_error: tuple[float, ...]
    trace: tuple[Mean, ...]
    exact_trace: tuple[float, ...]
    limit: Mean  # of the squared distance, over the last generations


@dataclass(frozen=True)
class Spot:
    """One loop of a map, run to its limit."""

    across: float
    up: float
    drawn: Mean  # n_e / n_r
    formula: float


@dataclass(frozen=True)
class Panel:
    """n_e / n_r over two axes: a closed form on a grid, its boundary at 1, and loops that were run."""

    title: str
    across: tuple[float, ...]
    up: tuple[float, ...]
    gains: tuple[tuple[float, ...], ...]  # a row a value of `up`
    boundary: tuple[tuple[float, float], ...]
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Remembered:
    """n_e / n_r of the mean with synthetic samples of the last K models."""

    memory: int
    formula: float
    exact: float
    drawn: Mean | None  # None where loops are too long to run


@dataclass(frozen=True)
class Admissible:
    """The most synthetic samples that help, at n_r = 1000."""

    bias: float
    drawn: float
    formula: float


@dataclass(frozen=True)
class Figures:
    """Everything that the page shows."""

    effort: Effort
    ways: tuple[Way, ...]
    figure_11: tuple[Panel, ...]
    figure_12: tuple[Panel, ...]
    memory: tuple[Remembered, ...]
    memory_line: tuple[tuple[float, float], ...]  # the closed form at every K
    boundary: tuple[Admissible, ...]


def compute(effort: Effort | None = None, watcher: Callable[[str], None] = lambda part: None) -> Figures:
    """Compute all figures: about a minute on two cores, mostly for the loops that are run.

    Args:
        effort: how much is drawn; None for the paper's dimension and ten replicates.
        watcher: told what is computed next.

    Raises:
        UserError: the effort is too small for a standard error.
    """
    effort = effort or Effort()
    watcher("figure 10: the way to the limit")
    ways = _ways(effort)
    watcher("one-shot fits, to count in real samples")
    ladder = Ladder.drawn(effort)
    watcher("figure 11: over fresh and synthetic samples")
    figure_11 = tuple(_by_sizes(bias, ladder, effort) for bias in BIASES_11)
    watcher("figure 12: over the sampling bias")
    figure_12 = tuple(_by_bias(real, ladder, effort) for real in REALS_12)
    watcher("the memory figure")
    memory = tuple(_remembered(models, effort) for models in MEMORIES)
    watcher("the boundary")
    boundary = _boundary(ladder, effort)
    line = tuple((float(models), memory_gain(*_OF_MEMORY, models)) for models in range(1, MEMORIES[-1] + 1))
    return Figures(effort, ways, figure_11, figure_12, memory, line, boundary)


@dataclass(frozen=True)
class Ladder:
    """What fits to so many real samples leave of error, drawn: a scale that turns errors into samples."""

    sizes: tuple[int, ...]
    errors: tuple[float, ...]

    @classmethod
    def drawn(cls, effort: Effort) -> "Ladder":
        """Draw one-shot fits of sizes around those of the figures."""
        first, last = 0.6 * effort.dimension, 4 * SIZES[1]
        sizes = [max(3, round(first * (last / first) ** (step / 23))) for step in range(24)]
        cells = [Cell(Policy.of(initial=size, synthetic=1), 1) for size in sizes]
        paths = gaussian_map(cells, spectrum=effort.spectrum, replicates=8 * effort.replicates, seed=effort.seed)
        return cls(tuple(sizes), tuple(float(path.wasserstein.mean()) for path in paths))

    def samples(self, error: float) -> float:
        """The number of real samples that leave this error, between neighbours on logarithmic scales."""
        return float(np.exp(np.interp(-log(error), -np.log(self.errors), np.log(self.sizes))))

    def worth(self, error: Mean, real: int) -> Mean:
        """n_e / n_r of an error, and what its standard error makes of it."""
        value = self.samples(error.value)
        aside = abs(self.samples(error.value + error.error) - self.samples(max(error.value - error.error, 1e-12))) / 2
        return Mean(value / real, aside / real)


def fresh(real: int, synthetic: int, bias: float, effort: Effort, watched: int = 1) -> Cell:
    """A fresh loop that begins near its limit, long enough to forget where it began."""
    alpha = synthetic / (real + synthetic)
    initial = max(2, round(one_shot_error(1, effort.spectrum) / loop_error(real, synthetic, bias, effort.spectrum)))
    policy = Policy.of(initial=initial, fresh=real, synthetic=synthetic, bias=bias)
    return Cell(policy, watched + ceil(log(0.01) / log(alpha**2)))


def _ways(effort: Effort, real: int = 100, synthetic: int = 900, generations: int = 50) -> tuple[Way, ...]:
    loops = [(bias, start) for bias in LIMITS for start in STARTS]
    cells = [
        Cell(Policy.of(initial=start, fresh=real, synthetic=synthetic, bias=bias), generations) for bias, start in loops
    ]
    paths = gaussian_map(
        cells, spectrum=effort.spectrum, replicates=effort.replicates, seed=effort.seed, watched=generations
    )
    dimension, ways = effort.dimension, []
    for (bias, start), path in zip(loops, paths, strict=True):
        exact = fresh_path(real, synthetic, bias, start, generations)
        ways.append(
            Way(
                bias,
                start,
                _columns(path.wasserstein),
                loop_path(real, synthetic, bias, start, generations, effort.spectrum),
                _columns(path.mean_error),
                tuple(dimension * each.mean_error for each in exact),
                _columns(path.trace / dimension),
                tuple(each.variance for each in exact),
                _mean(path.wasserstein[:, -20:].mean(1)),
            )
        )
    return tuple(ways)


def _by_sizes(bias: float, ladder: Ladder, effort: Effort) -> Panel:
    sizes = _spaced(*SIZES)
    edge = [(real, largest_admissible(round(real), bias, effort.spectrum)) for real in _spaced(*SIZES, 40)]
    at = [(real, synthetic) for real in (250, 1000, 4000) for synthetic in (200, 600, 2000, 6000)]
    spots = _run([(real, synthetic, bias) for real, synthetic in at], ladder, effort)
    return Panel(
        f"λ = {bias:g}",
        sizes,
        sizes,
        tuple(
            tuple(gain(round(real), round(synthetic), bias, effort.spectrum) for real in sizes) for synthetic in sizes
        ),
        tuple((real, synthetic) for real, synthetic in edge if SIZES[0] <= synthetic <= SIZES[1]),
        tuple(Spot(*place, *found) for place, found in zip(at, spots, strict=True)),
    )


def _by_bias(real: int, ladder: Ladder, effort: Effort) -> Panel:
    biases = tuple(0.1 + 0.8 * step / (_GRID - 1) for step in range(_GRID))
    counts = _spaced(10, SIZES[1])
    fine = [0.1 + 0.8 * step / 40 for step in range(41)]
    edge = [(bias, largest_admissible(real, bias, effort.spectrum)) for bias in fine]
    at = [(bias, synthetic) for bias in (0.3, 0.6, 0.85) for synthetic in (30, 300, 3000)]
    spots = _run([(real, synthetic, bias) for bias, synthetic in at], ladder, effort)
    return Panel(
        f"n_r = {real:,}",
        biases,
        counts,
        tuple(tuple(gain(real, round(count), bias, effort.spectrum) for bias in biases) for count in counts),
        tuple((bias, count) for bias, count in edge if 10 <= count <= SIZES[1]),
        tuple(Spot(*place, *found) for place, found in zip(at, spots, strict=True)),
    )


def _run(loops: Sequence[tuple[int, int, float]], ladder: Ladder, effort: Effort) -> list[tuple[Mean, float]]:
    """n_e / n_r of loops at their limits, drawn and by the formula."""
    cells = [fresh(*loop, effort) for loop in loops]
    paths = gaussian_map(cells, spectrum=effort.spectrum, replicates=effort.replicates, seed=effort.seed)
    return [
        (ladder.worth(_mean(path.wasserstein[:, 0]), real), gain(real, synthetic, bias, effort.spectrum))
        for (real, synthetic, bias), path in zip(loops, paths, strict=True)
    ]


def _remembered(memory: int, effort: Effort) -> Remembered:
    real, synthetic = _OF_MEMORY
    policy = Policy.of(initial=real, fresh=real, synthetic=synthetic, memory=memory)
    exact = 1 / real / expected(policy, 300 + 20 * memory)[-1].mean_error
    found = None
    if memory <= MOST_RUN:
        # The mean's gain does not depend on the dimension: few axes, many replicates.
        axes, burn = 10, 100 + 10 * memory
        (path,) = gaussian_map(
            [Cell(policy, 2 * burn)],
            spectrum=(1.0,) * axes,
            replicates=4 * effort.replicates,
            seed=effort.seed,
            watched=burn,
        )
        errors = _mean(path.mean_error.mean(1) / axes)
        found = Mean(1 / real / errors.value, errors.error / errors.value**2 / real)
    return Remembered(memory, memory_gain(real, synthetic, memory), exact, found)


def _boundary(ladder: Ladder, effort: Effort, real: int = 1000) -> tuple[Admissible, ...]:
    """Where a line through three loops crosses the error of the fresh samples alone."""
    formulas = {bias: largest_admissible(real, bias, effort.spectrum) for bias in BOUNDARY}
    counts = {bias: [round(share * formula) for share in _SHARES] for bias, formula in formulas.items()}
    cells = [fresh(real, count, bias, effort, watched=20) for bias, row in counts.items() for count in row]
    paths = iter(
        gaussian_map(cells, spectrum=effort.spectrum, replicates=effort.replicates, seed=effort.seed, watched=20)
    )
    found = []
    for bias, row in counts.items():
        gains = [ladder.samples(float(next(paths).wasserstein.mean())) / real for _ in row]
        slope, start = np.polyfit(row, gains, 1)
        found.append(Admissible(bias, float((1 - start) / slope), formulas[bias]))
    return tuple(found)


def _spaced(first: float, last: float, count: int = _GRID) -> tuple[float, ...]:
    """Numbers that grow by one factor."""
    return tuple(first * (last / first) ** (step / (count - 1)) for step in range(count))


def _columns(values: Tensor) -> tuple[Mean, ...]:
    return tuple(_mean(column) for column in values.T)


def _mean(values: Tensor) -> Mean:
    return Mean(float(values.mean()), float(values.std()) / sqrt(len(values)))
