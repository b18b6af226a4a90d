"""A kernel density estimate: the pool itself, blurred."""

from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from simulacra.generators.contract import Budget, Parameters, Pool
from simulacra.generators.exact import Exact, table
from simulacra.generators.streams import normals, uniforms


class KernelParameters(Parameters):
    """Of the family `kernel-density`."""

    bandwidth: float = Field(0.3, gt=0, description="standard deviation of the normal kernel along every axis")


class KernelDensity(Exact):
    """Learns from samples of shape (N, D)."""

    family = "kernel-density"
    summary = "The pool's samples, each blurred by a normal kernel."
    origin = "Kazdan et al. 2024, Collapse or Thrive?; Parzen 1962"
    bias_meaning = "variance of the kernel"
    Parameters = KernelParameters
    parameters: KernelParameters
    names: ClassVar = {"samples": "ND", "ends": "N"}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; nothing is computed, so that seed, budget and start do not matter."""
        return self.with_state({"samples": table(pool, self.family), "ends": pool.shares().cumsum(0)})

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: a kernel of variance lambda bandwidth^2, at 0 the pool's samples again."""
        self.check_sampling(count, bias, first)
        samples, ends = self._state["samples"], self._state["ends"]
        place = uniforms(count, 1, seed=seed, first=first, purpose=1)[:, 0] * ends[-1]
        chosen: Tensor = samples[torch.searchsorted(ends, place).clamp(max=len(ends) - 1)]
        width = bias**0.5 * self.parameters.bandwidth
        blurred: Tensor = chosen + width * normals(count, samples.shape[1], seed=seed, first=first)
        return blurred
