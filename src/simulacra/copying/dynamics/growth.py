"""How drift grows: idempotence error, contraction ratio, and the exponent that tells a push from a random walk.

With s_k the step from frame k-1 to frame k, and D_k the distance of frame k from frame 0, both Euclidean:

    idempotence error   |f(f(x)) - f(x)| / |f(x) - x| = s_2 / s_1    0: a projector, one copy costs and the next are
    free contraction ratio   s_{k+1} / s_k                                below 1: settling; 1: travelling or noisy;
    above: blowing up growth exponent     slope of log D^2 on log k                    2: a steady push; 1: a random
    walk; 0: saturated

Ratios are averaged as logarithms. Over three chains or more an interval is Student's over the chains' own values. One
or two chains have only themselves: the slope's error is then robust to autocorrelation, and its statistic is judged
by drawn series as correlated as the residuals are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, sqrt

import numpy as np

from simulacra.copying.dynamics.distributions import student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats, Series, floats, side_by_side
from simulacra.measures.contract import Undefined, Value
from simulacra.seeds import derive_seed

FEWEST_CHAINS = 3
"""Chains from which their own scatter gives the interval."""
FEWEST_POINTS = 6
"""Frames below which no slope is fitted."""

_REGIMES = {0: "saturated", 1: "a random walk", 2: "a steady push"}
_NEAR = 0.25  # a finite chain is never a pure case: an exponent this near to one counts as it

_POINTS_AN_OCTAVE = 4
_DRAWS = 9999


@dataclass(frozen=True)
class Growth:
    """The growth exponent of squared drift, and what it says."""

    exponent: Estimate
    regime: str
    chains: int


def idempotence(steps: Sequence[Series], level: float = LEVEL) -> Estimate:
    """The idempotence error of a copier, the geometric mean over chains from several pictures or seeds.

    Args:
        steps: of each chain, the distance of frame k from frame k-1, by frame; frame 0 has none.
        level: the rate of the interval.

    Returns:
        s_2 / s_1. An exact projector gives 0 without an interval, for it has no logarithm.

    Raises:
        UserError: a value is not finite, or the level is not between 0 and 1.
    """
    check_level(level)
    ratios = [ratio for chain in steps for ratio in contraction_ratios(chain)[1:2] if not isinstance(ratio, Undefined)]
    if not ratios:
        return _nothing("no chain has a first step that is not zero and a second one")
    if min(ratios) == 0:
        none = Undefined(f"{ratios.count(0.0)} of {len(ratios)} chains stop at their first copy")
        return Estimate(0.0 if max(ratios) == 0 else none, none)
    return _exponential(_over_chains(np.log(ratios), level))


def contraction_ratios(steps: Series) -> tuple[Value, ...]:
    """s_{k+1} / s_k at every frame k of one chain; undefined at frame 0, at the last one and after a step of nothing.

    Args:
        steps: the distance of frame k from frame k-1, by frame; frame 0 has none.

    Raises:
        UserError: a value is not finite.
    """
    distances = floats(steps)
    ratios: list[Value] = []
    for index in range(len(distances)):
        if index == 0 or index + 1 == len(distances) or np.isnan(distances[index : index + 2]).any():
            ratios.append(Undefined("there is no step on both sides of this frame"))
        elif distances[index] == 0:
            ratios.append(Undefined("the step to this frame is zero"))
        else:
            ratios.append(float(distances[index + 1] / distances[index]))
    return tuple(ratios)


def contraction(steps: Sequence[Series], level: float = LEVEL) -> Estimate:
    """The typical contraction ratio of chains: the factor by which one step differs from the one before.

    It is exp of the slope of log s_k on k, which uses every step and not only the first and the last.

    Args:
        steps: of each chain, the distance of frame k from frame k-1, by frame; steps of zero are left out.
        level: the rate of the interval.

    Raises:
        UserError: a value is not finite, or the level is not between 0 and 1.
    """
    check_level(level)
    table = side_by_side(steps)
    frames = np.arange(table.shape[1])
    return _exponential(_trend(frames.astype(np.float64), _logarithms(table), level, persistence=None))


def growth(drifts: Sequence[Series], level: float = LEVEL) -> Growth:
    """The growth exponent of squared drift from frame 0, over replicate chains or one chain.

    Every octave of k counts alike: the slope is fitted through frames spaced evenly in log k.

    Args:
        drifts: of each chain, the Euclidean distance of frame k from frame 0, by frame; distances of zero are left out.
        level: the rate of the interval.

    Raises:
        UserError: a value is not finite, or the level is not between 0 and 1.

    Source: the exponents of ballistic motion, diffusion and confinement. The error of one chain's slope: Kiefer and
    Vogelsang 2005, with all lags; its statistic is judged by a random walk's own residual, which in log k is
    stationary with correlation exp(-distance) or, next to a push, exp(-distance / 2) (Lamperti 1962).
    """
    check_level(level)
    table = side_by_side(drifts)
    frames = _octaves(table.shape[1] - 1)
    spacing = log(frames[-1] / frames[0]) / (len(frames) - 1) if len(frames) > 1 else 0.0
    exponent = _trend(np.log(frames), 2 * _logarithms(table[:, frames]), level, persistence=exp(-spacing / 2))
    return Growth(exponent, regime(exponent), len(drifts))


def regime(exponent: Estimate) -> str:
    """What an exponent says: the regimes that its interval, a quarter wider on each side, does not exclude."""
    if isinstance(exponent.value, Undefined):
        return f"unknown: {exponent.value.reason}"
    if isinstance(exponent.interval, Undefined):
        return f"unknown: {exponent.interval.reason}"
    low, high = exponent.interval.low - _NEAR, exponent.interval.high + _NEAR
    left = [name for power, name in _REGIMES.items() if low <= power <= high]
    if len(left) == 1:
        return left[0]
    if left:
        return f"undecided between {' and '.join(left)}"
    if exponent.value < 0:
        return "returning"
    if exponent.value > 2:
        return "accelerating"
    return "between saturated and a random walk" if exponent.value < 1 else "between a random walk and a steady push"


def _octaves(last: int) -> list[int]:
    """Frames 1 to `last`, spaced evenly in log k as far as whole numbers allow."""
    if last < 1:
        return [1]
    count = round(log(last, 2) * _POINTS_AN_OCTAVE) + 1
    return sorted({round(frame) for frame in np.geomspace(1, last, count)})


def _logarithms(table: Floats) -> Floats:
    return np.log(np.where(table > 0, table, np.nan))


def _trend(x: Floats, table: Floats, level: float, persistence: float | None) -> Estimate:
    """The slope of chains on x, with gaps as NaN.

    Args:
        x: shape (n,).
        table: one row a chain, shape (R, n).
        level: the rate of the interval.
        persistence: correlation of neighbouring residuals under which few chains are judged; None estimates it.
    """
    slopes = [_slope(x[seen], row[seen]) for row in table if (seen := ~np.isnan(row)).sum() >= FEWEST_POINTS]
    if len(slopes) >= FEWEST_CHAINS:
        return _over_chains(np.array(slopes), level)
    rows = [row for row in table if (~np.isnan(row)).sum() >= FEWEST_POINTS]
    if not rows:
        return _nothing(f"no chain has {FEWEST_POINTS} frames with a distance that is not zero")
    together = np.mean(rows, axis=0)  # NaN where one of the two has a gap
    seen = ~np.isnan(together)
    if seen.sum() < FEWEST_POINTS:
        return _nothing(f"the chains share fewer than {FEWEST_POINTS} frames with a distance that is not zero")
    return _robust(x[seen], together[seen], level, persistence)


def _slope(x: Floats, y: Floats) -> float:
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def _over_chains(values: Floats, level: float) -> Estimate:
    """A mean over chains with Student's interval."""
    if len(values) < FEWEST_CHAINS:
        none = Undefined(f"{len(values)} chains; {FEWEST_CHAINS} are the fewest that show how they scatter")
        return Estimate(float(np.mean(values)), none)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / sqrt(len(values))
    reach = student_quantile((1 + level) / 2, len(values) - 1) * error
    return Estimate(mean, Interval(mean - reach, mean + reach, level, f"Student over {len(values)} chains"))


