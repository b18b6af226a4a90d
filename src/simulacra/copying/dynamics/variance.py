"""Bias and variance of drift: what replicates of one chain have in common, and what is luck.

For R replicates of a vector attribute y with the same frame 0, drift d_r = y_r - y_0, and S the covariance over
replicates:

    mean |d_r|^2  =  bias^2 + variance,    bias^2 = |mean d|^2 - tr(S) / R,    variance = tr(S),

exactly. The term tr(S) / R takes from |mean d|^2 what R replicates of pure luck would show, so that bias^2 is
unbiased; it may come out below zero, which means that nothing but luck is seen. The same split of one single step,
made again and again from the same frame, gives the local bias and the local noise of a copier (drift and diffusion of
a Kramers-Moyal estimate), far cheaper than replicates of whole chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np

from simulacra.copying.dynamics.distributions import chi_square_quantile, student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats, Series, Vectors, floats, vectors
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined

FEWEST = 3
"""Replicates below which bias and luck are not told apart."""


@dataclass(frozen=True)
class Decomposition:
    """Mean squared drift, split. Squares are in the attributes' unit squared; different units do not mix."""

    mean_squared: float
    bias_squared: Estimate
    variance: Estimate
    mean_drift: tuple[Estimate, ...]  # one an attribute
    replicates: int


def bias_and_variance(origin: Series | Floats, copies: Vectors, level: float = LEVEL) -> Decomposition | Undefined:
    """Split the squared drift of replicates into bias and variance.

    With the same frame k of R replicate chains and their frame 0 this is the split of the drift after k copies. With
    one frame and R copies of that frame it is the copier's local bias and local noise there.

    Args:
        origin: the attributes of the frame drift is counted from, shape (d,).
        copies: the attributes of each replicate, shape (R, d); one that lacks an attribute is left out.
        level: the rate of the intervals.

    Returns:
        The split, or why there is none: fewer than `FEWEST` replicates, or an origin without a value.

    Raises:
        UserError: attributes differ in number, a value is not finite, or the level is not between 0 and 1.

    Source: the variance of |mean d|^2 - tr(S) / R as in Chen and Qin 2010, equation 2.3, for one sample; degrees of
    freedom of tr(S) as in Box 1954. For one attribute the intervals are those of Student's t and of chi-square.
    """
    check_level(level)
    start, replicates = floats(origin), vectors(copies)
    if replicates.size and replicates.shape[1] != len(start):
        raise UserError(
            f"copies have {replicates.shape[1]} attributes and the origin {len(start)}; both must have equally many"
        )
    if np.isnan(start).any():
        return Undefined("an attribute has no value at the frame that drift is counted from")
    drifts = replicates[~np.isnan(replicates).any(1)] - start if replicates.size else replicates
    if len(drifts) < FEWEST:
        return Undefined(f"{len(drifts)} replicates with every attribute; {FEWEST} are the fewest")
    return Decomposition(
        float((drifts**2).sum(1).mean()),
        squared_mean(drifts, level),
        _variance(drifts, level),
        tuple(_mean(column, level) for column in drifts.T),
        len(drifts),
    )


def by_frame(chains: Sequence[Vectors], level: float = LEVEL) -> tuple[Decomposition | Undefined, ...]:
    """The split of drift from frame 0 at every frame of replicate chains.

    Args:
        chains: of each replicate, one vector of attributes a frame, frame 0 first; chains may differ in length.
        level: the rate of the intervals.

    Returns:
        One split a frame, as many as the longest chain has.

    Raises:
        UserError: there is no chain, attributes differ in number, frame 0 differs, or a value is not finite.
    """
    tables = [vectors(chain) for chain in chains]
    if not tables or min(map(len, tables)) == 0:
        raise UserError("bias and variance were asked of no chain; give replicates of one chain, frame 0 first")
    origin = tables[0][0]
    if any(table.shape[1] != len(origin) or not np.array_equal(table[0], origin, equal_nan=True) for table in tables):
        raise UserError("the chains start at different frames; replicates of one chain have frame 0 in common")
    if np.isnan(origin).any():
        none = Undefined("an attribute has no value at frame 0")
        return (none,) * max(map(len, tables))
    return tuple(
        bias_and_variance(origin, np.stack([table[index] for table in tables if index < len(table)]), level)
        for index in range(max(map(len, tables)))
    )


