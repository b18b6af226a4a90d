"""The ledger of a loop: where every sample of every pool came from, and any pool made again from that.

It is compact: a pool is a few segments (`simulacra.autophagy.lineage`), and where curation or verification chose, the
places they chose. All else follows from the models, which are in the store.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from simulacra.autophagy.arm import unpacked
from simulacra.autophagy.data import Data
from simulacra.autophagy.drawing import assemble, corrected, correction_seed, draw, pool_digest, stream_seed, subsampled
from simulacra.autophagy.journalled import Fit, read_journal
from simulacra.autophagy.lineage import Recipe, Segment
from simulacra.autophagy.plan import Plan
from simulacra.autophagy.read import ARM, plan_of
from simulacra.autophagy.threads import as_in_a_worker
from simulacra.errors import UserError
from simulacra.generators import Generator, Pool, load_generator
from simulacra.runs import Run
from simulacra.runs.atomic import place, writing_to
from simulacra.sets.layout import DESCRIPTION, Description, entry_name, write_description
from simulacra.sets.writer import new_zip, png


class Origin(NamedTuple):
    """Where one sample of a pool came from; a row of the table."""

    row: int  # in the pool
    source: str  # "real", "model", or "correction": a sample of the true distribution in the place of a model's
    generation: int  # of the model; 0 where there is none
    pool: int  # the first generation whose pool held it
    seed: int | None  # of the stream, which for a correction is that of the truth; None for real samples
    place: int  # in that stream, or among all real samples
    bias: float | None  # lambda; None where there is no model
    filter: str  # "", "best of 2", "verified", "best of 2, verified"
    weight: float  # share of the training weight


@dataclass(frozen=True)
class Ledger:
    """The ledger of one arm."""

    run: Run
    plan: Plan
    fits: Sequence[Fit]

    @classmethod
    def of(cls, run: Run) -> "Ledger":
        """Read the ledger of an arm.

        Raises:
            UserError: the run is no arm, or has made no generation yet.
        """
        if run.spec["experiment"] != ARM:
            raise UserError(f"run {run.id} is no single loop; name one arm: simulacra runs list shows them")
        fits = [fit for _, fit in sorted(read_journal(run).fits.items())]
        if not fits:
            raise UserError(f"run {run.id} has no finished generation yet; continue it with: {run.spec['command']}")
        return cls(run, plan_of(run), fits)

    def recipe(self, generation: int) -> Recipe:
        """What the pool of a generation is made of.

        Raises:
            UserError: the run has made no such generation.
        """
        return self._fit(generation).recipe

    def table(self, generation: int) -> Iterator[Origin]:
        """The origin of every sample of a pool, in its order.

        Raises:
            UserError: the run has made no such generation, or what its filter chose is missing.
        """
        fit = self._fit(generation)
        rows = [
            row
            for number, (segment, weight) in enumerate(zip(fit.recipe.segments, fit.recipe.weights(), strict=True))
            for row in _rows(segment, weight / segment.count, self._chosen(fit, number))
        ]
        chosen = subsampled(fit.recipe)
        if chosen is not None:
            rows = [rows[index]._replace(weight=1 / len(chosen)) for index in chosen.tolist()]
        return (origin._replace(row=row) for row, origin in enumerate(rows))

    def rebuild(self, generation: int) -> Pool:
        """The pool of a generation, made again and compared with the digest it had.

        Raises:
            UserError: the run has made no such generation; a model or the data are missing; or this machine makes other
                bits than the one the run was made on.
        """
        fit = self._fit(generation)
        data = self._data(fit.recipe)

        @cache
        def model(number: int) -> Generator:
            blob = self._fit(number).blob
            if not self.run.store.blobs.has(blob):
                raise UserError(
                    f"the model of generation {number} of run {self.run.id} is missing from the store, and the pool of "
                    f"generation {generation} was drawn from it; make it again with: {self.run.spec['command']}"
                )
            self.run.store.blobs.get(blob)  # refuses one whose bytes have changed
            return load_generator(self.run.store.blobs.path(blob))

        with as_in_a_worker():
            parts = [
                draw(segment, real=data.real, model=model, judges=data.judges, places=self._chosen(fit, number))
                for number, segment in enumerate(fit.recipe.segments)
            ]
            pool = assemble(fit.recipe, parts)
        if pool_digest(pool) != fit.pool:
            raise UserError(
                f"the pool of generation {generation} of run {self.run.id} comes out with other bits here; rebuild it "
                "with the versions and on the machine that simulacra runs show names"
            )
        return pool

    def _fit(self, generation: int) -> Fit:
        if not 1 <= generation <= len(self.fits):
            raise UserError(f"--generation is {generation}; run {self.run.id} has made 1 to {len(self.fits)}")
        return self.fits[generation - 1]

    def _chosen(self, fit: Fit, number: int) -> Tensor | None:
        """The places that a filter chose for a segment; None where it has none."""
        if number not in fit.chosen:
            return None
        if not self.run.store.blobs.has(fit.chosen[number]):
            raise UserError(
                f"what the filter of run {self.run.id} chose is missing from the store, and a pool was made of it; "
                f"make it again with: {self.run.spec['command']}"
            )
        return unpacked(self.run.store.blobs.get(fit.chosen[number]))

    def _data(self, recipe: Recipe) -> Data:
        taken = [segment.first + segment.count for segment in recipe.segments if not segment.model]
        plan = self.plan
        data = plan.real_samples(max(taken, default=0))
        if dict(data.identity) != self.run.spec["identity"]["data"]:
            raise UserError(
                f"{plan.data} is no longer what run {self.run.id} learnt from; put that set back to rebuild a pool"
            )
        return data


def write_pool(pool: Pool, origins: Sequence[Origin], path: Path) -> None:
    """Write a pool as a set of pictures (`.zip`), or as a table of every sample with its origin (`.csv`).

    A zip is a set as `simulacra data build` writes them, with the classes as labels; its pictures are in the pool's
    order. The table holds the numbers too where samples are numbers.

    Raises:
        UserError: the path is taken or ends otherwise, or the samples of a zip are no pictures.
    """
    if path.suffix.lower() == ".csv":
        _write_table(pool, origins, path)
        return
    if pool.samples.ndim != 4:
        raise UserError(f"{path} would be a set of pictures, and this pool holds numbers; name a .csv")
    levels = ((pool.samples + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    names = [entry_name(index) for index in range(len(levels))]
    with new_zip(path) as write:
        for name, picture in zip(names, levels, strict=True):
            write(name, png(picture))
        labels = None if pool.labels is None else pool.labels.numpy()
        write(DESCRIPTION, write_description(names, Description(labels=labels)))


def _write_table(pool: Pool, origins: Sequence[Origin], path: Path) -> None:
    if path.exists():
        raise UserError(f"{path} exists, and nothing is overwritten; name another file, or delete it first")
    numbers = pool.samples.reshape(len(pool), -1) if pool.samples.ndim < 4 else pool.samples.new_zeros(len(pool), 0)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*Origin._fields, "label", *(f"x{column}" for column in range(numbers.shape[1]))])
    labels: Sequence[int | str] = [""] * len(pool) if pool.labels is None else pool.labels.tolist()
    for origin, label, row in zip(origins, labels, numbers.tolist(), strict=True):
        writer.writerow([*("" if value is None else value for value in origin), label, *row])
    with writing_to(path.parent):
        place(path, text.getvalue().encode(), "table")


def _rows(segment: Segment, weight: float, chosen: Tensor | None) -> Iterator[Origin]:
    if not segment.model:
        for place_ in range(segment.first, segment.first + segment.count):
            yield Origin(0, "real", 0, segment.generation, None, place_, None, "", weight)
        return
    places = torch.arange(segment.count) if chosen is None else chosen
    moved = corrected(segment) if segment.correction else torch.zeros(segment.count, dtype=torch.bool)
    filters = [f"best of {segment.best_of}"] * (segment.best_of > 1) + ["verified"] * segment.verified
    seed = stream_seed(segment)
    for index, (place_, replaced) in enumerate(zip(places.tolist(), moved.tolist(), strict=True)):
        if replaced:
            true = segment.first + index
            yield Origin(0, "correction", 0, segment.generation, correction_seed(segment), true, None, "", weight)
        else:
            chose = ", ".join(filters)
            yield Origin(0, "model", segment.model, segment.generation, seed, place_, segment.bias, chose, weight)
