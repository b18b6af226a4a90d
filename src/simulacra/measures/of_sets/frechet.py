"""Fréchet distance between gaussians fitted to the features of two sets, its infinite-sample limit, its floor.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

The trace of the root is the sum of the roots of the eigenvalues of S1 S2, which are those of the symmetric L^T S2 L
with S1 = L L^T. It is also the sum of the singular values of F1 F2^T for any factors with S = F^T F. The first form is
the faster; the second loses nothing where a covariance is singular or nearly so, and with fewer pictures than features
its factors are the pictures themselves. No matrix square root is formed.

Sources: Dowson and Landau 1982; Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
Nash Equilibrium"; Chong and Forsyth 2020, "Effectively Unbiased FID and Inception Score and where to find them".
"""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better, Undefined, Value
from simulacra.measures.of_sets.contract import ROWS, SetMeasure, checked, checked_set, total
from simulacra.seeds import derive_seed

MEASURE = SetMeasure(
    "frechet",
    Better.LOWER,
    "Squared Fréchet distance between gaussians with the means and unbiased covariances of the features.",
    "Dowson and Landau 1982; Heusel et al. 2017",
)

INFINITE = SetMeasure(
    "frechet_infinity",
    Better.LOWER,
    "Squared Fréchet distance extrapolated to infinitely many generated pictures by a line in 1/M through subsets.",
    "Chong and Forsyth 2020",
)

_PANEL = 128
"""Columns multiplied at once where a triangle's zeros are left out."""

_LOST = 1e-9
"""Share of the traces that rounding may take before the slower form is used."""


