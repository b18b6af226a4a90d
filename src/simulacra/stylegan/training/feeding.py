"""Real pictures for each step, read ahead of time: a function of the position, so that resuming needs no state."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.seeds import derive_seed
from simulacra.sets import PictureSet, Sampler
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.schedule import Stage

RESOLUTIONS = tuple(2**power for power in range(3, 11))
"""Sides of pictures that there are networks for, px."""


@dataclass(frozen=True)
class Batch:
    """What one process shows its discriminator in one step."""

    pictures: Tensor  # (N, C, H, W), float32, in [-1, 1], at the full resolution
    real_labels: Tensor | None  # (N, D)
    labels: Tensor | None  # (N, D), drawn from the set, for the pictures that are made


class Feeding:
    """Batches of a set; while one is learned from, the next is read."""

    def __init__(
        self,
        pictures: PictureSet,
        description: Description,
        seed: int,
        mirror: bool,
        device: torch.device,
        processes: Processes,
    ) -> None:
        """Prepare to read.

        Args:
            pictures: the set.
            description: of the networks it must fit.
            seed: of the order.
            mirror: flip each picture half of the time.
            device: where batches go.
            processes: that train together.

        Raises:
            UserError: the set and the networks differ in size, channels or labels.
        """
        check(pictures, description)
        self._set = pictures
        self._colours = description.colours
        self._labelled = description.labels > 0
        self._seed = seed
        self._sampler = Sampler(len(pictures), seed, mirror, processes.rank, processes.world)
        self._processes = processes
        self._device = device
        self._pool = ThreadPoolExecutor(1, "feeding")
        self._ahead: tuple[tuple[int, int], Future[Batch]] | None = None
        self.waited = 0.0  # seconds that the training waited for pictures

    def __call__(self, position: int, stage: Stage) -> Batch:
        """The batch at a position; the one after it begins to be read."""
        share = self._processes.share(stage.batch)
        began = perf_counter()
        wanted = (position, share)
        read_ahead = self._ahead is not None and self._ahead[0] == wanted
        batch = self._ahead[1].result() if self._ahead is not None and read_ahead else self._read(*wanted)
        self.waited += perf_counter() - began
        following = (position + share * self._processes.world, share)
        self._ahead = (following, self._pool.submit(self._read, *following))
        return self._scaled(batch)

    def close(self) -> None:
        """Read no further."""
        self._pool.shutdown(cancel_futures=True)

    def _read(self, position: int, count: int) -> Batch:
        draw = self._sampler.batch(position, count)
        pixels = self._set.pictures(draw.indices)
        pixels[draw.mirrored] = pixels[draw.mirrored, :, :, ::-1]
        pictures = torch.from_numpy(pixels).to(self._device)
        others = labels_drawn_from(len(self._set), self._seed, position, count, self._processes.rank)
        return Batch(pictures, self._labels(draw.indices), self._labels(others))

    def _scaled(self, batch: Batch) -> Batch:
        """Levels to [-1, 1].

        In the thread that trains: were it done while reading, OpenMP would start as many threads again for the reader,
        find itself with more than there are cores, and let all of them sleep at every turn, which doubles a step.
        """
        pictures = batch.pictures.to(torch.float32).div_(127.5).sub_(1)
        if pictures.shape[1] < self._colours:  # grey
            pictures = pictures.expand(-1, self._colours, -1, -1).contiguous()
        return replace(batch, pictures=pictures)

    def _labels(self, indices: NDArray[np.int64]) -> Tensor | None:
        if not self._labelled or self._set.labels is None:
            return None
        return torch.from_numpy(self._set.labels[indices]).to(self._device)


def labels_drawn_from(size: int, seed: int, position: int, count: int, rank: int = 0) -> NDArray[np.int64]:
    """Pictures whose labels made pictures get, shape (count,): drawn independently, as likely as in the set.

    Args:
        size: pictures in the set.
        seed: of the training.
        position: pictures shown so far.
        count: pictures made.
        rank: of the process.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "labels of made pictures", position, rank))
    drawn: NDArray[np.int64] = torch.randint(size, (count,), generator=generator).numpy()
    return drawn


def fields_of(pictures: PictureSet, labelled: bool) -> dict[str, int]:
    """What networks must be to learn from a set: fields of their description.

    Args:
        pictures: the set.
        labelled: whether they learn its labels too.

    Raises:
        UserError: they cannot, or the set has no labels.
    """
    where = printable(pictures.path)
    if pictures.resolution not in RESOLUTIONS:
        raise UserError(
            f"{where} holds pictures of {pictures.resolution} px, and networks make {', '.join(map(str, RESOLUTIONS))} "
            f"px; build the set again: simulacra data build {where} OUT.zip --resolution 64"
        )
    if labelled and not pictures.label_dimensions:
        raise UserError(
            f"{where} has no labels; leave --labels out, or build the set with some: simulacra data build SOURCE "
            "OUT.zip --label NAME"
        )
    return {
        "resolution": pictures.resolution,
        "colours": max(3, pictures.channels),
        "labels": pictures.label_dimensions if labelled else 0,
    }


def check(pictures: PictureSet, description: Description) -> None:
    """Refuse a set that the networks cannot learn from.

    Raises:
        UserError: size, channels or labels differ.
    """
    where = printable(pictures.path)
    if pictures.resolution != description.resolution:
        raise UserError(
            f"{where} holds pictures of {pictures.resolution} px and the networks make {description.resolution} px; "
            f"build the set again: simulacra data build {where} OUT.zip --resolution {description.resolution}"
        )
    if pictures.channels != description.colours and not (pictures.channels == 1 and description.colours == 3):
        raise UserError(
            f"{where} holds pictures of {pictures.channels} channels and the networks make "
            f"{description.colours}; give --set colours={max(3, pictures.channels)}"
        )
    if description.labels and pictures.label_dimensions != description.labels:
        raise UserError(
            f"{where} has labels of {pictures.label_dimensions} numbers and the networks take "
            f"{description.labels}; give --set labels={pictures.label_dimensions}, where 0 is to train without"
        )
