"""Loops that mix real and synthetic samples, for a Gaussian fitted by its mean and unbiased covariance.

n = n_r + n_s samples a generation, alpha = n_s / n. Means and variances are multiples of the real covariance, whatever
it is: an affine map of the data is the same map of every model.

The loops are those of Alemohammad et al. 2024, "Self-Consuming Generative Models Go MAD", who show their limits by
simulation. The recurrences here follow from the law of total variance; the tests hold them against drawn loops and
against the recurrence of any policy in `simulacra.autophagy.moments`.
"""

from math import inf, log, sqrt
from typing import NamedTuple

from simulacra.autophagy.theory.arguments import check_count, check_positive, check_share
from simulacra.errors import UserError


class Expected(NamedTuple):
    """What is expected of a generation, as multiples of the real covariance; both are 0 and 1 for the truth."""

    mean_error: float
    """E (mu_t - mu)^2 of a coordinate of variance 1."""
    variance: float
    """E Sigma_t."""


def fresh_path(real: int, synthetic: int, bias: float, initial: int, generations: int) -> tuple[Expected, ...]:
    """The loop with fresh real data, generation by generation.

        M_t = alpha^2 M_(t-1) + [(1 - alpha) + alpha lambda S_(t-1)] / n
        S_t = (1 - alpha) + alpha lambda S_(t-1) + n / (n - 1) alpha (1 - alpha) M_(t-1)

    Args:
        real: n_r, fresh real samples in each generation after the first, 0 or more.
        synthetic: n_s, samples of the last model in each generation after the first, 0 or more.
        bias: lambda, in [0, 1].
        initial: real samples of generation 1, 2 or more.
        generations: how many, 1 or more.

    Raises:
        UserError: an argument is outside its range.
    """
    _check(real, synthetic, bias)
    check_count("initial", initial, 2)
    check_count("generations", generations)
    n, alpha = real + synthetic, synthetic / (real + synthetic)
    path = [Expected(1 / initial, 1.0)]
    while len(path) < generations:
        error, spread = path[-1]
        drawn = (1 - alpha) + alpha * bias * spread
        path.append(Expected(alpha**2 * error + drawn / n, drawn + n / (n - 1) * alpha * (1 - alpha) * error))
    return tuple(path)


def fresh_limit(real: int, synthetic: int, bias: float) -> Expected:
    """Where the loop with fresh real data ends, whatever it began with.

        S* = (1 - alpha)(1 + kappa) / (1 - alpha lambda (1 + kappa)),   kappa = alpha / ((n - 1)(1 + alpha))
        M* = [(1 - alpha) + alpha lambda S*] / (n (1 - alpha^2))

    Args:
        real: n_r, 1 or more: without fresh data there is no limit.
        synthetic: n_s, 0 or more.
        bias: lambda, in [0, 1].

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("real", real)
    _check(real, synthetic, bias)
    return limit_of_shares(real + synthetic, synthetic / (real + synthetic), bias)


def limit_of_shares(samples: float, synthetic_share: float, bias: float) -> Expected:
    """`fresh_limit` by n and alpha, for numbers of samples between the whole ones; nothing is checked."""
    alpha = synthetic_share
    kappa = alpha / ((samples - 1) * (1 + alpha))
    spread = (1 - alpha) * (1 + kappa) / (1 - alpha * bias * (1 + kappa))
    return Expected(((1 - alpha) + alpha * bias * spread) / (samples * (1 - alpha**2)), spread)


def fixed_limit(real: int, synthetic: int, bias: float) -> Expected:
    """Where the loop with one fixed real set ends, over the draws of that set.

        S* = (n_r - 1) / [n - 1 - lambda (n_s - alpha / (1 + alpha))]
        M* = 1 / n_r + alpha^2 lambda S* / (n_s (1 - alpha^2))

    The first term of M* is the fixed set's own error, which no number of generations removes.

    Args:
        real: n_r, 2 or more.
        synthetic: n_s, 0 or more.
        bias: lambda, in [0, 1].

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("real", real, 2)
    _check(real, synthetic, bias)
    n, alpha = real + synthetic, synthetic / (real + synthetic)
    spread = (real - 1) / (n - 1 - bias * (synthetic - alpha / (1 + alpha)))
    # alpha^2 / n_s = alpha / n, which needs no synthetic sample to be there
    return Expected(1 / real + alpha / n * bias * spread / (1 - alpha**2), spread)


