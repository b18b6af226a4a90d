"""How many synthetic samples help a fresh loop, in closed form: the error at the limit, and where it equals real-only.

Errors are E W2^2, the squared Wasserstein distance of Gaussians, to second order in 1/n, for any real covariance given
by its eigenvalues s_i ("the spectrum").

    F = 1/2 sum_ij s_i s_j (1 + [i = j]) / (s_i + s_j)

is what n times the error of a covariance is for n real samples. Alemohammad et al. 2024 show the boundary by
simulation (figures 11 and 12); the forms here are second-order expansions about the limit of
`simulacra.autophagy.theory.mixing.fresh_limit`, and the benchmark `autophagy_exact` holds them against drawn loops.
"""

from collections.abc import Sequence
from itertools import combinations
from math import inf, sqrt

from simulacra.autophagy.theory.arguments import check_count, check_share, check_spectrum
from simulacra.autophagy.theory.mixing import fresh_path, limit_of_shares

_MANY = 1 << 50
"""Synthetic samples beyond which nobody asks."""


def covariance_error(spectrum: Sequence[float]) -> float:
    """F: n times the expected squared Wasserstein error that n real samples leave in the covariance.

    Args:
        spectrum: eigenvalues of the real covariance, all above 0.

    Returns:
        F, in squared units of the data; d (d + 1) / 4 for d eigenvalues of 1.

    Raises:
        UserError: the spectrum is empty, or an eigenvalue is not above 0.

    Source: the second-order expansion of the Bures distance, as in Dowson and Landau 1982 with Bhatia, Jain and Lim
    2019.
    """
    check_spectrum(spectrum)
    return sum(value / 2 for value in spectrum) + sum(a * b / (a + b) for a, b in combinations(spectrum, 2))


def bures_dimension(spectrum: Sequence[float]) -> float:
    """d_B = 4 F / tr - 1: the dimension that the error of a covariance sees, d where all eigenvalues are equal.

    Raises:
        UserError: the spectrum is empty, or an eigenvalue is not above 0.
    """
    return 4 * covariance_error(spectrum) / sum(spectrum) - 1


def one_shot_error(samples: int, spectrum: Sequence[float]) -> float:
    """E W2^2 of a Gaussian fitted to n real samples, to first order: (tr + F) / n.

    Args:
        samples: n; the next order matters unless n is far above the dimension.
        spectrum: eigenvalues of the real covariance.

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("samples", samples)
    return (sum(spectrum) + covariance_error(spectrum)) / samples


def loop_error(real: int, synthetic: int, bias: float, spectrum: Sequence[float]) -> float:
    """E W2^2 at the limit of the loop with fresh real data.

        W = tr M* + tr (1 - sqrt s)^2 + s^(-3/2) F v
        v = [(1 - alpha) + alpha lambda^2 s^2] / (n (1 - alpha^2 lambda^2))

    with M* and s = S* of `fresh_limit`: the error of the mean, the bias of the covariance, and its scatter.

    Args:
        real: n_r, 2 or more.
        synthetic: n_s, 0 or more.
        bias: lambda, in [0, 1].
        spectrum: eigenvalues of the real covariance.

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("real", real, 2)
    check_count("synthetic", synthetic, 0)
    check_share("bias", bias)
    return _limit_error(real, synthetic, bias, sum(spectrum), covariance_error(spectrum))


def loop_path(
    real: int, synthetic: int, bias: float, initial: int, generations: int, spectrum: Sequence[float]
) -> tuple[float, ...]:
    """E W2^2 of the loop with fresh real data, generation by generation, on its way to `loop_error`.

        W_t = tr M_t + tr (1 - sqrt S_t)^2 + S_t^(-3/2) F v_t
        v_t = [(1 - alpha) + alpha lambda^2 S_(t-1)^2] / n + alpha^2 lambda^2 v_(t-1),   v_1 = 1 / n_ini

    with M_t and S_t of `simulacra.autophagy.theory.mixing.fresh_path`.

    Args:
        real: n_r, 1 or more.
        synthetic: n_s, 0 or more.
        bias: lambda, in [0, 1].
        initial: n_ini, real samples of generation 1, 2 or more.
        generations: how many, 1 or more.
        spectrum: eigenvalues of the real covariance.

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("real", real)
    expected = fresh_path(real, synthetic, bias, initial, generations)
    trace, spread = sum(spectrum), covariance_error(spectrum)
    n = real + synthetic
    alpha, scatter, errors = synthetic / n, 1 / initial, list[float]()
    for generation, (error, variance) in enumerate(expected):
        if generation:
            drawn = (1 - alpha) + alpha * bias**2 * expected[generation - 1].variance ** 2
            scatter = drawn / n + alpha**2 * bias**2 * scatter
        errors.append(trace * (error + (1 - sqrt(variance)) ** 2) + variance**-1.5 * spread * scatter)
    return tuple(errors)


def gain(real: int, synthetic: int, bias: float, spectrum: Sequence[float]) -> float:
    """n_e / n_r: what the loop's limit is worth, in one-shot real samples, over the fresh real samples it is given.

    Raises:
        UserError: an argument is outside its range.
    """
    return one_shot_error(real, spectrum) / loop_error(real, synthetic, bias, spectrum)


def largest_admissible(real: int, bias: float, spectrum: Sequence[float]) -> float:
    """n_s*: the most synthetic samples with which the loop is no worse than its fresh real samples alone.

    Args:
        real: n_r, 1 or more; the expansion wants it far above the dimension.
        bias: lambda, in [0, 1].
        spectrum: eigenvalues of the real covariance.

    Returns:
        A number of samples, not rounded; infinite where every number is admissible, 0 where none is.

    Raises:
        UserError: an argument is outside its range.
    """
    check_share("bias", bias)
    error, trace, spread = one_shot_error(real, spectrum), sum(spectrum), covariance_error(spectrum)
    low, high = 0.0, 1.0
    while _limit_error(real, high, bias, trace, spread) <= error:
        low, high = high, 2 * high
        if high > _MANY:
            return inf
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        helps = _limit_error(real, middle, bias, trace, spread) <= error
        low, high = (middle, high) if helps else (low, middle)
    return low


def admissible_limit(bias: float, spectrum: Sequence[float]) -> float:
    """n_s* for ever more real samples: a constant, proportional to dimension, that grows like 1 / (1 - lambda)^2.

        [4 (2 - lambda) + (d_B + 1)(1/2 + 3 lambda / 2 - lambda^2)] / (1 - lambda)^2

    Args:
        bias: lambda, in [0, 1]; infinite at 1.
        spectrum: eigenvalues of the real covariance.

    Raises:
        UserError: an argument is outside its range.
    """
    check_share("bias", bias)
    if bias == 1:
        return inf
    dimension = bures_dimension(spectrum)
    return (4 * (2 - bias) + (dimension + 1) * (0.5 + 1.5 * bias - bias**2)) / (1 - bias) ** 2


def _limit_error(real: float, synthetic: float, bias: float, trace: float, spread: float) -> float:
    n = real + synthetic
    alpha = synthetic / n
    limit = limit_of_shares(n, alpha, bias)
    scatter = ((1 - alpha) + alpha * bias**2 * limit.variance**2) / (n * (1 - alpha**2 * bias**2))
    off = limit.mean_error + (1 - sqrt(limit.variance)) ** 2
    return float(trace * off + limit.variance**-1.5 * spread * scatter)