def squared_mean(samples: Floats, level: float) -> Estimate:
    """The squared length of the mean of a distribution, without the share that its scatter adds.

    Args:
        samples: shape (R, d), all finite, R of 3 or more.
        level: the rate of the interval, whose lower end is never below zero.
    """
    count, dimension = samples.shape
    mean, scatter = samples.mean(0), _scatter(samples)
    value = float(mean @ mean) - scatter.trace / count
    if dimension == 1:
        low, high = _reach(samples[:, 0], level)
        nearest = 0.0 if low <= 0 <= high else min(low**2, high**2)
        method = f"Student over {count} replicates, squared"
        return Estimate(value, Interval(nearest, max(low**2, high**2), level, method))
    # The estimate's own variance is 4 m' Sigma m / R + 2 tr(Sigma^2) / (R (R - 1)), m the true mean. Its first term is
    # taken once with the mean at hand (Wald) and once with the mean asked about (Wilson's score); either is too narrow
    # where the other is not, and the interval spans both.
    student = student_quantile((1 + level) / 2, count - 1)
    along = float((samples - mean) @ mean @ ((samples - mean) @ mean)) / (count - 1) / count  # m' S m / R
    luck = luck_of_squared_mean(samples)
    reach = student * sqrt(4 * along + luck)
    middle = value + 2 * student**2 * along / max(float(mean @ mean), 1e-300)
    score = sqrt(max(0.0, middle**2 - value**2 + student**2 * luck))
    low, high = min(value - reach, middle - score), max(value + reach, middle + score)
    method = f"U-statistic over {count} replicates"
    return Estimate(value, Interval(max(0.0, low), max(0.0, high), level, method))


def luck_of_squared_mean(samples: Floats) -> float:
    """The variance that `squared_mean` has by luck alone, were the true mean zero: 2 tr(Sigma^2) / (R (R - 1))."""
    count, dimension = samples.shape
    scatter = _scatter(samples)
    # tr(Sigma^2), unbiased for normal samples (Bai and Saranadasa 1996), but not below its least, tr(Sigma)^2 / d.
    unbiased = (count - 1) ** 2 / (count - 2) * (scatter.squares - scatter.trace**2 / (count - 1))
    least = (count - 1) * scatter.trace**2 / dimension
    return float(2 * max(unbiased, least) / ((count + 1) * count * (count - 1)))


class _Scatter(NamedTuple):
    trace: float  # tr(S)
    squares: float  # tr(S^2)


def _scatter(samples: Floats) -> _Scatter:
    centred = samples - samples.mean(0)
    gram = centred @ centred.T / (len(samples) - 1)  # R x R has the same two traces as S, and d may be large
    return _Scatter(float(np.trace(gram)), float((gram**2).sum()))


def _variance(drifts: Floats, level: float) -> Estimate:
    count, scatter = len(drifts), _scatter(drifts)
    if scatter.trace == 0:
        return Estimate(0.0, Interval(0.0, 0.0, level, "exact: the replicates are equal"))
    # One attribute has R - 1 degrees of freedom, d equal and independent ones d (R - 1). The factor (R - 1) / (R + 1)
    # is what the ratio overestimates in one dimension; without it, intervals of uneven attributes are too narrow.
    spread = max(1.0, scatter.trace**2 / scatter.squares * (count - 1) / (count + 1))
    freedom, tail = (count - 1) * spread, (1 - level) / 2
    low, high = (scatter.trace * freedom / chi_square_quantile(p, freedom) for p in (1 - tail, tail))
    return Estimate(scatter.trace, Interval(low, high, level, f"chi-square, {freedom:.1f} degrees of freedom"))


def _mean(values: Floats, level: float) -> Estimate:
    low, high = _reach(values, level)
    return Estimate(float(values.mean()), Interval(low, high, level, f"Student over {len(values)} replicates"))


def _reach(values: Floats, level: float) -> tuple[float, float]:
    mean, count = float(values.mean()), len(values)
    reach = student_quantile((1 + level) / 2, count - 1) * float(values.std(ddof=1)) / sqrt(count)
    return mean - reach, mean + reach
