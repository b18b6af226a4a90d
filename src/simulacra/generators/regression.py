"""Labels fitted by least squares: the loop in which a model relabels inputs for the next."""

from pathlib import Path
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators.contract import Budget, Parameters, Pool
from simulacra.generators.exact import Exact, rows_times, table
from simulacra.generators.streams import normals


class RegressionParameters(Parameters):
    """Of the family `linear-regression`."""

    noise: float = Field(1.0, gt=0, description="standard deviation of the labels about the line, known to the model")
    inputs: Literal["same", "fresh"] = Field(
        "same", description="of new samples: those it learnt from first, again, or fresh standard normal ones"
    )


class LinearRegression(Exact):
    """Learns from rows (inputs, label), shape (N, D + 1); N above D, or the weights are not determined.

    With `inputs=same` sample k has the input of row k of the pool, turning to the first after the last; a pool that
    holds these inputs several times, as when data accumulate, is recognised and held once.
    """

    family = "linear-regression"
    summary = "Least squares without an intercept; samples are inputs with noisy labels."
    origin = "Gerstgrasser et al. 2024, Is Model Collapse Inevitable?; Dohmatob et al. 2024"
    bias_meaning = "variance of the labels' noise"
    Parameters = RegressionParameters
    parameters: RegressionParameters
    names: ClassVar = {"weights": "D", "inputs": "TD"}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; in closed form, so that seed, budget and start do not matter.

        Raises:
            UserError: the samples are no rows of inputs and a label, or too few to determine the weights.
        """
        rows = table(pool, self.family, pool.samples.shape[-1])
        inputs, labels = rows[:, :-1], rows[:, -1]
        if not inputs.shape[1]:
            raise UserError(
                "generator linear-regression learns from rows of inputs and a label; give 2 columns or more"
            )
        weighted = inputs * pool.shares()[:, None]
        lower, failed = torch.linalg.cholesky_ex(weighted.T @ inputs)
        if int(failed):
            raise UserError(
                f"the inputs of the pool span fewer than {inputs.shape[1]} directions, so the weights are not "
                "determined; give inputs that differ more"
            )
        weights = torch.cholesky_solve((weighted.T @ labels)[:, None], lower)[:, 0]
        kept = _once(inputs) if self.parameters.inputs == "same" else inputs[:0]
        return self.with_state({"weights": weights, "inputs": kept})

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: labels with noise of variance lambda noise^2."""
        self.check_sampling(count, bias, first)
        weights, inputs = self._state["weights"], self._state["inputs"]
        drawn = normals(count, 1 + len(weights), seed=seed, first=first)
        chosen = inputs[torch.arange(first, first + count) % len(inputs)] if len(inputs) else drawn[:, 1:]
        labels = rows_times(chosen, weights[None])[:, 0] + bias**0.5 * self.parameters.noise * drawn[:, 0]
        return torch.cat([chosen, labels[:, None]], dim=1)


def _once(inputs: Tensor) -> Tensor:
    """The first of equal blocks of inputs, where they are one block several times."""
    again = (inputs == inputs[0]).all(dim=1).nonzero()[:, 0]
    period = int(again[1]) if len(again) > 1 else len(inputs)
    whole = len(inputs) % period == 0 and bool((inputs.reshape(-1, period, inputs.shape[1]) == inputs[:period]).all())
    return inputs[:period] if whole else inputs