def _robust(x: Floats, y: Floats, level: float, persistence: float | None) -> Estimate:
    """A slope whose error allows for correlated residuals (Kiefer and Vogelsang 2005, Bartlett window, all lags)."""
    slope = _slope(x, y)
    residual = y - y.mean() - slope * (x - x.mean())
    if persistence is None:
        persistence = _persistence(residual)
    error = float(_long_run_error(x, residual[None])[0])
    limit = _limit(tuple(x.tolist()), round(persistence, 2), level)
    method = f"autocorrelation-robust, judged by drawn series with correlation {persistence:.2f}"
    return Estimate(slope, Interval(slope - limit * error, slope + limit * error, level, method))


def _persistence(residual: Floats) -> float:
    """Correlation of neighbouring residuals, corrected for what a fitted line takes away (Marriott and Pope 1954)."""
    total = residual @ residual
    if total == 0:
        return 0.0
    raw = float(residual[1:] @ residual[:-1] / total)
    count = len(residual)
    return min(0.95, max(0.0, (count * raw + 2) / (count - 4)))


def _long_run_error(x: Floats, residuals: Floats) -> Floats:
    """Standard error of the slope for each row of residuals; partial sums are the Bartlett window with all lags."""
    centred = x - x.mean()
    partial = np.cumsum(centred * residuals, axis=-1)
    return np.asarray(np.sqrt(2 * (partial**2).mean(-1)) / (centred @ centred))


@lru_cache(maxsize=256)
def _limit(points: tuple[float, ...], persistence: float, level: float) -> float:
    """The size that the slope's statistic exceeds in 1 - level of series that are first-order autoregressions."""
    x = np.array(points)
    generator = np.random.default_rng(derive_seed(0, "trend", len(points)))
    series = generator.standard_normal((_DRAWS, len(x)))
    fresh = sqrt(1 - persistence**2)
    for index in range(1, len(x)):
        series[:, index] = persistence * series[:, index - 1] + fresh * series[:, index]
    centred = x - x.mean()
    slopes = series @ centred / (centred @ centred)
    residuals = series - series.mean(1, keepdims=True) - slopes[:, None] * centred
    return float(np.quantile(np.abs(slopes) / _long_run_error(x, residuals), level, method="weibull"))


def _exponential(estimate: Estimate) -> Estimate:
    """The exponential of an estimate and of its interval's ends."""
    if isinstance(estimate.value, Undefined):
        return estimate
    if isinstance(estimate.interval, Undefined):
        return Estimate(exp(estimate.value), estimate.interval)
    interval = estimate.interval
    return Estimate(
        exp(estimate.value), Interval(exp(interval.low), exp(interval.high), interval.level, interval.method)
    )


def _nothing(reason: str) -> Estimate:
    return Estimate(Undefined(reason), Undefined(reason))
