"""Categories fitted by their frequencies: the smallest model in which rare things die out."""

from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators.contract import Budget, Parameters, Pool
from simulacra.generators.exact import Exact
from simulacra.generators.streams import uniforms


class DiscreteParameters(Parameters):
    """Of the family `discrete`."""

    categories: int = Field(4, ge=2, description="how many there are, seen or not")


class Discrete(Exact):
    """Learns from category numbers, int64 of shape (N,), each in [0, categories)."""

    family = "discrete"
    summary = "Categories with the pool's frequencies."
    origin = "Wright 1931; Shumailov et al. 2024; Seddik et al. 2024"
    bias_meaning = "temperature"
    Parameters = DiscreteParameters
    parameters: DiscreteParameters
    names: ClassVar = {"probabilities": "K"}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; in closed form, so that seed, budget and start do not matter.

        Raises:
            UserError: the samples are no category numbers.
        """
        samples, known = pool.samples, self.parameters.categories
        if samples.ndim != 1 or samples.dtype != torch.int64 or int(samples.min()) < 0 or int(samples.max()) >= known:
            raise UserError(
                f"generator discrete learns from int64 numbers of shape (samples,), each in 0 to {known - 1}; "
                "give such numbers, or more categories"
            )
        return self.with_state({"probabilities": torch.bincount(samples, weights=pool.shares(), minlength=known)})

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: from p^(1 / lambda), normalised, which at 0 is the most frequent category."""
        self.check_sampling(count, bias, first)
        ends = tempered(self._state["probabilities"], bias).cumsum(0)
        drawn = uniforms(count, 1, seed=seed, first=first)[:, 0] * ends[-1]
        # From the left, so that a category of probability 0 is never drawn.
        return torch.searchsorted(ends, drawn).clamp(max=len(ends) - 1)


def tempered(probabilities: Tensor, bias: float) -> Tensor:
    """Probabilities at temperature lambda: p^(1 / lambda), normalised; at 0 all on the largest, ties shared."""
    if bias == 0:
        largest = (probabilities == probabilities.max()).double()
        return largest / largest.sum()
    raised = (probabilities / probabilities.max()) ** (1 / bias)
    return raised / raised.sum()
