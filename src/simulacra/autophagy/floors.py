"""What as many real samples would have measured: the floor under a reading, and the band that chance alone fills.

The real samples of the reference are dealt out at random, again and again, to a side that is held real and a side that
stands for a generation. That is the null for any features and any distribution; but the sides are smaller than what
generations are measured with. To first order the counts N and M enter by v = 1/N + 1/M alone: a squared distance is in
proportion to v, every other value keeps its mean and deviates by the root of v. So both are brought to the counts of
the generations.

A number of one side alone, such as a Vendi score, deviates less among deals than among new samples, because all deals
are parts of one reference. Its variance follows 1/m - 1/P, m samples out of P, and is brought to 1/M + 1/P: that of a
generation and of the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import sqrt

import numpy as np
import torch

from simulacra.autophagy.record import Reading
from simulacra.measures.of_sets.distances import Integers
from simulacra.seeds import derive_seed

DEALS = 40
"""Divisions of the reference; their deviation is known to 11 %."""

_REACH = 1.96
"""Deviations on each side of the mean that hold 95 % of a normal law."""


class Kind(Enum):
    """How a value follows the counts, and where it must lie."""

    SHARE = "share"  # in [0, 1]
    SQUARE = "square"  # a squared distance, 0 or more
    SIGNED = "signed"  # an unbiased squared distance, of either sign
    POSITIVE = "positive"  # 0 or more

    @property
    def square(self) -> bool:
        """Whether the value itself is in proportion to 1/N + 1/M."""
        return self in (Kind.SQUARE, Kind.SIGNED)


@dataclass(frozen=True)
class Floor:
    """The null of one reading: its mean and deviation."""

    mean: float
    deviation: float
    kind: Kind

    def reading(self, value: float) -> Reading:
        """A value beside its floor and band."""
        low, high = self.mean - _REACH * self.deviation, self.mean + _REACH * self.deviation
        if self.kind is not Kind.SIGNED:
            low = max(low, 0.0)
        if self.kind is Kind.SHARE:
            high = min(high, 1.0)
        return Reading(value=value, floor=self.mean, low=low, high=high)


@dataclass(frozen=True)
class Deals:
    """How the reference is dealt out: so many samples of it to one side and the other."""

    held: int  # to the side that is held real
    stand_in: int  # to the side that stands for a generation
    scale: float  # v of the generations over v of the deals
    seed: int

    @classmethod
    def of(cls, pool: int, *, reference: int, count: int, seed: int) -> "Deals":
        """As many samples on the side of a generation as it has, but at most half of the pool.

        Args:
            pool: samples of the reference that are dealt out, 2 or more.
            reference: samples that a generation is measured against.
            count: samples of a generation.
            seed: of the deals.
        """
        stand_in = min(count, pool // 2)
        held = pool - stand_in
        return cls(held, stand_in, (1 / reference + 1 / count) / (1 / held + 1 / stand_in), seed)

    def floors(
        self,
        measured: Callable[[Integers, Integers], Mapping[str, float]],
        kinds: Mapping[str, Kind],
        alone: Mapping[str, tuple[int, int]],
    ) -> dict[str, Floor]:
        """The floor of every name that `measured` gives.

        Args:
            measured: from the places of both sides, real first, to named values; one that a deal leaves without
                meaning is left out.
            kinds: of the names.
            alone: names of numbers of one side alone, with how many samples they are taken of in deals and generations.

        Returns:
            One a name with two values or more.
        """
        values: dict[str, list[float]] = {}
        for index in range(DEALS):
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "meter-deal", index))
            order = torch.randperm(self.held + self.stand_in, generator=generator).numpy()
            for name, value in measured(order[: self.held], order[self.held :]).items():
                values.setdefault(name, []).append(value)
        floors = {}
        for name, each in values.items():
            if len(each) > 1:
                mean, deviation = float(np.mean(each)), float(np.std(each, ddof=1))
                if name in alone:
                    pool, (dealt, count) = self.held + self.stand_in, alone[name]
                    wider = sqrt((1 / count + 1 / pool) / (1 / dealt - 1 / pool))
                    floors[name] = Floor(mean, deviation * wider, kinds[name])
                elif kinds[name].square:
                    floors[name] = Floor(mean * self.scale, deviation * self.scale, kinds[name])
                else:
                    floors[name] = Floor(mean, deviation * sqrt(self.scale), kinds[name])
        return floors
