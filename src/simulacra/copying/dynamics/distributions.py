"""Distribution functions and quantiles of Student, Fisher and chi-square, from incomplete beta and gamma functions."""

from collections.abc import Callable
from functools import lru_cache
from math import isinf, lgamma

import numpy as np
import torch

from simulacra.copying.dynamics.series import Floats

_TINY = 1e-300  # keeps the continued fraction from dividing by zero


def incomplete_beta(a: float, b: float, x: Floats) -> Floats:
    """The regularised incomplete beta function I_x(a, b), the distribution function of Beta(a, b), for x in [0, 1].

    Evaluated by its continued fraction (DLMF 8.17.22) with Lentz's method, on the side where it converges fast.
    """
    x = np.asarray(x, dtype=np.float64)
    swap = x > (a + 1) / (a + b + 2)
    result = np.empty_like(x)
    for mask, first, second, at in ((~swap, a, b, x), (swap, b, a, 1 - x)):
        if mask.any():
            result[mask] = _left_tail(first, second, at[mask])
    result[swap] = 1 - result[swap]
    return result


def student_cdf(t: Floats, freedom: float) -> Floats:
    """P(T <= t) of Student's t with `freedom` degrees of freedom."""
    t = np.asarray(t, dtype=np.float64)
    tail = incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
    return np.where(t > 0, 1 - tail, tail)


def fisher_cdf(f: Floats, above: float, below: float) -> Floats:
    """P(F <= f) of Fisher's F with `above` and `below` degrees of freedom."""
    f = np.asarray(f, dtype=np.float64)
    return incomplete_beta(above / 2, below / 2, above * f / (above * f + below))


@lru_cache(maxsize=4096)
def student_quantile(p: float, freedom: float) -> float:
    """The t with P(T <= t) = p."""
    if p < 0.5:
        return -student_quantile(1 - p, freedom)
    return _solve(lambda t: float(student_cdf(np.array(t), freedom)), p)


@lru_cache(maxsize=4096)
def fisher_quantile(p: float, above: float, below: float) -> float:
    """The f with P(F <= f) = p."""
    return _solve(lambda f: float(fisher_cdf(np.array(f), above, below)), p)


@lru_cache(maxsize=4096)
def chi_square_quantile(p: float, freedom: float) -> float:
    """The x with P(X <= x) = p of chi-square with `freedom` degrees of freedom."""
    half = torch.tensor(freedom / 2, dtype=torch.float64)
    return _solve(lambda x: float(torch.special.gammainc(half, torch.tensor(x / 2, dtype=torch.float64))), p)


def _left_tail(a: float, b: float, x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        log_front = a * np.log(x) + b * np.log1p(-x) - np.log(a) + lgamma(a + b) - lgamma(a) - lgamma(b)
    c = np.ones_like(x)
    d = 1 / _nonzero(1 - (a + b) * x / (a + 1))
    fraction = d.copy()
    m, moved = 0, True
    while moved:
        m += 1
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _nonzero(1 + factor * d)
            c = _nonzero(1 + factor / c)
            fraction *= c * d
        moved = bool((np.abs(c * d - 1) > 1e-15).any()) and m < 10_000
    return np.asarray(np.exp(log_front) * fraction)


def _nonzero(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)


def _solve(distribution: Callable[[float], float], p: float) -> float:
    """The x >= 0 with distribution(x) = p, by bisection to the last digits."""
    high = 1.0
    while distribution(high) < p and not isinf(high):
        high *= 2
    low = 0.0
    while True:
        middle = (low + high) / 2
        if high - low <= 4e-16 * high or middle in (low, high):
            return middle
        if distribution(middle) < p:
            low = middle
        else:
            high = middle
