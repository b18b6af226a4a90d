"""Where the real samples of a loop come from: a distribution without end, or a set that may run out."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators import Generator


class Real(Protocol):
    """Real samples by their place; the same place gives the same sample."""

    def take(self, count: int, first: int) -> Tensor:
        """Real samples `first` to `first + count - 1`.

        Raises:
            UserError: the set holds fewer.
        """

    def labels(self, count: int, first: int) -> Tensor | None:
        """Classes of the samples that `take` gives, shape (count,), int64; None where they have none."""


@dataclass(frozen=True)
class Truth:
    """Real samples from a generator that is the truth by definition."""

    generator: Generator
    seed: int

    def take(self, count: int, first: int) -> Tensor:
        """See `Real`; endless."""
        return self.generator.sample(count, seed=self.seed, first=first)

    def labels(self, count: int, first: int) -> Tensor | None:
        """See `Real`; those of the generator."""
        return self.generator.labels(count, seed=self.seed, first=first)


@dataclass(frozen=True)
class Held:
    """Real samples from a set that is what it is."""

    samples: Tensor
    classes: Tensor | None = None
    """Shape (N,), int64."""

    def take(self, count: int, first: int) -> Tensor:
        """See `Real`; in the set's own order."""
        if first + count > len(self.samples):
            raise UserError(
                f"the loop asks for real samples up to number {first + count}, and the set holds {len(self.samples)}; "
                "give a larger set, fewer fresh samples or fewer generations"
            )
        return self.samples[first : first + count]

    def labels(self, count: int, first: int) -> Tensor | None:
        """See `Real`."""
        return None if self.classes is None else self.classes[first : first + count]
