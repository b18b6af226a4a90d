"""What the exact families share: a state of a few named tensors, pools that are tables, weighted moments."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators.contract import Generator, Parameters, Pool

Estimator = Literal["unbiased", "biased"]


class Exact(Generator):
    """A family whose loops have closed forms; its state is `names`, with the axes that `names` gives them."""

    names: ClassVar[Mapping[str, str]]
    """Name of each tensor of the state -> its axes, one letter each; equal letters are equal lengths."""

    def __init__(self, parameters: Parameters | None = None) -> None:
        super().__init__(parameters)
        self._state: dict[str, Tensor] = {}

    def state(self) -> Mapping[str, Tensor]:
        """See `Generator.state`."""
        return dict(self._state)

    def with_state(self, state: Mapping[str, Tensor]) -> Self:
        """See `Generator.with_state`.

        Raises:
            UserError: a tensor is missing or not known, or has other axes.
        """
        if state.keys() != self.names.keys():
            raise UserError(
                f"the state holds {', '.join(state) or 'nothing'}, and generator {self.family} needs "
                f"{', '.join(self.names)}; give the state of such a generator"
            )
        lengths: dict[str, int] = {}
        for name, tensor in state.items():
            axes = self.names[name]
            fits = tensor.ndim == len(axes) and all(
                lengths.setdefault(axis, length) == length for axis, length in zip(axes, tensor.shape, strict=True)
            )
            if not fits:
                raise UserError(
                    f"{name} of generator {self.family} has the shape {tuple(tensor.shape)}; it must have the axes "
                    f"{', '.join(axes)}, with equal lengths for equal letters"
                )
        made = self.untrained()
        made._state = {name: tensor.double().contiguous() for name, tensor in state.items()}
        return made


def table(pool: Pool, family: str, least: int = 1) -> Tensor:
    """The samples of a pool as rows of float64 numbers.

    Args:
        pool: samples of shape (N, D).
        family: of the generator that asks.
        least: samples needed.

    Raises:
        UserError: the samples are of another form, or too few.
    """
    if pool.samples.ndim != 2 or not pool.samples.shape[1] or not pool.samples.is_floating_point():
        raise UserError(
            f"generator {family} learns from rows of numbers, and these samples are {pool.samples.dtype} of shape "
            f"{tuple(pool.samples.shape)}; give float32 or float64 of shape (samples, features)"
        )
    if len(pool) < least:
        raise UserError(f"the pool holds {len(pool)} samples; generator {family} needs {least} or more of this width")
    return pool.samples.double()


def weighted_moments(rows: Tensor, shares: Tensor, estimator: Estimator) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of rows (N, D) with shares (N,) that sum to 1.

    The unbiased covariance is divided by 1 - sum of squared shares, which is (n - 1) / n for equal ones.
    """
    mean = shares @ rows
    centred = rows - mean
    covariance = (centred * shares[:, None]).T @ centred
    if estimator == "unbiased":
        covariance = covariance / (1 - shares.square().sum())
    return mean, covariance


def factor(covariance: Tensor) -> Tensor:
    """A with A A^T = covariance, (..., D, D), also where a covariance is singular."""
    root: Tensor
    root, failed = torch.linalg.cholesky_ex(covariance)
    if bool(failed.any()):
        values, vectors = torch.linalg.eigh(covariance)
        root = vectors * values.clamp(min=0).sqrt()[..., None, :]
    return root


def rows_times(rows: Tensor, matrix: Tensor) -> Tensor:
    """Rows (N, D) times the transpose of a matrix (E, D), or of one matrix a row (N, E, D): the same bits in any batch.

    A matrix product adds up in an order that depends on the number of rows; this one goes column by column.
    """
    result = torch.zeros(len(rows), matrix.shape[-2], dtype=rows.dtype)
    for column in range(rows.shape[1]):
        result += rows[:, column, None] * matrix[..., column]
    return result
