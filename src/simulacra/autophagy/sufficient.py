"""Gaussian loops by sufficient statistics: a generation costs the same for a hundred samples as for a million.

A Gaussian is fitted by the mean and scatter of its pool, and those of n normal samples can be drawn directly: the mean
is normal with covariance Sigma / n, the scatter is A T T^T A^T with Sigma = A A^T and T the lower triangle of Bartlett,
whose diagonal holds roots of chi-squares with n - 1, n - 2, ... degrees of freedom and whose other entries are standard
normal. Groups of the pool are merged exactly. The result has the distribution of a loop that draws every sample.

With fewer degrees of freedom than dimensions the triangle ends after as many columns.

Source: Bartlett 1933; Muirhead 1982, "Aspects of Multivariate Statistical Theory", section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from simulacra.autophagy.policy import Policy
from simulacra.autophagy.theory.arguments import Estimator, check_count, check_spectrum
from simulacra.errors import UserError
from simulacra.generators.exact import factor
from simulacra.seeds import derive_seed
from simulacra.workers import Workers


@dataclass(frozen=True)
class Cell:
    """One loop of a map: a policy, run so far."""

    policy: Policy
    generations: int


@dataclass(frozen=True)
class Path:
    """What became of a cell, replicate by replicate."""

    mean_error: Tensor  # (replicates, generations watched): |mu - mu_0|^2
    trace: Tensor  # of the covariance
    wasserstein: Tensor  # squared Wasserstein distance from the truth


def gaussian_map(
    cells: Sequence[Cell],
    *,
    spectrum: Sequence[float],
    replicates: int,
    seed: int,
    watched: int = 1,
    estimator: Estimator = "unbiased",
) -> tuple[Path, ...]:
    """Run Gaussian loops, vectorised over replicates and spread over the cores by cell.

    Args:
        cells: the loops; a cell's numbers do not depend on the other cells.
        spectrum: eigenvalues of the real covariance, d of them; the truth has mean 0 and the coordinates as axes.
        replicates: seeds a cell, 1 or more.
        seed: of all draws.
        watched: generations at the end of each loop that are measured; the distances cost more than the loop.
        estimator: of the covariance.

    Returns:
        A path a cell, in order.

    Raises:
        UserError: a policy selects, corrects or subsamples: what single samples do has no sufficient statistic here.
    """
    check_spectrum(spectrum)
    check_count("replicates", replicates)
    check_count("watched", watched)
    for cell in cells:
        cell.policy.check(cell.generations)
        _check(cell.policy)
    values = torch.tensor(spectrum, dtype=torch.float64)

    def path(cell: Cell) -> Path:
        return _Loop(cell.policy, values, replicates, seed, estimator).run(cell.generations, watched)

    with Workers() as workers:
        return tuple(workers.run(partial(path, cell) for cell in cells))


class _Statistics(NamedTuple):
    """Of a group of samples in each replicate."""

    size: int
    mean: Tensor  # (B, d)
    scatter: Tensor  # (B, d, d), about the group's own mean


class _Model(NamedTuple):
    mean: Tensor  # (B, d)
    covariance: Tensor  # (B, d, d)


class _Loop:
    def __init__(self, policy: Policy, spectrum: Tensor, replicates: int, seed: int, estimator: Estimator) -> None:
        self.policy, self.spectrum, self.estimator = policy, spectrum, estimator
        self.streams = [
            np.random.default_rng(derive_seed(seed, "sufficient-statistics", index)) for index in range(replicates)
        ]
        dimension = len(spectrum)
        self.below = torch.tril_indices(dimension, dimension, -1)
        self.origin = torch.zeros(replicates, dimension, dtype=torch.float64)

    def run(self, generations: int, watched: int) -> Path:
        policy, models, rows = self.policy, list[_Model](), list[Tensor]()
        first: list[_Statistics] = []
        kept: list[_Statistics] = []
        for number in range(1, generations + 1):
            counts = policy.counts(number)
            if number == 1:
                reals = [self._real(size) for size in (policy.fixed, policy.initial - policy.fixed) if size]
                first = reals[:1] if policy.fixed else []
            else:
                reals = [*first, self._real(counts.fresh)] if counts.fresh else first
            parts = policy.per_model(number) if number > 1 else ()
            drawn = [self._of(models[back], size) for back, size in enumerate(parts) if size]
            models = [self._fit(reals, [*kept, *drawn]), *models][: policy.memory]
            if policy.keep and drawn:
                kept = [_merged([*kept, *drawn])]
            if number > generations - watched:
                rows.append(self._measured(models[0]))
        mean_error, trace, wasserstein = torch.stack(rows, dim=-1)
        return Path(mean_error, trace, wasserstein)

    def _real(self, size: int) -> _Statistics:
        return self._drawn(self.origin, self.spectrum.sqrt().diag(), size)

    def _of(self, model: _Model, size: int) -> _Statistics:
        return self._drawn(model.mean, self.policy.bias**0.5 * factor(model.covariance), size)

    def _drawn(self, centre: Tensor, root: Tensor, size: int) -> _Statistics:
        replicates, dimension = centre.shape
        count = self.below.shape[1]
        normal = np.empty((replicates, dimension + count))
        for stream, row in zip(self.streams, normal, strict=True):
            stream.standard_normal(out=row)
        freedom = np.maximum(size - 1 - np.arange(dimension), 0)
        chi = np.sqrt([2 * stream.standard_gamma(freedom / 2) for stream in self.streams])
        noise = torch.from_numpy(normal)
        triangle = torch.zeros(replicates, dimension, dimension, dtype=torch.float64)
        triangle[:, self.below[0], self.below[1]] = noise[:, dimension:]
        triangle.diagonal(dim1=1, dim2=2).copy_(torch.from_numpy(chi))
        if size - 1 < dimension:
            triangle[:, :, size - 1 :] = 0
        mean = centre + (root @ noise[:, :dimension, None])[..., 0] / size**0.5
        spread = root @ triangle
        return _Statistics(size, mean, spread @ spread.transpose(1, 2))

    def _fit(self, reals: list[_Statistics], made: list[_Statistics]) -> _Model:
        groups = [*reals, *made]
        total = sum(group.size for group in groups)
        weights = [group.size / total for group in groups]
        if self.policy.real_weight is not None and reals and made:
            shares = (self.policy.real_weight, 1 - self.policy.real_weight)
            weights = [
                share * group.size / sum(each.size for each in part)
                for part, share in zip((reals, made), shares, strict=True)
                for group in part
            ]
        mean = torch.zeros_like(self.origin)
        for weight, group in zip(weights, groups, strict=True):
            mean += weight * group.mean
        covariance = torch.zeros_like(groups[0].scatter)
        for weight, group in zip(weights, groups, strict=True):
            covariance.add_(group.scatter, alpha=weight / group.size)
            _add_outer(covariance, group.mean - mean, weight)
        if self.estimator == "unbiased":
            covariance /= 1 - sum(weight**2 / group.size for weight, group in zip(weights, groups, strict=True))
        return _Model(mean, covariance)

    def _measured(self, model: _Model) -> Tensor:
        root = self.spectrum.sqrt()
        values = torch.linalg.eigvalsh(root[:, None] * model.covariance * root)
        fidelity = values.clamp(min=0).sqrt().sum(1)
        error = model.mean.square().sum(1)
        trace = model.covariance.diagonal(dim1=1, dim2=2).sum(1)
        return torch.stack([error, trace, error + trace + self.spectrum.sum() - 2 * fidelity])


def _merged(groups: Sequence[_Statistics]) -> _Statistics:
    """The statistics of groups taken as one."""
    size = sum(group.size for group in groups)
    mean = sum((group.size / size * group.mean for group in groups), torch.zeros_like(groups[0].mean))
    scatter = torch.zeros_like(groups[0].scatter)
    for group in groups:
        scatter += group.scatter
        _add_outer(scatter, group.mean - mean, group.size)
    return _Statistics(size, mean, scatter)


def _add_outer(matrices: Tensor, vectors: Tensor, weight: float) -> None:
    matrices.baddbmm_(vectors[:, :, None], vectors[:, None, :], alpha=weight)


def _check(policy: Policy) -> None:
    reasons = {
        "best-of": policy.best_of > 1,
        "verified": policy.verified,
        "correction": policy.correction > 0,
        "subsample": policy.subsample is not None,
    }
    for name, given in reasons.items():
        if given:
            raise UserError(
                f"{name} acts on single samples, and this engine draws only their mean and covariance; "
                "run the loop with its samples instead"
            )
