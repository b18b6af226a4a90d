"""Which picture comes next, for ever: a function of the seed and of how many came before, so there is no state to lose.

Position p counts every picture drawn since the start, over all processes. Each epoch visits each picture once, in an
order drawn from (seed, epoch). A training that stops after p pictures goes on with `batch(p, ...)`, at the same cost.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulacra.errors import UserError
from simulacra.seeds import derive_seed


@dataclass(frozen=True, eq=False)
class Draw:
    """The pictures of one batch."""

    indices: NDArray[np.int64]  # (B,), into the set
    mirrored: NDArray[np.bool_]  # (B,), whether each is flipped left to right


@dataclass(frozen=True)
class Sampler:
    """An endless order of the pictures of a set.

    Args:
        size: pictures in the set, 1 or more.
        seed: of the run.
        mirror: flip each picture with probability 1/2, drawn anew each epoch.
        rank: which of the processes that train together this is, from 0.
        world: how many they are. Rank r takes positions r, r + world, ..., so together they draw what one would alone.

    Raises:
        UserError: the set is empty, or the rank is not below the world.
    """

    size: int
    seed: int
    mirror: bool = False
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError("there is no picture to draw from; build a set that holds at least one")
        if not 0 <= self.rank < self.world:
            raise UserError(
                f"rank {self.rank} of {self.world} processes is impossible; it must be 0 to {self.world - 1}"
            )

    def batch(self, position: int, count: int) -> Draw:
        """The next pictures of this rank.

        Args:
            position: pictures drawn so far by all ranks together, 0 or more.
            count: pictures this rank takes, 1 or more; the position then moves on by count * world.
        """
        if position < 0 or count < 1:
            raise ValueError(f"{count} pictures from position {position}: at least one, from 0 or later")
        places = position + self.rank + self.world * np.arange(count, dtype=np.int64)
        epochs, within = np.divmod(places, self.size)
        indices = np.empty(count, dtype=np.int64)
        mirrored = np.zeros(count, dtype=np.bool_)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            indices[here] = _order(self.size, self.seed, epoch)[within[here]]
            if self.mirror:
                mirrored[here] = _flips(self.size, self.seed, epoch)[indices[here]]
        return Draw(indices, mirrored)


# NumPy keeps the raw stream of a bit generator for ever, but not what its distributions make of it, `permutation`
# included; a resumed run must not depend on the release of NumPy.


@lru_cache(maxsize=2)
def _order(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    keys = np.random.PCG64(derive_seed(seed, "epoch-order", epoch)).random_raw(size)
    return np.argsort(keys, kind="stable").astype(np.int64, copy=False)


@lru_cache(maxsize=2)
def _flips(size: int, seed: int, epoch: int) -> NDArray[np.bool_]:
    raw = np.random.PCG64(derive_seed(seed, "epoch-mirror", epoch)).random_raw(size)
    flips: NDArray[np.bool_] = raw >> np.uint64(63) == 1
    return flips
