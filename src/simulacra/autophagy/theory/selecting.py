"""What choosing among the synthetic samples does: curation, verification, filters as a sampling bias."""

from collections.abc import Sequence
from math import isclose, pi, sqrt, tanh
from typing import NamedTuple

import torch
from torch import Tensor

from simulacra.autophagy.theory.arguments import check_count, check_positive, check_share
from simulacra.errors import UserError


class Normal(NamedTuple):
    """Mean and variance in one dimension."""

    mean: float
    variance: float


class Mixture(NamedTuple):
    """Normal components in one dimension: what the exact families learn."""

    shares: Tensor  # (K,), sum 1
    means: Tensor  # (K,)
    variances: Tensor  # (K,)

    @classmethod
    def of(cls, *components: tuple[float, float, float]) -> "Mixture":
        """From the share, mean and variance of each."""
        return cls(*torch.tensor(components, dtype=torch.float64).reshape(-1, 3).T)

    def centred(self) -> tuple["Mixture", float]:
        """The same about its mean, and the mean: far from 0, squares would leave no digits to a variance.

        Raises:
            UserError: there is no component, a mean is not finite, a variance not above 0, or the shares are none.
        """
        if not len(self.shares):
            raise UserError("the model has no components; give one or more")
        if float(self.shares.min()) < 0 or not isclose(float(self.shares.sum()), 1, rel_tol=1e-9):
            raise UserError(
                f"the shares of the model are {self.shares.tolist()}; they must be 0 or more and add up to 1"
            )
        if not bool(self.means.isfinite().all()):
            raise UserError(f"the means of the model are {self.means.tolist()}; they must be finite numbers")
        check_positive("the least variance of the model", float(self.variances.min()))
        mean = float(self.shares @ self.means)
        return self._replace(means=self.means - mean), mean


def curated_normal(centre: float, width: float, generation: int) -> Normal:
    """The standard normal after t rounds of curation among infinitely many candidates, reward -(x - c)^2 / (2 w^2).

        p_t ~ p_0 exp(t r):   variance 1 / (1 + t / w^2),   mean (t c / w^2) / (1 + t / w^2)

    Args:
        centre: c, what the curators like best.
        width: w, above 0: how much they forgive.
        generation: t, 0 for the truth.

    Raises:
        UserError: an argument is outside its range.

    Source: the reweighting is that of Ferbach et al. 2024, "Self-Consuming Generative Models with Curated Data
    Provably Optimize Human Preferences".
    """
    check_positive("width", width)
    check_count("generation", generation, 0)
    pull = generation / width**2
    return Normal(pull * centre / (1 + pull), 1 / (1 + pull))


def curated_pair(probabilities: Sequence[float], rewards: Sequence[float]) -> tuple[float, ...]:
    """The categories after one round of curation between two candidates, chosen as softmax of their rewards.

        p'(x) = 2 p(x) sum_y p(y) e^r(x) / (e^r(x) + e^r(y))

    Args:
        probabilities: of the categories, 0 or more, sum 1.
        rewards: one a category.

    Raises:
        UserError: there are not equally many of both.

    Source: Ferbach et al. 2024 with K = 2, the Bradley-Terry model.
    """
    if len(probabilities) != len(rewards):
        raise UserError(f"there are {len(probabilities)} probabilities and {len(rewards)} rewards; give one each")
    pairs = list(zip(probabilities, rewards, strict=True))
    # The logistic function of r - s, which in this form does not overflow.
    return tuple(p * sum(q * (1 + tanh((r - s) / 2)) for q, s in pairs) for p, r in pairs)


def filter_bias(kept: float, dimension: int) -> float:
    """The lambda of a filter that keeps the central share q of a Gaussian by Mahalanobis radius: F_(d+2)(R) / q.

    R is the quantile q of chi-square with d degrees of freedom, F_(d+2) the distribution function with two more.

    Args:
        kept: q, above 0 and at most 1.
        dimension: d, 1 or more.

    Returns:
        tr Cov(kept) / tr Cov(all), in (0, 1]: a cherry-picked 90 % in one dimension is a lambda of 0.62.

    Raises:
        UserError: an argument is outside its range.

    Source: Tallis 1963, "Elliptical and Radial Truncation in Normal Populations".
    """
    check_share("kept", kept, above_zero=True)
    check_count("dimension", dimension)
    if kept == 1:
        return 1.0
    low, high = 0.0, 1.0
    while _chi_square_cdf(high, dimension) < kept:
        high *= 2
    while high - low > 1e-15 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _chi_square_cdf(middle, dimension) < kept else (low, middle)
    return _chi_square_cdf(high, dimension + 2) / kept


