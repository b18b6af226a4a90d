"""A mixture of Gaussians fitted by expectation maximisation: the smallest model that can lose a mode."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from simulacra.generators.contract import Budget, Diverged, Parameters, Pool
from simulacra.generators.exact import Exact, factor, rows_times, table
from simulacra.generators.streams import normals, uniforms
from simulacra.seeds import derive_seed


class MixtureParameters(Parameters):
    """Of the family `gaussian-mixture`."""

    components: int = Field(2, ge=1, description="how many")
    steps: int = Field(200, ge=1, description="of expectation maximisation at most, where no budget is given")
    tolerance: float = Field(1e-6, gt=0, description="gain of the mean log-likelihood at which the fit ends early")
    floor: float = Field(1e-6, ge=0, description="added to every variance, so that no component shrinks to a point")


class GaussianMixture(Exact):
    """Learns from samples of shape (N, D), N of at least the number of components.

    From scratch, centres are drawn as k-means++ does; a warm start continues from the components it has. After every
    step the mixture has the pool's mean, and the pool's (biased) covariance plus the floor, exactly.
    """

    family = "gaussian-mixture"
    summary = "A mixture of normal distributions, fitted by expectation maximisation."
    origin = "Dempster, Laird and Rubin 1977; Arthur and Vassilvitskii 2007; Alemohammad et al. 2024, appendix"
    bias_meaning = "variance of the components"
    Parameters = MixtureParameters
    parameters: MixtureParameters
    names: ClassVar = {"shares": "K", "means": "KD", "covariances": "KDD"}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; fast enough that nothing is kept to resume from."""
        rows, shares = table(pool, self.family, self.parameters.components), pool.shares()
        state = self._state if self.fitted else self._begin(rows, shares, seed)
        last = -torch.inf
        for _ in range(self.parameters.steps if budget is None else budget.steps):
            joint = _log_joint(rows, state)
            likelihood = float(shares @ joint.logsumexp(1))
            if likelihood - last < self.parameters.tolerance:
                break
            last = likelihood
            state = self._maximised(rows, shares, joint.softmax(1))
        return self.with_state(state)

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: components keep their shares, and their covariance is multiplied by lambda."""
        self.check_sampling(count, bias, first)
        ends, means = self._state["shares"].cumsum(0), self._state["means"]
        place = uniforms(count, 1, seed=seed, first=first, purpose=1)[:, 0] * ends[-1]
        chosen = torch.searchsorted(ends, place).clamp(max=len(ends) - 1)
        drawn = normals(count, means.shape[1], seed=seed, first=first)
        scattered = rows_times(drawn, factor(self._state["covariances"])[chosen])
        moved: Tensor = means[chosen] + bias**0.5 * scattered
        return moved

    def _begin(self, rows: Tensor, shares: Tensor, seed: int) -> dict[str, Tensor]:
        count = self.parameters.components
        places = uniforms(count, 1, seed=derive_seed(seed, "mixture-centres"))[:, 0]
        chosen: list[int] = []
        away = torch.ones(len(rows), dtype=torch.float64)
        for place in places:
            ends = (shares * away).cumsum(0)
            if float(ends[-1]) == 0:  # fewer different samples than components
                ends = shares.cumsum(0)
            chosen.append(int(torch.searchsorted(ends, place * ends[-1]).clamp(max=len(rows) - 1)))
            away = (rows[:, None] - rows[chosen]).square().sum(2).amin(1)
        nearest = (rows[:, None] - rows[chosen]).square().sum(2).argmin(1)
        return self._maximised(rows, shares, torch.nn.functional.one_hot(nearest, count).double())

    def _maximised(self, rows: Tensor, shares: Tensor, belonging: Tensor) -> dict[str, Tensor]:
        """The M step: moments of the rows by what share of each belongs to each component (N, K)."""
        weight = belonging * shares[:, None]
        mass = weight.sum(0)
        safe = mass.clamp(min=torch.finfo(torch.float64).tiny)  # a component that holds nothing stays, with share 0
        means = (weight.T @ rows) / safe[:, None]
        centred = rows[None] - means[:, None]  # (K, N, D)
        covariances = (centred * (weight.T / safe[:, None])[..., None]).transpose(1, 2) @ centred
        noise = self.parameters.floor * torch.eye(rows.shape[1], dtype=torch.float64)
        return {"shares": mass / mass.sum(), "means": means, "covariances": covariances + noise}


def _log_joint(rows: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Logarithm of share times density of each component at each row, (N, K), up to one constant."""
    lower, failed = torch.linalg.cholesky_ex(state["covariances"])
    if bool(failed.any()):
        raise Diverged(
            "generator gaussian-mixture diverged: a component has no width in some direction; give a larger floor, "
            "such as floor=1e-6"
        )
    centred = (rows[None] - state["means"][:, None]).transpose(1, 2)  # (K, D, N)
    squared = torch.linalg.solve_triangular(lower, centred, upper=False).square().sum(1)
    volume = lower.diagonal(dim1=1, dim2=2).log().sum(1)
    joint: Tensor = state["shares"].log()[:, None] - volume[:, None] - squared / 2
    return joint.T
