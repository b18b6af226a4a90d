"""Loops whose data grow: everything is kept, or each generation is larger than the one before.

Means and variances are multiples of the real ones; the variances are of the biased estimator unless another is named.
"""

from collections.abc import Sequence
from math import pi, prod, sin, sqrt

from simulacra.autophagy.theory.arguments import Estimator, check_count
from simulacra.autophagy.theory.mixing import Expected
from simulacra.errors import UserError


def accumulated(samples: int, generation: int) -> Expected:
    """The loop that keeps the real set and every synthetic sample, and adds n in each generation.

        E var_t = prod_(i=1..t) (1 - 1 / (n i^2)),   E (mu_t - mu)^2 = 1 - E var_t

    Args:
        samples: n, 1 or more.
        generation: t, 1 for the model of the n real samples alone.

    Raises:
        UserError: a count is outside its range.

    Source: the policy is that of Gerstgrasser et al. 2024, "Is Model Collapse Inevitable?"; the product for Gaussians
    as in Kazdan et al. 2024, "Collapse or Thrive?".
    """
    check_count("samples", samples)
    check_count("generation", generation)
    kept = prod(1 - 1 / (samples * index**2) for index in range(1, generation + 1))
    return Expected(1 - kept, kept)


def accumulated_limit(samples: int) -> Expected:
    """Where `accumulated` ends: E var = sin(x) / x with x = pi / sqrt(n), so that nothing but a share is ever lost.

    Raises:
        UserError: the count is below 1.
    """
    check_count("samples", samples)
    angle = pi / sqrt(samples)
    kept = sin(angle) / angle if samples > 1 else 0.0
    return Expected(1 - kept, kept)


def growing(samples: Sequence[int], estimator: Estimator = "biased") -> Expected:
    """The fully synthetic loop in which generation t fits n_t samples of its parent, at lambda = 1.

        biased:   E var = prod (1 - 1/n_t),   E (mu - mu_0)^2 = 1 - E var
        unbiased: E var = 1,                  E (mu - mu_0)^2 = sum 1/n_t

    What is there survives if and only if sum 1/n_t converges: growth must be faster than linear.

    Args:
        samples: n_1, n_2, ..., n_t; each 1 or more, 2 for the unbiased estimator.
        estimator: of the covariance.

    Raises:
        UserError: no counts are given, or one is too small.

    Source: Xu et al. 2025, arXiv 2505.13947, for the condition.
    """
    if not samples:
        raise UserError("samples holds no counts; give one a generation")
    for count in samples:
        check_count("each count of samples", count, 2 if estimator == "unbiased" else 1)
    if estimator == "unbiased":
        return Expected(sum(1 / count for count in samples), 1.0)
    kept = prod(1 - 1 / count for count in samples)
    return Expected(1 - kept, kept)


def growing_limit(first: int) -> Expected:
    """Where `growing` ends for n_t = n t^2: the same share survives as where everything is kept.

    Raises:
        UserError: the count is below 1.
    """
    return accumulated_limit(first)
