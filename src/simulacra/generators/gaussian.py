"""A Gaussian fitted by its mean and covariance: the family in which every loop has a closed form."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor

from simulacra.generators.contract import Budget, Parameters, Pool
from simulacra.generators.exact import Estimator, Exact, factor, rows_times, table, weighted_moments
from simulacra.generators.streams import normals


class GaussianParameters(Parameters):
    """Of the family `gaussian`."""

    covariance: Estimator = Field("unbiased", description="divided by n - 1, or by n as the likelihood does (biased)")


class Gaussian(Exact):
    """Learns from samples of shape (N, D), N of 2 or more; fewer samples than features make a singular model."""

    family = "gaussian"
    summary = "A normal distribution with the pool's mean and covariance."
    origin = "Alemohammad et al. 2024, Self-Consuming Generative Models Go MAD; Shumailov et al. 2024"
    bias_meaning = "variance"
    Parameters = GaussianParameters
    parameters: GaussianParameters
    names: ClassVar = {"mean": "D", "covariance": "DD"}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; in closed form, so that seed, budget and start do not matter."""
        rows = table(pool, self.family, 2)
        mean, covariance = weighted_moments(rows, pool.shares(), self.parameters.covariance)
        return self.with_state({"mean": mean, "covariance": covariance})

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: from N(mean, lambda covariance), float64."""
        self.check_sampling(count, bias, first)
        mean: Tensor = self._state["mean"]
        drawn = normals(count, len(mean), seed=seed, first=first)
        scattered: Tensor = bias**0.5 * rows_times(drawn, factor(self._state["covariance"]))
        return mean + scattered
