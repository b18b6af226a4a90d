"""One arm in the run store: from where its journal stands to its end, generation by generation.

A generation is two lines of the journal. `step` is the fit: its identity, its recipe and the blob of the model, which
any other run with the same fit takes over. `round` is what was measured of it. A kill loses at most what is between two
lines, and a fit that keeps checkpoints not even that.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from simulacra.autophagy.data import Data, as_rows
from simulacra.autophagy.drawing import Drawn, assemble, draw, pool_digest
from simulacra.autophagy.journalled import Fit, Journalled, read_journal
from simulacra.autophagy.lineage import Recipe, Segment
from simulacra.autophagy.loop import budget, fitted
from simulacra.autophagy.measuring import Meter
from simulacra.autophagy.plan import Plan, fit_identity
from simulacra.autophagy.read import plan_of
from simulacra.autophagy.record import Round
from simulacra.autophagy.sheet import SHOWN, sheet
from simulacra.errors import MissingExtra, MissingWeights, UserError
from simulacra.generators import Budget, Diverged, Generator, Pool, load_generator, open_generator, save_generator
from simulacra.runs import CorruptBlob, Journal, Run, StoreFull, machine_digest, manifest
from simulacra.runs.spec import short
from simulacra.seeds import derive_seed

CHECKPOINTS = "checkpoints"
"""Folder in a run where a fit that is under way keeps what it needs to go on; empty when it is done."""

_SHOWN_SEED = 0
"""One for all arms and generations, so that a place on a sheet shows what becomes of one latent."""


class _Stopped(Exception):
    """A generation could not be made, for a reason that lies in the loop itself."""


@dataclass
class Attempt:
    """One attempt at an arm."""

    run: Run
    plan: Plan
    data: Data
    meter: Callable[[], Meter]
    """Gives what measures; called only where something is left to measure."""
    advance: Callable[[int], None]
    """Told how many rounds are safely stored."""

    def __post_init__(self) -> None:
        self._recipes = self.plan.recipes()
        self._ancestry = self.plan.ancestry()
        self._untrained = open_generator(self.plan.generator)
        self._steps = self._identities()
        self._models: dict[int, Generator] = {}
        self._kept: dict[Segment, Drawn] = {}

    def make(self) -> None:
        """Make what is missing.

        Raises:
            UserError: another process writes this run, the store cannot be written, or the first generation cannot be
                made. What stops a later one is journalled, and ends the arm.
        """
        if complete(self.run):
            self.advance(self.plan.rounds)
            return
        with self.run.writing() as journal:
            journalled = read_journal(self.run)  # another process may have written until the lock was free
            self._work(journal, journalled)

    def _work(self, journal: Journal, journalled: Journalled) -> None:
        self._journal, self._journalled = journal, journalled
        self._machine = machine_digest(manifest())
        stopped, made = None, 0
        try:
            for number in range(1, self.plan.rounds + 1):
                if not journalled.whole(self.run, number):
                    self._round(number)
                made = number
                self.advance(number)
        except _Stopped as reason:
            stopped = str(reason)
            journal.append("stopped", generation=made + 1, cause=stopped)
        shutil.rmtree(self.run.folder / CHECKPOINTS, ignore_errors=True)
        journal.finish("done" if stopped is None else "failed", rounds=made, **({"cause": stopped} if stopped else {}))

    def _round(self, number: int) -> None:
        recipe, seconds = self._recipes[number - 1], dict.fromkeys(("draw", "fit", "measure", "store"), 0.0)
        fit = self._fit(number, seconds)
        model = self._model(number)
        with _timed(seconds, "draw"), self._stopping(number):
            bias, count = self.plan.leg(number).policy.bias, self.plan.reference
            seed = derive_seed(recipe.seed, "autophagy-measured", recipe.generation)
            samples, labels = model.sample(count, seed=seed, bias=bias), model.labels(count, seed=seed)
            shown = model.sample(SHOWN, seed=_SHOWN_SEED, bias=bias) if self.data.pictures else None
        with _timed(seconds, "measure"), self._stopping(number):
            learnt = as_rows(self._learnt(recipe), self.data)
            meter = self.meter()
            measured = meter.measure(as_rows(samples, self.data), learnt=learnt, labels=labels)
        with _timed(seconds, "store"):
            picture = None if shown is None else self.run.store.blobs.put(sheet(shown))
        counts = recipe.counts
        made = Round(
            generation=number,
            fixed=counts.fixed,
            fresh=counts.fresh,
            synthetic=counts.synthetic,
            kept=counts.kept,
            trained_on=recipe.size,
            ancestry=self._ancestry[number - 1],
            model=fit.blob,
            shown=picture,
            measured=measured,
            seconds={part: round(taken, 6) for part, taken in seconds.items()},
        )
        if self._journalled.reference != meter.reference:
            self._journalled.reference = meter.reference
            self._journal.append("reference", reference=meter.reference.model_dump(mode="json"))
        blobs = [fit.blob, *([] if picture is None else [picture])]
        self._journal.append("round", round=made.model_dump(mode="json"), blobs=blobs)

    def _fit(self, number: int, seconds: dict[str, float]) -> Fit:
        """The fit of a round: as this run journalled it, as another run made it, or made now."""
        fit = self._journalled.fits.get(number)
        if fit is not None and all(map(self.run.store.blobs.has, (fit.blob, *fit.chosen.values()))):
            return fit
        event = self._taken(number) or self._made(number, seconds)
        fit = self._journalled.fits[number] = Fit.of(event)
        return fit

    def _taken(self, number: int) -> Mapping[str, Any] | None:
        """The fit as another run made it, journalled here too."""
        # What a fork goes on from is what was made, on whatever machine that was.
        forked = self.plan.leg(number) != self.plan.legs[-1]
        stored = self.run.store.step(self._steps[number - 1], None if forked else self._machine)
        if stored is None or not all(map(self.run.store.blobs.has, stored.event["blobs"])):
            return None
        fields = ("step", "blob", "bytes", "machine", "recipe", "pool", "chosen", "blobs")
        event = {
            **{name: stored.event[name] for name in fields},
            "chain": self.plan.arm,
            "frame": number,
            "reused": True,
        }
        self._journal.append("step", **event)
        return event

    def _made(self, number: int, seconds: dict[str, float]) -> Mapping[str, Any]:
        """The fit, made now; if another run makes the same one at this moment, what that gives."""
        step, store = self._steps[number - 1], self.run.store
        resume = self.run.folder / CHECKPOINTS / short(step)
        with FileLock(store.folder / "locks" / f"fit-{short(step)}.lock"):
            if (event := self._taken(number)) is not None:
                return event
            with _timed(seconds, "draw"), self._stopping(number):
                pool, chosen = self._pool(number)
            resume.mkdir(parents=True, exist_ok=True)
            leg, recipe = self.plan.leg(number), self._recipes[number - 1]
            given = None if self.plan.budget is None else Budget(self.plan.budget)
            with _timed(seconds, "fit"), self._stopping(number):
                model = fitted(
                    self._model(number - 1) if self._warm(number) else self._untrained,
                    pool,
                    recipe,
                    budget=budget(leg.policy, given, len(pool)),
                    resume=resume,
                )
            with _timed(seconds, "store"):
                data = _bytes(model, resume)
                places = {str(place): store.blobs.put(_packed(chose)) for place, chose in chosen.items()}
                event = {
                    "chain": self.plan.arm,
                    "frame": number,
                    "step": step,
                    "blob": store.blobs.put(data),
                    "bytes": len(data),
                    "machine": self._machine,
                    "recipe": recipe.model_dump(mode="json"),
                    "pool": pool_digest(pool),
                    "chosen": places,
                    "blobs": list(places.values()),
                    "reused": False,
                }
                self._journal.append("step", **event)
            shutil.rmtree(resume, ignore_errors=True)
        self._models[number] = model
        return event

    def _pool(self, number: int) -> tuple[Pool, dict[int, Tensor]]:
        """The pool of a round, and by place among its segments what curation or verification chose."""
        recipe = self._recipes[number - 1]
        parts = [self._part(segment) for segment in recipe.segments]
        later = self._recipes[number].segments if self.plan.arm == "loop" and number < self.plan.rounds else ()
        self._kept = {
            segment: part
            for segment, part in zip(recipe.segments, parts, strict=True)
            if segment.model and segment in later
        }
        chosen = {place: part.places for place, part in enumerate(parts) if part.places is not None}
        return assemble(recipe, parts), chosen

    def _part(self, segment: Segment) -> Drawn:
        if segment in self._kept:
            return self._kept[segment]
        return draw(segment, real=self.data.real, model=self._model, judges=self.data.judges)

    def _model(self, number: int) -> Generator:
        """The model of a round that is journalled; the last few stay in memory."""
        if number not in self._models:
            blob = self._journalled.fits[number].blob
            self.run.store.blobs.get(blob)  # refuses one whose bytes have changed
            self._models[number] = load_generator(self.run.store.blobs.path(blob))
        for old in sorted(self._models)[: -self.plan.policy.memory - 1]:
            if old != number:
                del self._models[old]
        return self._models[number]

    def _learnt(self, recipe: Recipe) -> Tensor:
        """The real samples of a pool; of a pool without any those of generation 1, which its ancestors learnt."""
        segments = [segment for segment in recipe.segments if not segment.model] or self._recipes[0].segments
        return torch.cat([self.data.real.take(segment.count, segment.first) for segment in segments])

    def _warm(self, number: int) -> bool:
        return self.plan.arm == "loop" and number > 1 and self.plan.leg(number).policy.start == "warm"

    def _identities(self) -> list[str]:
        """The identity of each fit."""
        steps: list[str] = []
        for number, recipe in enumerate(self._recipes, start=1):
            policy = self.plan.leg(number).policy
            given = None if self.plan.budget is None else budget(policy, Budget(self.plan.budget), recipe.size)
            steps.append(
                fit_identity(
                    recipe,
                    steps,
                    generator=self._untrained,
                    budget=None if given is None else given.steps,
                    warm=self._warm(number),
                    data=self.data.identity,
                )
            )
        return steps

    @contextmanager
    def _stopping(self, number: int) -> Iterator[None]:
        """Turn what a loop does to itself into its end; what the user or the machine did stays what it is."""
        try:
            yield
        except (StoreFull, CorruptBlob, MissingExtra, MissingWeights):
            raise
        except UserError as error:
            if isinstance(error.__cause__, OSError) or (number == 1 and not isinstance(error, Diverged)):
                raise
            raise _Stopped(str(error)) from error


def complete(run: Run) -> bool:
    """Whether an arm came to its end, and everything it made is still in the store."""
    if run.done is None:
        return False
    journalled = read_journal(run)
    made = len(journalled.rounds) if journalled.stopped is not None else plan_of(run).rounds
    return all(journalled.whole(run, number) for number in range(1, made + 1))


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = perf_counter()
    yield
    seconds[part] += perf_counter() - began


def _bytes(model: Generator, folder: Path) -> bytes:
    """The file of a generator, written beside its checkpoints."""
    path = folder / "model.safetensors"
    save_generator(model, path)
    return path.read_bytes()


def _packed(places: Tensor) -> bytes:
    return places.numpy().astype("<i8").tobytes()


def unpacked(data: bytes) -> Tensor:
    """The places in a blob of them."""
    return torch.from_numpy(np.frombuffer(data, dtype="<i8").astype(np.int64))
