"""First-order autoregression of an attribute: where a copier pulls it, how fast, and how surely.

y_{k+1} = a y_k + b + noise over one chain or several replicates. With a below 1 the attribute heads for b / (1 - a);
for a copier that reconstructs by Bayes that is its prior, and 1 - a the trust it puts in it (Xu and Griffiths 2010).

Least squares underestimates a in short chains (Kendall 1954; Marriott and Pope 1954), and its usual interval fails
near a = 1. Both are cured by drawing the chains at hand again under each hypothesis, from their own first values and
with their own gaps: the slope's interval holds every a whose t-statistic is no surprise, and its estimate is the a of
which the observed one is the median (Hansen 1999, the grid bootstrap; Andrews 1993). The fixed point's interval is
the profile likelihood's, judged by drawn chains instead of chi-square. It is unbounded, and says so, where no pull is
seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np

from simulacra.copying.dynamics.distributions import chi_square_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level, everywhere, exactly
from simulacra.copying.dynamics.series import Flags, Floats, Series
from simulacra.copying.dynamics.transitions import Transitions, draw, moments, transitions
from simulacra.measures.contract import Undefined

FEWEST = 5
"""Transitions below which nothing is fitted."""
DRAWS = 399
"""Sets of chains drawn under each hypothesis; one more times half of 5 % is whole, so that the rate is exact."""

_EXACT = 1e-7  # values carry seven digits: residuals below this share of the values are rounding, not noise
_SLOPES = 0.25 * np.sinh(np.linspace(-5, 5, 33))  # hypotheses of a, in standard errors from the least squares slope
_POINTS = 2.0 ** np.arange(-4, 22)  # hypotheses of the fixed point, in standard errors to either side
_FURTHEST = 1e10  # in units of the noise: further away rounding would exceed it
_FINER = np.linspace(0, 1, 8)  # and between the two that the interval's end lies between


@dataclass(frozen=True)
class Autoregression:
    """y_{k+1} = a y_k + b + noise, fitted."""

    slope: Estimate  # a; below 1 the attribute is pulled somewhere
    fixed_point: Estimate  # b / (1 - a), in the attribute's unit: where it is heading
    half_life: Estimate  # ln(1/2) / ln(a), in copies: after so many, half of the way is left
    noise: Estimate  # standard deviation of one copy's noise, in the attribute's unit
    transitions: int
    chains: int


def autoregression(
    chains: Sequence[Series], level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> Autoregression | Undefined:
    """Fit one first-order autoregression to an attribute of one chain, or of several that share their copier.

    Args:
        chains: the attribute by frame, frame 0 first; chains may differ in length and have gaps.
        level: the rate of the intervals.
        seed: of the drawn chains.
        draws: how many are drawn under each hypothesis.

    Returns:
        The fit, or why there is none: fewer than `FEWEST` transitions, or an attribute that never moves.

    Raises:
        UserError: a value is not finite, or the level is not between 0 and 1.

    Source: Hansen 1999, "The Grid Bootstrap and the Autoregressive Model"; Xu and Griffiths 2010.
    """
    check_level(level)
    data = transitions(chains)
    if len(data.before) < FEWEST:
        return Undefined(f"{len(data.before)} transitions between measured frames; {FEWEST} are the fewest")
    if np.ptp(data.before) == 0:
        return Undefined("the attribute never moves")
    fit = _least_squares(data)
    if fit.noise <= _EXACT * max(np.abs(data.before).max(), np.abs(data.after).max()):
        return _exact(fit, data, level)
    noise = draw(data.used, draws, seed)
    slope = _slope(fit, data, noise, level)
    return Autoregression(
        slope,
        _fixed_point(slope, fit, data, noise, level),
        _half_life(slope, level),
        _noise(fit, len(data.before), level),
        len(data.before),
        len(data.starts),
    )


class _Fit(NamedTuple):
    slope: float
    error: float  # standard error of the slope
    noise: float  # standard deviation of the residuals
    before: float  # mean of y_k
    after: float  # mean of y_{k+1}

    def intercept(self, slope: float) -> float:
        return self.after - slope * self.before


def _least_squares(data: Transitions) -> _Fit:
    before, after = data.before.mean(), data.after.mean()
    x, y = data.before - before, data.after - after
    slope = (x @ y) / (x @ x)
    residual = y - slope * x
    noise = sqrt((residual @ residual) / (len(x) - 2))
    return _Fit(float(slope), noise / sqrt(x @ x), noise, float(before), float(after))


def _slope(fit: _Fit, data: Transitions, noise: Floats, level: float) -> Estimate:
    """The hypotheses whose own chains give a t-statistic like the one observed."""
    steepest = exp(300 / len(noise))  # steeper ones overflow before the chain ends
    slopes = np.clip(fit.slope + fit.error * _SLOPES, -steepest, steepest)
    count = len(data.before)
    residuals = (data.after - fit.after)[None] - slopes[:, None] * (data.before - fit.before)[None]
    sigmas = np.sqrt((residuals**2).sum(1) / (count - 1))
    # The state is counted from the mean of the starts, so that sums of squares lose nothing to a large offset.
    origin = data.starts.mean()
    drifts = (fit.after - slopes * fit.before + (slopes - 1) * origin) / sigmas
    drawn = moments(noise, data.used, slopes, drifts, (data.starts - origin) / sigmas[:, None])
    spread = drawn.uu - drawn.u**2 / count
    shared = drawn.ue - drawn.u * drawn.e / count
    left = drawn.ee - drawn.e**2 / count - shared**2 / spread
    t_drawn = shared / np.sqrt(spread * left / (count - 2))
    t_observed = (fit.slope - slopes) / fit.error
    tail = (1 - level) / 2
    quantiles = np.quantile(t_drawn, [tail, 0.5, 1 - tail], axis=1, method="weibull")
    high, middle, low = (_crossing(slopes, quantile - t_observed) for quantile in quantiles)
    method = f"grid bootstrap (Hansen 1999), {noise.shape[1]} draws"
    return Estimate(
        float(np.clip(fit.slope if abs(middle) == inf else middle, low, high)), Interval(low, high, level, method)
    )


def _crossing(at: Floats, height: Floats) -> float:
    """Where a rising curve crosses zero; infinite when it does not."""
    above = np.flatnonzero(height > 0)
    if len(above) == 0:
        return inf
    first = int(above[0])
    if first == 0:
        return -inf
    left, right = height[first - 1], height[first]
    return float(at[first - 1] - left * (at[first] - at[first - 1]) / (right - left))


def _half_life(slope: Estimate, level: float) -> Estimate:
    """The slope's half-life; it rises with the slope, so the ends of its interval are those of the slope's."""
    if isinstance(slope.value, Undefined) or isinstance(slope.interval, Undefined):
        raise TypeError("a fitted slope has a value and an interval")
    if slope.value >= 1:
        value: float | Undefined = Undefined(f"the slope is {slope.value:.3g}: nothing is pulled back")
    elif slope.value <= 0:
        value = Undefined(f"the slope is {slope.value:.3g}: the attribute jumps across its fixed point")
    else:
        value = log(0.5) / log(slope.value)
    low, high = (_copies(end) for end in (slope.interval.low, slope.interval.high))
    return Estimate(value, Interval(low, high, level, slope.interval.method))


def _copies(slope: float) -> float:
    if slope <= 0:
        return 0.0
    return log(0.5) / log(slope) if slope < 1 else inf


def _noise(fit: _Fit, count: int, level: float) -> Estimate:
    freedom, tail = count - 2, (1 - level) / 2
    low, high = (fit.noise * sqrt(freedom / chi_square_quantile(p, freedom)) for p in (1 - tail, tail))
    return Estimate(fit.noise, Interval(low, high, level, f"chi-square, {freedom} degrees of freedom"))


def _fixed_point(slope: Estimate, fit: _Fit, data: Transitions, noise: Floats, level: float) -> Estimate:
    """The fixed points whose own chains fit as badly as the observed ones do. Only pulling ones (a <= 1) count."""
    centre, step = _best_guess(fit, data)
    points = np.concatenate([centre - step * _POINTS[::-1], [centre], centre + step * _POINTS])
    points = fit.before + np.clip(points - fit.before, -_FURTHEST * fit.noise, _FURTHEST * fit.noise)
    kept = np.flatnonzero(_accepted(points, data, noise, level))
    method = f"profile likelihood against drawn chains, {noise.shape[1]} draws"
    if len(kept) == 0:  # a push so strong that even the furthest fixed point is too near
        return Estimate(_no_pull(slope), everywhere(level, method))
    first, last = int(kept[0]), int(kept[-1])
    low, high = -inf, inf
    if first > 0:
        low = _end(points[first], points[first - 1], data, noise, level)
    if last < len(points) - 1:
        high = _end(points[last], points[last + 1], data, noise, level)
    if isinstance(slope.value, Undefined) or slope.value >= 1:
        return Estimate(_no_pull(slope), Interval(low, high, level, method))
    value = fit.intercept(slope.value) / (1 - slope.value)
    return Estimate(value, Interval(min(low, value), max(high, value), level, method))


def _end(inside: float, outside: float, data: Transitions, noise: Floats, level: float) -> float:
    """The end of the interval between a point in it and one that is not: half-way past the furthest that is in it."""
    between = inside + _FINER * (outside - inside)
    kept = np.flatnonzero(_accepted(between[:-1], data, noise, level))
    furthest = int(kept[-1]) if len(kept) else 0
    return float(between[furthest] + between[furthest + 1]) / 2


def _no_pull(slope: Estimate) -> Undefined:
    return Undefined(f"the slope is {slope.value:.3g}: there is no pull towards a fixed point")


def _best_guess(fit: _Fit, data: Transitions) -> tuple[float, float]:
    """A fixed point that surely belongs to the interval, and the scale on which to look for the interval's ends."""
    spread = float(np.ptp(np.concatenate([data.before, data.after])))
    if fit.slope >= 1:
        return fit.before, spread / 16
    point = fit.intercept(fit.slope) / (1 - fit.slope)
    variance = fit.noise**2 / len(data.before) + (fit.error * (point - fit.before)) ** 2  # of b - point (1 - a)
    return point, sqrt(variance) / (1 - fit.slope)