def truncated(model: Mixture, low: float, high: float) -> Normal:
    """Mean and variance of a mixture of normal variables that a verifier keeps between two bounds.

    Args:
        model: what is verified.
        low: the lower bound; minus infinity for none.
        high: the upper bound, above `low`; infinity for none.

    Raises:
        UserError: the bounds or the model are not of this kind, or nothing of the model is kept.

    Source: Johnson, Kotz and Balakrishnan 1994, "Continuous Univariate Distributions", volume 1, section 10.1.
    """
    centred, mean = model.centred()
    if not low < high:
        raise UserError(f"low is {low:g} and high {high:g}; low must be below high")
    deviations = centred.variances.sqrt()
    a, b = (low - mean - centred.means) / deviations, (high - mean - centred.means) / deviations
    # In the upper tail the difference is taken on the other side, where it does not cancel.
    above = a > 0
    kept = torch.special.ndtr(torch.where(above, -a, b)) - torch.special.ndtr(torch.where(above, -b, a))
    share = float(centred.shares @ kept)
    if share < 1e-12:
        raise UserError(f"{low:g} to {high:g} holds none of the model; nothing would be kept")
    lower, upper = _normal_density(a), _normal_density(b)
    shift = deviations * (lower - upper)
    ends = (a * lower).nan_to_num(0.0) - (b * upper).nan_to_num(0.0)  # at an infinite bound 0
    means = centred.means * kept + shift
    squares = centred.means * (means + shift) + centred.variances * (kept + ends)
    return _normal(mean, centred.shares @ means / share, centred.shares @ squares / share)


def larger_of_two(model: Mixture) -> Normal:
    """Mean and variance of the larger of two samples of a mixture: curation by a reward that rises without bound.

    For a single normal they are m + s / sqrt(pi) and s^2 (1 - 1 / pi).

    Args:
        model: what the two are drawn from.

    Raises:
        UserError: it is no mixture.

    Source: Clark 1961, "The Greatest of a Finite Set of Random Variables".
    """
    centred, mean = model.centred()
    means, variances = centred.means, centred.variances
    apart = (variances[:, None] + variances).sqrt()
    ahead = (means[:, None] - means) / apart
    first, density = torch.special.ndtr(ahead), apart * _normal_density(ahead)
    second = 1 - first
    squares = means.square() + variances
    larger = means[:, None] * first + means * second + density
    of_squares = squares[:, None] * first + squares * second + (means[:, None] + means) * density
    return _normal(mean, *(centred.shares @ each @ centred.shares for each in (larger, of_squares)))


def moments(model: Mixture) -> Normal:
    """Mean and variance of a mixture.

    Args:
        model: any.

    Raises:
        UserError: it is no mixture.
    """
    centred, mean = model.centred()
    return Normal(mean, float(centred.shares @ (centred.means.square() + centred.variances)))


def verified_wrong_share(wrong: float, keeps_right: float, keeps_wrong: float) -> float:
    """The share of wrong samples among those that a verifier keeps: p psi / (p psi + (1 - p) phi).

    Args:
        wrong: p, the share before.
        keeps_right: phi, the chance that a right sample is kept, above 0.
        keeps_wrong: psi, the chance that a wrong one is.

    Raises:
        UserError: an argument is outside its range.
    """
    check_share("wrong", wrong)
    check_share("keeps_right", keeps_right, above_zero=True)
    check_share("keeps_wrong", keeps_wrong)
    kept = wrong * keeps_wrong + (1 - wrong) * keeps_right
    if kept == 0:
        raise UserError("wrong is 1 and keeps_wrong 0; such a verifier keeps nothing")
    return wrong * keeps_wrong / kept


def largest_wrong_share(keeps_right: float, keeps_wrong: float) -> float:
    """p*: the share of wrong samples up to which a verifier brings ever more samples to the truth: 1 / (1 + psi / phi).

    It is where half of the kept samples are wrong; 1/2 without a filter.

    Args:
        keeps_right: phi, above 0.
        keeps_wrong: psi.

    Raises:
        UserError: an argument is outside its range.

    Source: Feng et al. 2025, "Beyond Model Collapse".
    """
    check_share("keeps_right", keeps_right, above_zero=True)
    check_share("keeps_wrong", keeps_wrong)
    return 1 / (1 + keeps_wrong / keeps_right)


def mismatch_floor(synthetic_share: float, mismatch: float) -> float:
    """The test error that no amount of data removes where a constant share of the labels is off: p^2 c^2.

    Args:
        synthetic_share: p, in [0, 1].
        mismatch: c^2, the squared distance of what the synthetic labels say from the truth, 0 or more.

    Raises:
        UserError: an argument is outside its range.

    Source: Dohmatob, Feng, Subramonian and Kempe 2025, "Strong Model Collapse", for few features a sample.
    """
    check_share("synthetic_share", synthetic_share)
    if mismatch != 0:
        check_positive("mismatch", mismatch)
    return synthetic_share**2 * mismatch


def _chi_square_cdf(x: float, freedom: int) -> float:
    arguments = (torch.tensor(freedom / 2, dtype=torch.float64), torch.tensor(x / 2, dtype=torch.float64))
    return float(torch.special.gammainc(*arguments))


def _normal_density(x: Tensor) -> Tensor:
    return torch.exp(-x.square() / 2) / sqrt(2 * pi)


def _normal(centre: float, mean: Tensor, square: Tensor) -> Normal:
    """From the moments about a centre; rounding leaves no variance below 0."""
    return Normal(centre + float(mean), max(0.0, float(square - mean.square())))
