"""Forecast of a far copy from the first few values of an attribute, with the interval its value will fall into.

From 15 values nobody can tell whether an attribute settles soon, settles late, or travels on. So no model is chosen:
a bank of them is weighed by how well each explains the values, and the forecast is their mixture. Every model is

    x_{k+1} = a x_k + b + process noise,    y_k = x_k + reading noise,

on a grid of a (from half-lives of a fraction of a copy, over a straight line at a = 1, to a slow runaway) and of the
share of the process in the noise. A first-order autoregression, a trend with noise and a saturating curve with noise
are corners of this grid. Given its cell, the rest is a linear model, whose flat priors leave Student's t.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simulacra.copying.dynamics.distributions import student_cdf
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats, Series, floats
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined

FEWEST = 8
"""Values below which nothing is forecast."""

_SLOW = 0.01
# arcsinh(rate / _SLOW) with rate = -ln a: even in a near 1, and even in ln(half-life) away from it.
_PLACES = np.linspace(-1.0, 6.2, 49)
# Share of the process in the variance of one copy's noise; all but 1, or frame 0 would have a variance of zero.
_PROCESS = np.array([0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1 - 1e-6])
_EXACT = 1e-9  # residuals below this share of the values are taken for this much
_RESOLVED = 0.2  # no place of the grid may hold more of the weight
_FINEST = 12  # times that the grid is made finer at most
_POINTS = 1000  # at which a mixture's distribution function is known; it is interpolated between them


@dataclass(frozen=True)
class Forecast:
    """What an attribute will be at a copy not made yet."""

    target: int
    value: Estimate  # the median, and the interval that the one value read there falls into
    settled: float  # probability that less than half of the way is left there, counted from the last value


def forecast(values: Series, target: int = 101, level: float = LEVEL) -> Forecast | Undefined:
    """Forecast one attribute of one chain.

    Args:
        values: the attribute by frame, frame 0 first; there may be gaps.
        target: the copy to forecast, after the last value.
        level: the rate at which the interval holds the value read at the target.

    Returns:
        The forecast, or why there is none: fewer than `FEWEST` values.

    Raises:
        UserError: the target is not after the last value, a value is not finite, or the level is none.

    Source: Bayesian model averaging, Hoeting et al. 1999; the marginal likelihood of a linear model with flat priors,
    Harville 1974; the mean path and covariance of a first-order autoregression from a fixed start.
    """
    check_level(level)
    series = floats(values)
    frames = np.flatnonzero(~np.isnan(series))
    if len(frames) and target <= frames[-1]:
        raise UserError(f"target is {target}; it must come after the last measured frame, {frames[-1]}")
    if len(frames) < FEWEST:
        return Undefined(f"{len(frames)} measured frames; {FEWEST} are the fewest")
    seen = series[frames]
    offset = float(seen.mean())
    freedom = len(frames) - 2
    floor = len(frames) * (_EXACT * max(float(np.abs(seen).max()), 1e-300)) ** 2
    places, bank = _PLACES, _bank(tuple(int(frame) for frame in frames), target)
    for _ in range(_FINEST):
        white = bank.whiten @ (seen - offset)  # (cells, n)
        left = (white**2).sum(1) - (np.einsum("cnp,cn->cp", bank.basis, white) ** 2).sum(1)
        left = np.maximum(left, floor)
        log_weights = bank.log_prior - freedom / 2 * np.log(left)
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        by_place = weights.reshape(len(places), -1).sum(1)
        if by_place.max() < _RESOLVED or places[1] - places[0] < _EXACT:
            break
        # The values are so clean that they tell rates apart which the grid does not: look closer where the weight is.
        heavy = np.flatnonzero(by_place > 1e-6)
        around = places[[max(heavy[0] - 1, 0), min(heavy[-1] + 1, len(places) - 1)]]
        places = np.linspace(around[0], around[1], len(_PLACES))
        bank = _cells(places, np.array([*frames, target], dtype=np.float64))
    kept = weights > 1e-7
    centres = offset + np.einsum("cn,cn->c", bank.ahead, white)[kept]
    scales = np.sqrt(left[kept] / freedom * bank.spread[kept])
    low, middle, high = _shortest(weights[kept] / weights[kept].sum(), centres, scales, freedom, level)
    interval = Interval(low, high, level, "prediction, weighed bank of autoregressions with reading noise")
    return Forecast(target, Estimate(middle, interval), float(weights @ bank.settled))


class _Bank(NamedTuple):
    """What every cell of the grid does with any values at these frames."""

    whiten: Floats  # (cells, n, n): L^-1 of the covariance L L'
    basis: Floats  # (cells, n, 2): orthonormal basis of the whitened mean paths
    ahead: Floats  # (cells, n): times the whitened values, the forecast
    spread: Floats  # (cells,): variance of the forecast's error, in units of the residual variance
    log_prior: Floats  # (cells,): all of the marginal likelihood that does not depend on the values
    settled: Floats  # (cells,): 1 where less than half of the way is left at the target


@lru_cache(maxsize=32)
def _bank(frames: tuple[int, ...], target: int) -> _Bank:
    """The bank on the whole grid of rates, which depends on the frames alone."""
    return _cells(_PLACES, np.array([*frames, target], dtype=np.float64))


def _cells(places: Floats, times: Floats) -> _Bank:
    """Every place on the grid of rates with every share of the process.

    Args:
        places: shape (P,), arcsinh(rate / `_SLOW`).
        times: the measured frames and then the target, shape (n + 1,).
    """
    rates, shares = (grid.ravel() for grid in np.meshgrid(_SLOW * np.sinh(places), _PROCESS, indexing="ij"))
    rates = np.where(np.abs(rates) < 1e-9, 1e-9, rates)  # the limit at a = 1, without dividing by zero
    count = len(times) - 1
    rate, share = rates[:, None, None], shares[:, None, None]
    covariance = share * _process(rate, times) + (1 - share) * np.eye(count + 1)
    # The mean path: what is left of the start, and b times the sum of a^j.
    paths = np.stack(
        [np.exp(-rates[:, None] * times), np.expm1(-rates[:, None] * times) / np.expm1(-rates[:, None])], -1
    )
    lower = np.linalg.cholesky(covariance[:, :count, :count])
    whiten = np.linalg.inv(lower)
    basis, triangle = np.linalg.qr(whiten @ paths[:, :count])
    toward = np.einsum("cij,cj->ci", whiten, covariance[:, :count, count])
    unseen = paths[:, count] - np.einsum("cnp,cn->cp", whiten @ paths[:, :count], toward)
    missing = np.linalg.solve(triangle.transpose(0, 2, 1), unseen[..., None])[..., 0]
    spread = covariance[:, count, count] - (toward**2).sum(1) + (missing**2).sum(1)
    # Flat on the path's values at the first and the last measured frame, so that no rate gains from its units.
    ends = np.abs(np.linalg.det(paths[:, [0, count - 1]]))
    log_prior = (
        np.log(ends)
        - np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(1)
        - np.log(np.abs(np.diagonal(triangle, axis1=1, axis2=2))).sum(1)
    )
    settled = (np.exp(-rates * (times[count] - times[count - 1])) < 0.5).astype(np.float64)
    return _Bank(whiten, basis, toward + np.einsum("cnp,cp->cn", basis, missing), spread, log_prior, settled)


def _process(rate: Floats, times: Floats) -> Floats:
    """Covariance of an autoregression from a fixed start at time 0, with noise of variance 1 at every copy."""
    apart, shared = np.abs(times[:, None] - times[None]), np.minimum(times[:, None], times[None])
    return np.asarray(np.exp(-rate * apart) * np.expm1(-2 * rate * shared) / np.expm1(-2 * rate))


def _shortest(
    weights: Floats, centres: Floats, scales: Floats, freedom: int, level: float
) -> tuple[float, float, float]:
    """The shortest interval that holds `level` of a mixture of Student's distributions, and its median.

    A mixture of settling and travelling has one long tail, which an interval of equal tails would follow at the cost of
    the end where the settled values lie.
    """
    grid, table = _student_table(freedom)
    steps = np.sinh(np.linspace(-6, 6, 97))
    points = np.sort((centres[:, None] + scales[:, None] * steps).ravel())
    points = np.unique(points[:: max(1, len(points) // _POINTS)])
    below = weights @ np.interp(np.arcsinh((points[None] - centres[:, None]) / scales[:, None]), grid, table)
    starts = np.linspace(0, 1 - level, 201)[1:-1]
    lows, highs = np.interp(starts, below, points), np.interp(starts + level, below, points)
    best = int((highs - lows).argmin())
    return float(lows[best]), float(np.interp(0.5, below, points)), float(highs[best])


@lru_cache(maxsize=64)
def _student_table(freedom: int) -> tuple[Floats, Floats]:
    """Student's distribution function on a grid of arcsinh(t), fine enough for seven digits."""
    grid = np.linspace(-10, 10, 8001)
    return grid, student_cdf(np.sinh(grid), freedom)