def _accepted(points: Floats, data: Transitions, noise: Floats, level: float) -> Flags:
    """Whether each fixed point fits the chains as well as its own chains are fitted in `level` of all cases.

    The statistic is log(RSS0 / RSS1): RSS0 with the fixed point given, RSS1 with it free, both with a <= 1.
    """
    count = len(data.before)
    x, y = data.before[None] - points[:, None], data.after[None] - points[:, None]
    slopes = np.minimum(1.0, (x * y).sum(1) / (x * x).sum(1))
    given = ((y - slopes[:, None] * x) ** 2).sum(1)
    centred, gained = data.before - data.before.mean(), data.after - data.after.mean()
    free = ((gained - min(1.0, centred @ gained / (centred @ centred)) * centred) ** 2).sum()
    observed = _log_ratio(given, free)

    sigmas = np.sqrt(given / (count - 1))
    origin = data.starts.mean()
    far = (points - origin) / sigmas  # the fixed point, counted from the mean start in units of the noise
    drawn = moments(noise, data.used, slopes, (1 - slopes) * far, (data.starts - origin) / sigmas[:, None])
    room = (1 - slopes)[:, None]  # how much the drawn slope may exceed the true one
    far_, n = far[:, None], count
    x_e, x_x = drawn.ue - far_ * drawn.e, drawn.uu - 2 * far_ * drawn.u + n * far_**2
    excess = np.minimum(x_e / x_x, room)
    given_drawn = drawn.ee - 2 * excess * x_e + excess**2 * x_x
    u_e, u_u = drawn.ue - drawn.u * drawn.e / n, drawn.uu - drawn.u**2 / n
    excess = np.minimum(u_e / u_u, room)
    free_drawn = drawn.ee - drawn.e**2 / n - 2 * excess * u_e + excess**2 * u_u
    limit = np.quantile(_log_ratio(given_drawn, free_drawn), level, axis=1, method="weibull")
    return np.asarray(observed <= limit)


def _log_ratio(given: Floats, free: Floats) -> Floats:
    """log(given / free), which is never below zero but for rounding."""
    return np.asarray(np.log(np.maximum(given, free) / np.maximum(free, 1e-300)))


def _exact(fit: _Fit, data: Transitions, level: float) -> Autoregression:
    """A chain without noise, known to the last digit."""
    method = "exact: the chain leaves no residual"
    slope = exactly(fit.slope, level, method)
    if abs(fit.slope - 1) <= _EXACT:
        fixed_point = Estimate(_no_pull(slope), everywhere(level, method))
    else:
        fixed_point = exactly(fit.intercept(fit.slope) / (1 - fit.slope), level, method)
    return Autoregression(
        slope, fixed_point, _half_life(slope, level), exactly(0.0, level, method), len(data.before), len(data.starts)
    )
