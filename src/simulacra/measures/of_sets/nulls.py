"""What the measures say of two sets drawn from one distribution: closed forms where they exist, permutations elsewhere.

Coverage, density and the kernel distance have exact means that depend on the counts only. The Fréchet distance's is
`frechet.expected_frechet`. Precision and recall have none: theirs falls with the dimension of the distribution, so two
good sets give 0.73 in 64 dimensions and 0.45 in 2,048. Their null is drawn: deal the pooled pictures out again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log1p

import numpy as np
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.contract import checked
from simulacra.seeds import derive_seed

EXPECTED_DENSITY = 1.0
"""Mean density: a generated picture is one of N pictures around each real one, and is among its k nearest k/N times."""


@dataclass(frozen=True)
class Null:
    """The values of one measure over random divisions of the pooled pictures."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The expected value when both sets are of one distribution."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """Standard deviation of one value about that mean."""
        return float(np.std(self.values, ddof=1))

    def share_as_low(self, observed: float) -> float:
        """P-value against low values: exact, and never 0, because the observed division counts as one more."""
        return (1 + sum(value <= observed for value in self.values)) / (1 + len(self.values))

    def share_as_high(self, observed: float) -> float:
        """P-value against high values."""
        return (1 + sum(value >= observed for value in self.values)) / (1 + len(self.values))


def expected_coverage(*, real: int, generated: int, neighbours: int) -> float:
    """Mean coverage when the generated pictures follow the real distribution exactly.

    A real picture is covered unless its k nearest of the other N - 1 + M pictures are all real; with equal continuous
    distributions their ranks are exchangeable. Where pictures repeat, closed balls cover more.

    Args:
        real: N, above `neighbours`.
        generated: M, 1 or more.
        neighbours: k, 1 or more.

    Returns:
        The mean, in (0, 1); near `1 - 2**-k` for many pictures and N = M.

    Raises:
        UserError: a count is outside its range.

    Source: Naeem et al. 2020, lemma 2.
    """
    if neighbours < 1:
        raise UserError(f"neighbours is {neighbours}; it must be 1 or more")
    if generated < 1:
        raise UserError(f"generated is {generated}; it must be 1 or more")
    if real <= neighbours:
        raise UserError(f"real is {real}; it must be above neighbours, which is {neighbours}")
    # logarithms, because the product underflows for many neighbours
    return 1 - exp(sum(log1p(-generated / (real - index + generated)) for index in range(1, neighbours + 1)))


def permutation_null(
    statistic: Callable[[Tensor, Tensor], Mapping[str, float]],
    *,
    real: Tensor,
    generated: Tensor,
    permutations: int,
    seed: int,
) -> dict[str, Null]:
    """The values that a measure takes when the pooled pictures are dealt out again at random to sets of the same sizes.

    Under equal distributions every division is as likely as the observed one, so the p-values are exact at any count,
    with any features and any ties.

    Args:
        statistic: from (real, generated) features to named values.
        real: shape (N, D), float32 or float64.
        generated: shape (M, D), float32 or float64.
        permutations: divisions drawn, 2 or more; the smallest p-value is 1 / (1 + permutations).
        seed: of the divisions.

    Raises:
        UserError: fewer than two permutations, or the features cannot be compared.
    """
    if permutations < 2:
        raise UserError(f"permutations is {permutations}; it must be 2 or more")
    checked(real=real, generated=generated)
    pool = torch.cat([real, generated.to(real.dtype)])
    values: dict[str, list[float]] = {}
    for index in range(permutations):
        generator = torch.Generator().manual_seed(derive_seed(seed, "permutation-null", index))
        order = torch.randperm(len(pool), generator=generator)
        for name, value in statistic(pool[order[: len(real)]], pool[order[len(real) :]]).items():
            values.setdefault(name, []).append(value)
    return {name: Null(tuple(each)) for name, each in values.items()}
