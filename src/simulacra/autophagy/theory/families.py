"""Loops of families other than the Gaussian that have closed forms: regression, categories, kernels, smoothing."""

from math import exp, pi, sqrt

from simulacra.autophagy.theory.arguments import check_count, check_positive, check_share


def regression_replaced(rows: int, features: int, generation: int, noise_variance: float = 1.0) -> float:
    """E |w_t - w|^2 of least squares where each generation fits labels of the one before: sigma^2 d t / (T - d - 1).

    Inputs are isotropic Gaussian rows, of variance 1, the same in every generation or fresh; the labels have noise of
    the true variance.

    Args:
        rows: T, in each generation, above `features` + 1.
        features: d, 1 or more.
        generation: t, 1 for the fit to real labels.
        noise_variance: sigma^2, above 0.

    Raises:
        UserError: an argument is outside its range.

    Source: Gerstgrasser et al. 2024, "Is Model Collapse Inevitable?"
    """
    return _regression_once(rows, features, noise_variance, generation) * generation


def regression_accumulated(rows: int, features: int, generation: int, noise_variance: float = 1.0) -> float:
    """The same where all labels are kept, and every generation relabels the same inputs.

        sigma^2 d / (T - d - 1) sum_(i=1..t) 1/i^2,   at most pi^2 / 6 times the error of one fit

    Args:
        rows: T, added in each generation, above `features` + 1.
        features: d.
        generation: t.
        noise_variance: sigma^2.

    Raises:
        UserError: an argument is outside its range.

    Source: Gerstgrasser et al. 2024; an equality for inputs used again, and fresh inputs do a little better.
    """
    once = _regression_once(rows, features, noise_variance, generation)
    return once * sum(1 / index**2 for index in range(1, generation + 1))


def categories_diversity(diversity: float, samples: int, generation: int) -> float:
    """E [1 - sum p_t^2] where every generation is n draws of the last one's frequencies: (1 - 1/n)^t of the real one.

    Args:
        diversity: 1 - sum p^2 of the truth, in [0, 1].
        samples: n, 1 or more.
        generation: t, 1 for the frequencies of n real draws.

    Raises:
        UserError: an argument is outside its range.

    Sources: Wright 1931; Seddik et al. 2024, arXiv 2404.05090.
    """
    check_share("diversity", diversity)
    check_count("samples", samples)
    check_count("generation", generation)
    return float(diversity * (1 - 1 / samples) ** generation)


def category_lost(probability: float, samples: int) -> float:
    """The chance that a category does not occur in n draws and so is lost for ever: (1 - q)^n.

    Raises:
        UserError: an argument is outside its range.

    Source: Shumailov et al. 2024, who call it the loss of the tails.
    """
    check_share("probability", probability)
    check_count("samples", samples)
    return float((1 - probability) ** samples)


def category_fixed(probability: float) -> float:
    """The chance that a category is in the end the only one left: its real frequency p.

    The frequency of a category is a martingale, and all loops of resampling end with one category.

    Raises:
        UserError: it is outside [0, 1].

    Source: Wright 1931.
    """
    check_share("probability", probability)
    return probability


def kernel_variance(samples: int, bandwidth: float, generation: int, variance: float = 1.0) -> float:
    """E of the biased variance of the data that a kernel density estimate is made of, where each draws the next.

        V_t = e V_(t-1) + e h^2,   e = 1 - 1/n;   V_0 = e times the real variance

    It grows towards (n - 1) h^2: the kernels blur more than resampling loses.

    Args:
        samples: n, 1 or more.
        bandwidth: h, the standard deviation of the kernel, above 0.
        generation: t, 0 for the real data.
        variance: the real variance, above 0.

    Raises:
        UserError: an argument is outside its range.
    """
    check_count("samples", samples)
    check_positive("bandwidth", bandwidth)
    check_count("generation", generation, 0)
    check_positive("variance", variance)
    e = 1 - 1 / samples
    return e ** (generation + 1) * variance + bandwidth**2 * sum(e**power for power in range(1, generation + 1))


def smoothed_variance(variance: float, smoothing: float, fresh_share: float, generation: int) -> float:
    """The variance of an ideal diffusion model that stops early in each generation, with infinitely many samples.

        V_t = V_0 + s^2 [1 - (1 - a)^t] / a,   towards V_0 + s^2 / a

    Each model is its training distribution convolved with a Gaussian of variance s^2 (variance-exploding noise that is
    not quite removed); a share a of the data is fresh. Without fresh data it grows by s^2 for ever.

    Args:
        variance: V_0, of the truth, above 0.
        smoothing: s, the noise that is left, above 0.
        fresh_share: a, in [0, 1].
        generation: t, 1 for the model of real data.

    Raises:
        UserError: an argument is outside its range.

    Source: Khelifa, Turner and Venkataramanan 2026, arXiv 2606.13796.
    """
    check_positive("variance", variance)
    check_positive("smoothing", smoothing)
    check_share("fresh_share", fresh_share)
    check_count("generation", generation)
    return variance + smoothing**2 * sum((1 - fresh_share) ** power for power in range(generation))


def smoothing_shares(fresh_share: float, generation: int) -> tuple[float, ...]:
    """The shares of such a model's density that were smoothed once, twice, ... t times.

        p_t = sum_(m<t) a (1 - a)^(m-1) p * N(0, m s^2)  +  (1 - a)^(t-1) p * N(0, t s^2)

    Args:
        fresh_share: a, in [0, 1].
        generation: t, 1 for the model of real data.

    Returns:
        t shares, sum 1, for the truth p convolved with N(0, s^2), N(0, 2 s^2), ... N(0, t s^2). For large t they are
        a (1 - a)^(m-1), a geometric distribution with mean 1 / a.

    Raises:
        UserError: an argument is outside its range.

    Source: as `smoothed_variance`.
    """
    check_share("fresh_share", fresh_share)
    check_count("generation", generation)
    stale = 1 - fresh_share
    return (*(fresh_share * stale**before for before in range(generation - 1)), stale ** (generation - 1))


def smoothed_density(x: float, variance: float, smoothing: float, fresh_share: float, generation: int) -> float:
    """The density of such a model at x, for a normal truth of mean 0: a mixture by `smoothing_shares`.

    Args:
        x: where.
        variance: V_0, of the truth, above 0.
        smoothing: s, above 0.
        fresh_share: a, in [0, 1].
        generation: t, 1 for the model of real data.

    Raises:
        UserError: an argument is outside its range.
    """
    check_positive("variance", variance)
    check_positive("smoothing", smoothing)
    shares = smoothing_shares(fresh_share, generation)
    variances = (variance + times * smoothing**2 for times in range(1, generation + 1))
    return sum(
        share * exp(-x * x / (2 * each)) / sqrt(2 * pi * each) for share, each in zip(shares, variances, strict=True)
    )


def _regression_once(rows: int, features: int, noise_variance: float, generation: int) -> float:
    check_count("features", features)
    check_count("rows", rows, features + 2)  # with fewer, the expectation is infinite
    check_count("generation", generation)
    check_positive("noise_variance", noise_variance)
    return noise_variance * features / (rows - features - 1)