@dataclass(frozen=True)
class Moments:
    """What the distance needs of one set: its mean, and its covariance as a matrix or as a factor of low rank."""

    mean: Tensor  # (D,), float64
    covariance: Tensor | None  # (D, D), float64; None where `factor` says the same with fewer numbers
    factor: Tensor | None  # (R, D), float64, R at most D: covariance = factor^T factor

    @property
    def trace(self) -> float:
        """Of the covariance."""
        if self.factor is not None:
            return float(self.factor.square().sum())
        return float(self.matrix.trace())

    @property
    def matrix(self) -> Tensor:
        """The covariance, (D, D)."""
        if self.covariance is not None:
            return self.covariance
        factor = self.any_factor()
        return factor.T @ factor

    def any_factor(self) -> Tensor:
        """Some F, (R, D), with F^T F the covariance; directions without variance drop out."""
        if self.factor is not None:
            return self.factor
        values, vectors = torch.linalg.eigh(self.matrix)
        noise = float(values[-1].clamp(min=0)) * len(values) * torch.finfo(torch.float64).eps
        kept = values > noise
        factor: Tensor = values[kept].sqrt()[:, None] * vectors[:, kept].T
        return factor


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance.

    Args:
        features: shape (N, D), float32 or float64, N at least 2.

    Raises:
        UserError: there are fewer than two pictures, or the features are not of this form.
    """
    checked_set(features, "given")
    count, length = features.shape
    mean = total(features) / count
    if count <= length:
        return Moments(mean, None, (features.double() - mean) / sqrt(count - 1))
    covariance = torch.zeros(length, length, dtype=torch.float64)
    for rows in torch.split(features, ROWS):
        centred = rows.double() - mean
        covariance.addmm_(centred.T, centred)
    return Moments(mean, covariance / (count - 1), None)


def given_moments(mean: Tensor, covariance: Tensor) -> Moments:
    """Published statistics as moments.

    Args:
        mean: shape (D,).
        covariance: shape (D, D), symmetric.

    Raises:
        UserError: the shapes do not match, a number is not finite, the covariance is not symmetric.
    """
    mean, covariance = mean.double(), covariance.double()
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        shapes = f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise UserError(f"the mean and covariance have the shapes {shapes}; they must be (D,) and (D, D)")
    if not (torch.isfinite(mean).all() and torch.isfinite(covariance).all()):
        raise UserError("the mean or covariance holds numbers that are not finite; take the statistics again")
    if not torch.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-8 * float(covariance.diagonal().abs().max())):
        raise UserError("the covariance is not symmetric; take the statistics again")
    return Moments(mean, (covariance + covariance.T) / 2, None)


def frechet_distance(*, real: Tensor, generated: Tensor) -> float:
    """Squared Fréchet distance of two sets of features; the sides may be swapped.

    The covariances are unbiased; the distance is not: it is expected to be about `expected_frechet` too large, the more
    the fewer the pictures.

    Args:
        real: shape (N, D), float32 or float64, N at least 2.
        generated: shape (M, D), float32 or float64, M at least 2.

    Returns:
        0 or more, in squared units of the features.

    Raises:
        UserError: the features cannot be compared.
    """
    checked(real=real, generated=generated)
    return frechet_from_moments(moments(real), moments(generated))


def frechet_from_moments(one: Moments, other: Moments) -> float:
    """Squared Fréchet distance from means and covariances.

    Raises:
        UserError: the moments are of features of different dimensions.
    """
    if one.mean.shape != other.mean.shape:
        raise UserError(
            f"one mean has {len(one.mean)} numbers and the other {len(other.mean)}; extract both with the same features"
        )
    apart = float((one.mean - other.mean).square().sum())
    return max(0.0, apart + one.trace + other.trace - 2 * _trace_of_root(one, other))


@dataclass(frozen=True)
class Line:
    """A distance as a function of the number of generated pictures: `limit + slope / count`."""

    limit: float
    slope: float
    counts: tuple[int, ...]
    distances: tuple[float, ...]


def frechet_infinity(
    *, real: Tensor, generated: Tensor, seed: int, points: int = 15, smallest: int | None = None
) -> Line:
    """The Fréchet distance of infinitely many generated pictures, by a line in 1/M through random subsets of them.

    The real set stays whole, as published; its own bias remains.

    Args:
        real: shape (N, D), float32 or float64.
        generated: shape (M, D), float32 or float64.
        seed: of the subsets.
        points: subset sizes, from `smallest` to M, evenly spaced; 2 or more.
        smallest: pictures of the smallest subset; None means a tenth of M, but more than D. The published 5,000 are for
            M = 50,000 and D = 2,048.

    Raises:
        UserError: the set is too small for such subsets, or the features cannot be compared.

    Source: Chong and Forsyth 2020, section 4.
    """
    checked(real=real, generated=generated)
    largest = len(generated)
    first = max(largest // 10, real.shape[1] + 1) if smallest is None else smallest
    if points < 2 or not 2 <= first < largest:
        raise UserError(
            f"a line through {points} subsets of {first} to {largest} generated pictures cannot be drawn; it needs 2 "
            "subsets or more, the smallest of at least 2 pictures and fewer than all"
        )
    fixed = moments(real)
    counts = torch.linspace(first, largest, points, dtype=torch.float64).round().long().tolist()
    distances = []
    for index, count in enumerate(counts):
        generator = torch.Generator().manual_seed(derive_seed(seed, "frechet-infinity", index))
        drawn = generated[torch.randperm(largest, generator=generator)[:count]]
        distances.append(frechet_from_moments(fixed, moments(drawn)))
    inverse = 1 / torch.tensor(counts, dtype=torch.float64)
    design = torch.stack([torch.ones_like(inverse), inverse], dim=1)
    line = torch.linalg.lstsq(design, torch.tensor(distances, dtype=torch.float64)[:, None]).solution
    return Line(float(line[0]), float(line[1]), tuple(counts), tuple(distances))


def expected_frechet(one: Moments, *, real: int, generated: int) -> Value:
    """The mean of the Fréchet distance when both sets are drawn from one gaussian: the floor under every value.

        (tr S + F) (1/N + 1/M),   F = 1/2 sum_ij s_i s_j (1 + [i = j]) / (s_i + s_j),   s the eigenvalues of S

    Args:
        one: moments of the distribution, or of a large sample of it.
        real: N, pictures on one side.
        generated: M, pictures on the other side.

    Returns:
        The floor to first order in 1/N and 1/M; undefined where a set has no more pictures than features, for
        which first order means nothing.
    """
    length = len(one.mean)
    if min(real, generated) <= length:
        return Undefined(f"the floor is known for more pictures than features, and there are {length} features")
    values = torch.linalg.eigvalsh(one.matrix).clamp(min=0)
    values = values[values > 0]
    spread = (values[:, None] * values / (values[:, None] + values)).sum() / 2 + values.sum() / 4
    return float((values.sum() + spread) * (1 / real + 1 / generated))


def _trace_of_root(one: Moments, other: Moments) -> float:
    if one.factor is None and other.factor is None:
        lower, failed = torch.linalg.cholesky_ex(one.matrix)
        if not int(failed):
            values = torch.linalg.eigvalsh(_between_triangles(lower, other.matrix))
            lost = _lost(values)
            if lost < _LOST * (one.trace + other.trace):
                return float(values.clamp(min=0).sqrt().sum())
    return float(torch.linalg.svdvals(one.any_factor() @ other.any_factor().T).sum())


def _lost(values: Tensor) -> float:
    """What rounding takes from the sum of the roots: each eigenvalue is known to about eps times the largest one."""
    error = float(values[-1]) * torch.finfo(torch.float64).eps * sqrt(len(values))
    return float((error / 2 / values.clamp(min=error).sqrt()).norm())


def _between_triangles(lower: Tensor, middle: Tensor) -> Tensor:
    """The lower triangle of L^T A L for a lower triangular L, a third of the work by leaving zeros out."""
    length = len(lower)
    starts = range(0, length, _PANEL)
    half = torch.empty_like(middle)
    for start in starts:
        panel = slice(start, start + _PANEL)
        half[:, panel] = middle[:, start:] @ lower[start:, panel]  # A L
    result = torch.zeros_like(middle)
    for start in starts:
        panel = slice(start, start + _PANEL)
        result[panel, : start + _PANEL] = lower[start:, panel].T @ half[start:, : start + _PANEL]
    return result
