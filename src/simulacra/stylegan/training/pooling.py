"""Pictures of a pool for each step: a function of the position, so that resuming needs no state."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.generators.contract import Pool
from simulacra.generators.streams import uniforms
from simulacra.seeds import derive_seed
from simulacra.sets import Sampler
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.feeding import Batch, labels_drawn_from
from simulacra.stylegan.training.schedule import Stage

_CHOSEN, _MIRRORED, _LABELLED = range(3)
"""What a place of a weighted pool draws numbers for."""


class _Drawn(NamedTuple):
    """Places in the pool for one batch."""

    shown: Tensor  # (N,), int64
    mirrored: Tensor  # (N,), bool, of those shown
    labelled: Tensor  # (N,), int64, whose labels the made pictures get


class PoolFeeding:
    """Batches of a pool that is in memory.

    Without weights every picture is shown once an epoch, in the order in which `Feeding` shows a set's; with weights
    each is drawn by itself, as likely as its weight says.
    """

    def __init__(self, pool: Pool, description: Description, seed: int, mirror: bool) -> None:
        """Prepare to draw.

        Args:
            pool: pictures of the networks' size, with labels where these have them.
            description: of the networks.
            seed: of the draws.
            mirror: flip each picture half of the time.
        """
        self._pool = pool
        self._description = description
        self._seed = seed
        self._mirror = mirror
        self._sampler = Sampler(len(pool), seed, mirror)
        self._ends = None if pool.weights is None else pool.shares().cumsum(0)

    def __call__(self, position: int, stage: Stage) -> Batch:
        """The batch at a position."""
        count, ends = stage.batch, self._ends
        drawn = self._evenly(position, count) if ends is None else self._weighed(ends, position, count)
        pictures = self._pool.samples[drawn.shown]
        pictures[drawn.mirrored] = pictures[drawn.mirrored].flip(3)
        if pictures.shape[1] < self._description.colours:  # grey
            pictures = pictures.expand(-1, self._description.colours, -1, -1).contiguous()
        return Batch(pictures, self._labels(drawn.shown), self._labels(drawn.labelled))

    def _evenly(self, position: int, count: int) -> _Drawn:
        draw = self._sampler.batch(position, count)
        labelled = labels_drawn_from(len(self._pool), self._seed, position, count)
        return _Drawn(torch.from_numpy(draw.indices), torch.from_numpy(draw.mirrored), torch.from_numpy(labelled))

    def _weighed(self, ends: Tensor, position: int, count: int) -> _Drawn:
        """Places by their shares, whose running sums are `ends`."""
        numbers = {purpose: self._uniforms(position, count, purpose) for purpose in (_CHOSEN, _MIRRORED, _LABELLED)}
        # From the left, so that a picture of weight 0 is never drawn.
        shown, labelled = (torch.searchsorted(ends, numbers[each] * ends[-1]) for each in (_CHOSEN, _LABELLED))
        return _Drawn(shown, (numbers[_MIRRORED] < 0.5) & self._mirror, labelled)

    def _uniforms(self, position: int, count: int, purpose: int) -> Tensor:
        seed = derive_seed(self._seed, "pictures of a weighted pool")
        return uniforms(count, 1, seed=seed, first=position, purpose=purpose)[:, 0]

    def _labels(self, places: Tensor) -> Tensor | None:
        if not self._description.labels or self._pool.labels is None:
            return None
        return F.one_hot(self._pool.labels[places], self._description.labels).float()
