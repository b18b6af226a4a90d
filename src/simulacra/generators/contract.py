"""The contract of a generator: learn from a pool of samples, then draw others, each from a random stream of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.specification import Parameters as Parameters  # part of the contract: every generator has its own
from simulacra.specification import Specified


class Diverged(UserError):
    """A fit came to numbers that are not finite."""


@dataclass(frozen=True)
class Pool:
    """What a generation trains on.

    Raises:
        UserError: there is no sample, a number is not finite, or weights or labels do not fit the samples.
    """

    samples: Tensor
    """Shape (N, ...): pictures (N, C, H, W) in [-1, 1], float32, feature rows (N, D), category numbers (N,)."""
    weights: Tensor | None = None
    """Shape (N,), float64, 0 or more, some above 0; only their ratios count. None: all equal."""
    labels: Tensor | None = None
    """Class of each sample, shape (N,), int64, 0 or more; None where samples have none."""

    def __post_init__(self) -> None:
        if self.samples.ndim == 0 or not len(self.samples):
            raise UserError("the pool holds no samples; a generation needs some to train on")
        if self.samples.is_floating_point() and not torch.isfinite(self.samples).all():
            broken = torch.nonzero(~torch.isfinite(self.samples.flatten(1)).all(dim=1))
            raise UserError(
                f"{len(broken)} samples of the pool are not finite, the first at index {int(broken[0])}; "
                "mend them or leave them out"
            )
        if self.weights is not None:
            fits = self.weights.shape == self.samples.shape[:1] and bool(torch.isfinite(self.weights).all())
            if not fits or bool((self.weights < 0).any()) or float(self.weights.sum()) <= 0:
                raise UserError(
                    f"the weights of the pool do not fit its {len(self.samples)} samples; give one finite number each, "
                    "0 or more and some above 0"
                )
        if self.labels is not None:
            fits = self.labels.shape == self.samples.shape[:1] and self.labels.dtype == torch.int64
            if not fits or bool((self.labels < 0).any()):
                raise UserError(
                    f"the labels of the pool do not fit its {len(self.samples)} samples; give one class number each, "
                    "0 or more"
                )

    def __len__(self) -> int:
        return len(self.samples)

    def shares(self) -> Tensor:
        """The weights as shares of the whole, shape (N,), float64, sum 1."""
        if self.weights is None:
            return torch.full((len(self),), 1 / len(self), dtype=torch.float64)
        return self.weights.double() / self.weights.double().sum()


@dataclass(frozen=True)
class Budget:
    """How much work a fit may do; families that fit in closed form need none of it."""

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UserError(f"the budget is {self.steps} steps; it must be 1 or more")

    def times(self, factor: float) -> "Budget":
        """As much work, multiplied, and at least one step."""
        return Budget(max(1, round(self.steps * factor)))


class Generator(Specified, ABC):
    """A trainable map from noise to samples, with its parameters and, once it is fitted, its state.

    `fit` on a generator that is fitted continues from what it knows (a warm start); `untrained` gives one that begins
    from scratch. Families with a closed form forget their start.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same pool and seed would give another generator, or the same seed other samples."""
    summary: ClassVar[str]
    origin: ClassVar[str]
    """Where the method comes from."""
    bias_meaning: ClassVar[str]
    """What the sampling bias acts on, as a noun: "variance", "truncation"."""

    @property
    def fitted(self) -> bool:
        """Whether it has learnt from a pool."""
        return bool(self.state())

    def untrained(self) -> Self:
        """A generator with the same parameters that has learnt nothing."""
        return type(self)(self.parameters)

    @abstractmethod
    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """Learn from a pool.

        Args:
            pool: the samples and their weights.
            seed: of every draw the fit makes.
            budget: how much work; None for the family's own.
            resume: a folder where a long fit keeps its checkpoints. One that was killed and is called again with the
                same arguments continues there, to the bits of an uninterrupted one. None: nothing is kept.

        Returns:
            Another generator, fitted; this one stays as it is.

        Raises:
            UserError: the pool is none this family can learn from.
        """

    @abstractmethod
    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """Draw samples.

        Sample k is drawn from a random stream of its own that depends on the seed and on `first + k` alone, so that it
        is the same in any batch.

        Args:
            count: how many, 0 or more.
            seed: of the streams.
            bias: lambda, in [0, 1]; 1 draws what was learnt, 0 its modes only. What lies between is the family's own:
                see `bias_meaning`, and `simulacra.autophagy.meter` for a scale in common.
            first: place of the first sample among all samples of this seed.

        Returns:
            Shape (count, ...), as the samples it learnt from. Pictures have 8 bits, as if they had been saved: every
            value is k / 127.5 - 1 with k in 0 to 255.

        Raises:
            UserError: it is not fitted, or an argument is outside its range.
        """

    def labels(self, count: int, *, seed: int, first: int = 0) -> Tensor | None:
        """Classes of the samples that `sample` draws at the same places.

        Args:
            count: how many, 0 or more.
            seed: of the streams.
            first: place of the first sample.

        Returns:
            Shape (count,), int64; None where the generator knows no classes.
        """
        return None

    @abstractmethod
    def state(self) -> Mapping[str, Tensor]:
        """What it has learnt, by name; empty before it is fitted."""

    @abstractmethod
    def with_state(self, state: Mapping[str, Tensor]) -> Self:
        """A generator with the same parameters that knows what `state` of another one gave.

        Raises:
            UserError: the state is not one of this family.
        """

    def check_sampling(self, count: int, bias: float, first: int) -> None:
        """Refuse a call of `sample` that cannot be.

        Raises:
            UserError: it is not fitted, or an argument is outside its range.
        """
        if not self.fitted:
            raise UserError(f"generator {self.family} has learnt nothing yet; fit it to a pool first")
        if count < 0 or first < 0:
            raise UserError(f"count is {count} and first {first}; both must be 0 or more")
        if not 0 <= bias <= 1:
            raise UserError(
                f"the sampling bias is {bias:g}; it must be 0 or more (modes only) and at most 1 (unbiased)"
            )