def fresh_gain(real: int, synthetic: int) -> float:
    """n_e / n_r of the fresh loop at lambda = 1 for many samples: 1 + alpha, below 2 for the mean and the covariance.

    n_e is the number of real samples whose one-shot model is as good as the loop's limit.

    Raises:
        UserError: a count is outside its range.
    """
    check_count("real", real)
    _check(real, synthetic, 1.0)
    return 1 + synthetic / (real + synthetic)


def fixed_gain(real: int, synthetic: int) -> float:
    """n_e / n_r of the loop with a fixed real set at lambda = 1 for many samples: (1 + alpha) / (1 + 2 alpha).

    Between 2/3 and 1: a Gaussian loop with a fixed set never diverges and never helps.

    Raises:
        UserError: a count is outside its range.
    """
    check_count("real", real)
    _check(real, synthetic, 1.0)
    alpha = synthetic / (real + synthetic)
    return (1 + alpha) / (1 + 2 * alpha)


def weighted_gain(real: int, synthetic: int, weight: float) -> float:
    """n_e / n_r of the mean in a fresh loop at lambda = 1, where the real part has weight w instead of n_r / n.

        (2 w - w^2) / [w^2 + k (1 - w)^2],   k = n_r / n_s

    Args:
        real: n_r, 1 or more.
        synthetic: n_s, 1 or more.
        weight: w of the real part, above 0 and at most 1.

    Raises:
        UserError: an argument is outside its range.

    Source: He, Xu and Cheng 2025, arXiv 2502.18049.
    """
    check_count("real", real)
    check_count("synthetic", synthetic)
    check_share("weight", weight, above_zero=True)
    return (2 * weight - weight**2) / (weight**2 + real / synthetic * (1 - weight) ** 2)


def best_weight(real: int, synthetic: int) -> float:
    """The weight of the real part that makes the mean best: (sqrt(k^2 + 4 k) - k) / 2, k = n_r / n_s.

    The gain at this weight is its inverse, so with many synthetic samples it grows like sqrt(n_s / n_r) without bound,
    where pooling stops at 2. With as many real as synthetic samples it is the golden ratio less 1.

    Raises:
        UserError: a count is outside its range.

    Source: He, Xu and Cheng 2025, arXiv 2502.18049.
    """
    check_count("real", real)
    check_count("synthetic", synthetic)
    k = real / synthetic
    return 2 * k / (sqrt(k * k + 4 * k) + k)  # the same number, without the difference of near ones at large k


def memory_gain(real: int, synthetic: int, memory: int) -> float:
    """n_e / n_r of the mean in a fresh loop at lambda = 1 whose synthetic samples come evenly from the last K models.

        (n / n_r) [1 - alpha^2 / (K - alpha (K - 1))],   for many samples

    Args:
        real: n_r, 1 or more.
        synthetic: n_s, 0 or more.
        memory: K, 1 or more.

    Raises:
        UserError: an argument is outside its range.

    Source: the curve of Alemohammad et al. 2024, appendix on memory.
    """
    check_count("real", real)
    check_count("memory", memory)
    _check(real, synthetic, 1.0)
    alpha = synthetic / (real + synthetic)
    return (1 - alpha**2 / (memory - alpha * (memory - 1))) / (1 - alpha)


def corrected_share(synthetic_share: float, correction: float) -> float:
    """The synthetic share that a self-corrected loop behaves like: alpha / (1 + gamma), for many samples.

    An ideal correction of strength gamma draws from (p + gamma p_data) / (1 + gamma).

    Args:
        synthetic_share: alpha, in [0, 1].
        correction: gamma, 0 or more.

    Raises:
        UserError: an argument is outside its range.

    Source: Gillman et al. 2024, "Self-Correcting Self-Consuming Loops for Generative Model Training".
    """
    check_share("synthetic_share", synthetic_share)
    if correction != 0:
        check_positive("correction", correction)
    return synthetic_share / (1 + correction)


def relaxation(synthetic_share: float) -> float:
    """Generations in which the memory of the start falls by e in a fresh loop: 1 / |ln alpha|, infinite at alpha = 1.

    This is the mean's; the covariance forgets as (alpha lambda)^t, never more slowly.

    Raises:
        UserError: the share is outside [0, 1].
    """
    check_share("synthetic_share", synthetic_share)
    if synthetic_share in (0, 1):
        return inf if synthetic_share else 0.0
    return -1 / log(synthetic_share)


def _check(real: int, synthetic: int, bias: float) -> None:
    check_count("real", real, 0)
    check_count("synthetic", synthetic, 0)
    check_share("bias", bias)
    if real + synthetic < 2:
        raise UserError(f"real and synthetic make {real + synthetic} samples; a covariance needs 2 or more")
