"""The exact expectation of every linear policy, generation by generation, from one recurrence of second moments.

A fit takes means, and means are linear. So the expected squared error of a model's mean and its expected variance
follow from the second moments of what the pool is made of: E x^2 of a single sample, and E x y of two different samples
of the same group or of two groups. A group is a set of samples that are exchangeable: the real ones of generation 1,
fresh ones, the samples of one model drawn for one generation. Nothing has to be normal, and nothing is expanded.

The closed forms in `simulacra.autophagy.theory` are the cases that a person can solve; this covers the rest: weights,
memory, growth, subsampling, correction, in any combination, at any number of samples. Curation and verification choose
by value and are not linear.
"""

from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulacra.autophagy.policy import Policy
from simulacra.autophagy.theory.arguments import Estimator
from simulacra.autophagy.theory.mixing import Expected
from simulacra.errors import UserError


class _Group(NamedTuple):
    """Exchangeable samples: a row of the table of second moments, how many there are, and E x^2 of one."""

    row: int
    size: int
    square: float


class _Model(NamedTuple):
    """The mean of a model as a row, and its expected variance."""

    row: int
    variance: float


@dataclass
class _Table:
    """E x y for samples of groups and means of models, each a row; on the diagonal, of two different samples."""

    moments: NDArray[np.float64]

    def add(self, column: NDArray[np.float64], own: float) -> int:
        """Another row; returns its place."""
        size = len(self.moments)
        grown = np.empty((size + 1, size + 1))
        grown[:size, :size] = self.moments
        grown[size, :size] = grown[:size, size] = column
        grown[size, size] = own
        self.moments = grown
        return size

    def keep(self, rows: list[int]) -> None:
        """Forget all rows but these, which become 0, 1, 2, ..."""
        self.moments = self.moments[np.ix_(rows, rows)]


def expected(
    policy: Policy, generations: int, *, estimator: Estimator = "unbiased", added: float = 0.0
) -> tuple[Expected, ...]:
    """The expected error of the mean and the expected variance of each generation, as multiples of the real variance.

    Args:
        policy: any that does not select by value.
        generations: how many, 1 or more.
        estimator: of the variance.
        added: what each model adds to the variance of its samples, over the real variance: a kernel's bandwidth
            squared. It is not multiplied by the sampling bias, and not part of the variance given.

    Returns:
        One a generation, from the first.

    Raises:
        UserError: the policy selects by value, or does not allow so many generations.
    """
    policy.check(generations)
    if policy.best_of > 1 or policy.verified:
        raise UserError("curation and verification choose samples by value; their expectation follows from no moments")
    table = _Table(np.zeros((0, 0)))
    first: list[_Group] = []  # what later generations use again of generation 1
    kept: list[_Group] = []
    models: list[_Model] = []  # the last one first
    path: list[Expected] = []
    for number in range(1, generations + 1):
        counts = policy.counts(number)
        if number == 1:
            reals = [_real(table, part) for part in (policy.fixed, policy.initial - policy.fixed) if part]
            first = reals[:1] if policy.fixed else []
        else:
            reals = [*first, _real(table, counts.fresh)] if counts.fresh else first
        parts = policy.per_model(number) if number > 1 else ()
        drawn = [_drawn(table, models[back], size, policy, added) for back, size in enumerate(parts) if size]
        mean, variance, own = _fit(policy, table, [*reals, *kept, *drawn], len(reals), estimator)
        models = [_Model(table.add(mean, own), variance), *models][: policy.memory]
        path.append(Expected(own, variance))
        if policy.keep:
            kept += drawn
        table.keep([each.row for each in (*first, *kept)] + [each.row for each in models])
        rows = count()
        first = [each._replace(row=next(rows)) for each in first]
        kept = [each._replace(row=next(rows)) for each in kept]
        models = [each._replace(row=next(rows)) for each in models]
    return tuple(path)


def _real(table: _Table, size: int) -> _Group:
    return _Group(table.add(np.zeros(len(table.moments)), 0.0), size, 1.0)


def _drawn(table: _Table, model: _Model, size: int, policy: Policy, added: float) -> _Group:
    """Samples of a model: mean plus independent noise, a share of them replaced by real ones."""
    own = table.moments[model.row, model.row]
    share = 1 / (1 + policy.correction)
    square = share * (own + policy.bias * model.variance + added) + (1 - share)
    return _Group(table.add(share * table.moments[model.row], share**2 * own), size, float(square))


def _fit(
    policy: Policy, table: _Table, groups: list[_Group], reals: int, estimator: Estimator
) -> tuple[NDArray[np.float64], float, float]:
    """A model's mean against all rows, the expected variance, and the expected square of the mean."""
    total = sum(group.size for group in groups)
    rows = [group.row for group in groups]
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    squares = np.array([group.square for group in groups])
    weights = sizes / total  # of whole groups
    if policy.real_weight is not None and reals < len(groups):
        for part, share in ((slice(reals), policy.real_weight), (slice(reals, None), 1 - policy.real_weight)):
            weights[part] = share * sizes[part] / sizes[part].sum()
    among = table.moments[np.ix_(rows, rows)]
    diagonal = np.diagonal(among)
    # of the mean of a whole group with itself: 1/c of its pairs are a sample with itself
    together = among + np.diag((squares - diagonal) / sizes)
    against: NDArray[np.float64] = weights @ table.moments[rows]
    against[rows] = weights @ together
    second = float(weights @ squares)
    if policy.subsample is not None and policy.subsample < total:
        # Any two samples of the draw are any two of the pool.
        size = policy.subsample
        pairs = float(weights @ together @ weights * total - second) / (total - 1)
        own, concentration = second / size + (1 - 1 / size) * pairs, 1 / size
    else:
        own, concentration = float(weights @ together @ weights), float((weights**2 / sizes).sum())
    variance = second - own
    return against, float(variance / (1 - concentration) if estimator == "unbiased" else variance), float(own)
