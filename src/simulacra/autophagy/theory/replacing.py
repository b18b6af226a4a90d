"""The fully synthetic loop of a Gaussian, exactly: every generation fits the samples of the one before.

Generation 1 fits n real samples, every later one n samples of its parent, drawn with covariance lambda Sigma. The
chain is a product of independent factors, Sigma_t = lambda Sigma_(t-1)^(1/2) W Sigma_(t-1)^(1/2) with W a Wishart
matrix of n - 1 degrees of freedom over n - 1, so that all its moments are products.

Means and variances are multiples of the real covariance. Covariances are unbiased unless another estimator is named.

Sources: Alemohammad et al. 2024, "Self-Consuming Generative Models Go MAD", for the chain; Shumailov et al. 2024, "AI
models collapse when trained on recursively generated data", theorem 3.1. The rates follow from the moments of the
Wishart distribution (Muirhead 1982, "Aspects of Multivariate Statistical Theory", section 3.2).
"""

from math import exp, inf, lgamma, log, sqrt

import torch

from simulacra.autophagy.theory.arguments import Estimator, check_count, check_share


def mean_error(samples: int, bias: float, generation: int) -> float:
    """E |mu_t - mu|^2 over the trace of the real covariance: (1 + lambda + ... + lambda^(t-1)) / n.

    Args:
        samples: n, in each generation, 2 or more.
        bias: lambda, in [0, 1].
        generation: t, 1 for the model of real samples.

    Raises:
        UserError: an argument is outside its range.
    """
    _check(samples, bias, generation)
    return sum(bias**power for power in range(generation)) / samples


def variance(samples: int, bias: float, generation: int, estimator: Estimator = "unbiased") -> float:
    """E Sigma_t over the real covariance: lambda^(t-1), and (1 - 1/n)^t of it with the biased estimator.

    Args:
        samples: n.
        bias: lambda.
        generation: t.
        estimator: of the covariance; the likelihood's is biased.

    Raises:
        UserError: an argument is outside its range.
    """
    _check(samples, bias, generation)
    shrunk = (1 - 1 / samples) ** generation if estimator == "biased" else 1.0
    return bias ** (generation - 1) * shrunk


def wasserstein(samples: int, bias: float, generation: int) -> float:
    """E W2^2 of the model from the truth in one dimension, over the real variance.

        mean_error + 1 + lambda^(t-1) - 2 lambda^((t-1)/2) c4(n)^t,   about 1.5 t / n with lambda = 1

    Args:
        samples: n.
        bias: lambda.
        generation: t.

    Raises:
        UserError: an argument is outside its range.
    """
    kept = variance(samples, bias, generation)
    deviation = sqrt(kept) * deviation_factor(samples) ** generation
    return mean_error(samples, bias, generation) + 1 + kept - 2 * deviation


def deviation_factor(samples: int) -> float:
    """c4(n): the mean of the sample's standard deviation over the true one, sqrt(2/(n-1)) G(n/2) / G((n-1)/2).

    Raises:
        UserError: there are fewer than two samples.
    """
    check_count("samples", samples, 2)
    return sqrt(2 / (samples - 1)) * exp(lgamma(samples / 2) - lgamma((samples - 1) / 2))


def log_variance(samples: int, bias: float, generation: int) -> float:
    """E log sigma_t^2 in one dimension, the real variance being 1.

        (t - 1) log lambda + t [psi((n-1)/2) - log((n-1)/2)],   about -t / (n - 1) with lambda = 1

    This, not the mean of the variance, is what one loop shows: with lambda = 1 the mean stays at 1 for ever, because
    ever fewer chains carry it.

    Args:
        samples: n.
        bias: lambda, above 0.
        generation: t.

    Raises:
        UserError: an argument is outside its range.
    """
    return log_determinant(samples, bias, generation, 1)


def log_determinant(samples: int, bias: float, generation: int, dimension: int) -> float:
    """E log det Sigma_t, the real covariance having determinant 1.

        (t - 1) d log lambda + t [sum_(i=1..d) psi((n-i)/2) + d log(2/(n-1))]

    Args:
        samples: n, above the dimension, or Sigma_1 is singular already.
        bias: lambda, above 0.
        generation: t.
        dimension: d.

    Raises:
        UserError: an argument is outside its range.
    """
    _check(samples, bias, generation)
    check_share("bias", bias, above_zero=True)
    return (generation - 1) * dimension * log(bias) + generation * sum(lyapunov_exponents(samples, dimension))


def lyapunov_exponents(samples: int, dimension: int) -> tuple[float, ...]:
    """Mean growth of the logarithm of the covariance's eigenvalues a generation at lambda = 1, the slowest first.

        psi((n-i)/2) + log(2/(n-1)),   i = 1..d

    All are negative and they differ, so the spectrum spreads: the rank falls long before the trace does.

    Args:
        samples: n, above the dimension.
        dimension: d, 1 or more.

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("dimension", dimension)
    check_count("samples", samples, dimension + 1)
    halves = (samples - torch.arange(1, dimension + 1, dtype=torch.float64)) / 2
    return tuple((torch.special.digamma(halves) + log(2 / (samples - 1))).tolist())


def half_life(samples: int, bias: float = 1.0) -> float:
    """Generations in which the variance of a typical chain halves, in one dimension: about 0.69 (n - 1) at lambda = 1.

    Raises:
        UserError: an argument is outside its range.
    """
    _check(samples, bias, 1)
    lost = lyapunov_exponents(samples, 1)[0] + (log(bias) if bias > 0 else -inf)
    return -log(2) / lost


def _check(samples: int, bias: float, generation: int) -> None:
    check_count("samples", samples, 2)
    check_share("bias", bias)
    check_count("generation", generation)
