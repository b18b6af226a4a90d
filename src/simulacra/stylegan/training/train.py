"""The experiment: train a pair of networks on a set, and go on from anywhere by the same command."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Protocol

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.runs import Journal, Run, Store
from simulacra.runs.blobs import in_flight
from simulacra.sets import PictureSet
from simulacra.stylegan.networks import digest, save_network
from simulacra.stylegan.networks.growth import shrink
from simulacra.stylegan.training.calibration import (
    LAYOUTS,
    PRECISIONS,
    Machine,
    Wish,
    calibrate,
    computing,
    forecast,
    memory_needed,
    refuse_disk,
    refuse_memory,
)
from simulacra.stylegan.training.doctor import Finding, diverged, examine
from simulacra.stylegan.training.feeding import Feeding, check
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe
from simulacra.stylegan.training.records import CHECKPOINTS, EXPERIMENT, NETWORKS, SAMPLES, events
from simulacra.stylegan.training.samples import sample, write_grid
from simulacra.stylegan.training.schedule import grown_kimg
from simulacra.stylegan.training.state import Saved, TrainingState, read_state
from simulacra.stylegan.training.tensorboard import write_events
from simulacra.stylegan.training.trainer import Trainer
from simulacra.stylegan.use import Diverged, Grid, open_network, write_figure

GRID = 8
"""Pictures a row and a column of a sample grid."""
MOST_RETRIES = 3
"""Rollbacks to one and the same checkpoint before the training is given up."""
_SAVING_SHARE = 0.05
"""Of the time that saving checkpoints may take."""
_KEPT = 2


class Watcher(Protocol):
    """Hears where a training stands."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage of `total` pictures starts, `done` of them already shown."""

    def advance(self, done: int) -> None:
        """So many pictures have been shown."""

    def end(self, outcome: str) -> None:
        """The stage ends."""

    def tell(self, sentence: str) -> None:
        """Something the person should know."""


@dataclass(frozen=True)
class Pace:
    """How often what is written; none of it changes the networks."""

    tick_kimg: float = 1.0  # one line of numbers
    snapshot_kimg: float = 10.0  # a network and a grid of samples
    checkpoint_seconds: float = 60.0  # at least between two checkpoints
    tensorboard: bool = False  # event files too, at every snapshot

    def __post_init__(self) -> None:
        for name in ("tick_kimg", "snapshot_kimg"):
            if not (value := getattr(self, name)) > 0:
                raise UserError(f"--{name.replace('_', '-')} is {value}; it must be above 0, such as 1")


@dataclass(frozen=True)
class Trained:
    """A training at its end."""

    run: Run
    network: Path  # the averaged generator
    samples: Path  # a grid of its pictures
    kimg: float
    findings: tuple[str, ...]  # of the doctor, each cause once


def train(
    data: Path,
    recipe: Recipe,
    *,
    seed: int = 0,
    pace: Pace | None = None,
    wish: Wish | None = None,
    store: Path | None = None,
    command: str = "simulacra stylegan train",
    processes: Processes | None = None,
    device: torch.device | None = None,
    watcher: Watcher,
) -> Trained:
    """Train networks, or go on with the training that this call began earlier.

    A training that is stopped or killed at any moment and continued ends in the same bits as one that was not, with as
    many processes on the same machine and libraries. Where the doctor goes back to depends on when checkpoints were
    written, so a training that diverged is repeatable only as far as that.

    Args:
        data: zip or folder of the set.
        recipe: what is trained, and how.
        seed: of first weights and of every draw.
        pace: how often what is written.
        wish: how to compute; what it leaves open is measured. Kept from the first start on.
        store: folder of the run store; None means that of the environment, or `./runs`.
        command: what a person types to go on.
        processes: that train together, of which the first alone touches the store; None for this one alone.
        device: where; None for the processor.
        watcher: hears about progress.

    Raises:
        UserError: bad input, a machine that cannot hold the training, or a training that diverged for good.
    """
    processes = processes or Processes()
    pictures = PictureSet(data)
    check(pictures, recipe.description)
    for batch in recipe.batch.values():
        processes.share(batch)

    def opened() -> tuple[Path, Path]:
        run = Store.open(store).run(
            EXPERIMENT,
            recipe.description.family,
            {"recipe": recipe.to_json(), "set": pictures.digest, "seed": seed},
            {"data": str(data), "pictures": len(pictures), "recipe": recipe.to_json(), "seed": seed},
            command,
        )
        return run.store.folder, run.folder

    store_folder, folder = processes.decide(opened)
    training = _Training(
        Run(Store(store_folder), folder, command),
        pictures,
        recipe,
        seed,
        pace or Pace(),
        processes,
        device or torch.device("cpu"),
        watcher,
    )
    return training.result(wish or Wish())


class _Training:
    """One attempt at a run."""

    def __init__(
        self,
        run: Run,
        pictures: PictureSet,
        recipe: Recipe,
        seed: int,
        pace: Pace,
        processes: Processes,
        device: torch.device,
        watcher: Watcher,
    ) -> None:
        self._run = run
        self._pictures = pictures
        self._recipe = recipe
        self._seed = seed
        self._pace = pace
        self._processes = processes
        self._device = device
        self._watcher = watcher
        self._retries = 0  # from one and the same checkpoint
        self._findings: dict[str, str] = {}  # by cause

    def result(self, wish: Wish) -> Trained:
        if self._processes.decide(lambda: (self._run.done or {}).get("status") == "done"):
            self._watcher.tell(f"run {self._run.id} was already complete; nothing was trained again")
        elif self._processes.first:
            with self._run.writing() as journal:
                self._work(journal, wish)
        else:
            self._work(None, wish)
        name, findings = self._processes.decide(
            lambda: (max((self._run.folder / NETWORKS).glob("*.safetensors")).stem, tuple(self._told().values()))
        )
        return Trained(
            self._run,
            self._run.folder / NETWORKS / f"{name}.safetensors",
            self._run.folder / SAMPLES / f"{name}.png",
            self._recipe.kimg,
            findings,
        )

    def _work(self, journal: Journal | None, wish: Wish) -> None:
        recipe = self._recipe
        machine = self._processes.decide(lambda: self._machine(journal, wish))
        state = TrainingState(recipe, self._seed, self._device, LAYOUTS[machine.layout])
        if journal is not None:
            self._findings = self._told()
            for left in filter(in_flight, list(self._run.folder.rglob("*"))):  # by an attempt that was killed
                left.unlink(missing_ok=True)
        if not self._load(state):
            self._checkpoint(journal, state)  # to go back to, should the first steps diverge
        feeding = Feeding(self._pictures, recipe.description, self._seed, recipe.mirror, self._device, self._processes)
        worker = Trainer(state, feeding, self._seed, self._processes, PRECISIONS[machine.precision])
        self._watcher.begin(f"training {self._run.id}", recipe.images, state.position.images)
        try:
            with computing(machine), _polite() as stopping:
                self._loop(journal, worker, feeding, stopping)
        finally:
            feeding.close()
        self._watcher.end(f"{recipe.kimg:g} kimg")

    def _loop(self, journal: Journal | None, worker: Trainer, feeding: Feeding, stopping: "_Stopping") -> None:
        state, pace, length = worker.state, self._pace, self._recipe.images
        clock = _Clock(state.position.images)
        while state.position.images < length:
            before = state.position.images
            worker.step()
            now = state.position.images
            self._watcher.advance(now)
            fatal: Finding | None = None
            if _passed(before, now, pace.tick_kimg) or now >= length:
                fatal = self._tick(journal, worker, *clock.tick(now, feeding.waited))
            asked, due = self._processes.any(stopping.asked, clock.overdue(pace.checkpoint_seconds))
            snapshot = _passed(before, now, pace.snapshot_kimg) or now >= length
            saving = snapshot or asked or due
            if fatal is None and saving:
                with clock.saving():
                    fatal = self._save(journal, state, worker.stage.lod if snapshot else None)
            if fatal is not None:
                self._roll_back(journal, worker, fatal)
            if asked:
                raise KeyboardInterrupt
        if journal is not None:
            journal.finish("done", kimg=state.position.images / 1000, network=digest(state.average))

    def _machine(self, journal: Journal | None, wish: Wish) -> Machine:
        """How to compute: as at the first start, or the fastest way here."""
        for event in events(self._run, "machine"):
            machine = Machine(**event["machine"])
            self._watcher.tell(f"going on with {machine}, as at the first start")
            return machine
        self._watcher.tell("measuring what this training needs, and which way of computing is fastest here")
        needed = memory_needed(self._recipe, self._processes)
        if self._device.type == "cpu":  # of a GPU it takes none
            needed += self._pictures.kept_bytes
        refuse_memory(needed, self._device)
        machine, seconds = calibrate(self._recipe, self._device, wish)
        snapshots = int(self._recipe.kimg / self._pace.snapshot_kimg) + 1
        expected = forecast(self._recipe, seconds, needed, snapshots, self._processes)
        refuse_disk(expected.disk_bytes, self._run.folder)
        self._watcher.tell(f"{expected}; computing with {machine}")
        if self._recipe.kimg < (grown := grown_kimg(self._recipe)):
            self._watcher.tell(
                f"these networks grow for {grown:g} kimg and the training ends after {self._recipe.kimg:g}: its "
                "pictures will be coarser ones, enlarged; give a longer --kimg, or a larger --set grow-from"
            )
        if journal is not None:
            journal.append("machine", machine=machine.to_json(), forecast=expected.to_json())
        return machine

    def _load(self, state: TrainingState) -> bool:
        """Take over the newest checkpoint, if there is one."""
        saved = self._processes.decide(lambda: _newest(self._run.folder / CHECKPOINTS))
        if saved is not None:
            state.take(saved)
        return saved is not None

    def _tick(
        self, journal: Journal | None, worker: Trainer, seconds_a_kimg: float, waiting_share: float
    ) -> Finding | None:
        """One line of numbers, and the doctor's look at them; what is fatal comes back."""
        means = worker.take_sums().means(self._processes)
        return self._processes.decide(lambda: self._look(journal, worker, means, seconds_a_kimg, waiting_share))

    def _look(
        self,
        journal: Journal | None,
        worker: Trainer,
        means: Mapping[str, float],
        seconds_a_kimg: float,
        waiting_share: float,
    ) -> Finding | None:
        state, lod = worker.state, worker.stage.lod
        kimg, count = state.position.images / 1000, 2 * GRID
        labels = self._labels(count)
        made = sample(state.average, list(range(count)), labels, lod)
        real = shrink(self._real(count), lod)
        findings = examine(self._recipe, kimg, means, state.average, made, real, labels, lod)
        if journal is None:
            return None
        for finding in findings:
            if finding.cause not in self._findings and not finding.fatal:
                self._watcher.tell(f"at {kimg:g} kimg: {finding}")
                journal.append("finding", kimg=kimg, cause=finding.cause, sentence=str(finding))
                self._findings[finding.cause] = str(finding)
        journal.append(
            "tick",
            kimg=kimg,
            steps=state.position.steps,
            lod=lod,
            resolution=worker.stage.resolution,
            augment=state.position.augment,
            seconds_a_kimg=seconds_a_kimg,
            waiting_share=waiting_share,
            findings=[finding.cause for finding in findings],
            means={name: value if isfinite(value) else None for name, value in means.items()},
        )
        return next((finding for finding in findings if finding.fatal), None)

    def _roll_back(self, journal: Journal | None, worker: Trainer, fatal: Finding) -> None:
        """Go back to the last checkpoint and on from there with other draws."""
        state = worker.state
        draws = state.position.retries + 1
        self._retries += 1
        if self._retries > MOST_RETRIES:
            raise UserError(f"the training diverged {self._retries} times from the same checkpoint: {fatal}")
        self._load(state)
        state.position.retries = draws
        worker.look_again()
        kimg = state.position.images / 1000
        self._watcher.tell(f"{fatal}; going back to {kimg:g} kimg")
        if journal is not None:
            journal.append("rolled-back", cause=fatal.cause, sentence=str(fatal), kimg=kimg, retries=draws)

    def _save(self, journal: Journal | None, state: TrainingState, lod: float | None) -> Finding | None:
        """A checkpoint, and at a level of detail a snapshot; neither where there are no numbers any more."""
        if not state.finite:
            return diverged(self._recipe, "the networks")
        if lod is not None and self._processes.decide(lambda: self._snapshot(journal, state, lod)):
            return diverged(self._recipe, "pictures")
        self._checkpoint(journal, state)
        return None

    def _snapshot(self, journal: Journal | None, state: TrainingState, lod: float) -> bool:
        """The averaged generator as a file, and a grid of its pictures; whether they are no numbers any more."""
        if journal is None:
            return False
        kimg, folder, count = state.position.images / 1000, self._run.folder, GRID * GRID
        name = _name(state.position.images)
        for part in (NETWORKS, SAMPLES):
            (folder / part).mkdir(exist_ok=True)
        if not (folder / SAMPLES / "real.png").exists():
            write_grid(self._real(count), GRID, folder / SAMPLES / "real.png")
        notes = {"run": self._run.id, "kimg": kimg, "set": self._pictures.digest, "seed": self._seed, "lod": lod}
        if self._pictures.real:
            notes["generation"] = 0
        network = folder / NETWORKS / f"{name}.safetensors"
        save_network(state.average, network, notes)
        maker, samples = open_network(network, device=str(self._device)), folder / SAMPLES / f"{name}.png"
        samples.unlink(missing_ok=True)  # of an attempt that ended before its checkpoint
        try:
            write_figure(Grid.of(seeds=tuple(range(count)), columns=GRID), maker, samples)
        except Diverged:
            network.unlink()
            return True
        journal.append("snapshot", kimg=kimg, name=name, network=maker.network)
        if self._pace.tensorboard:
            write_events(self._run)
        return False

    def _checkpoint(self, journal: Journal | None, state: TrainingState) -> None:
        """The whole state; the newest two are kept."""
        self._retries = 0
        if journal is None:
            return
        folder = self._run.folder / CHECKPOINTS
        folder.mkdir(exist_ok=True)
        path = folder / f"{_name(state.position.images)}.safetensors"
        state.save(path)
        journal.append("checkpoint", kimg=state.position.images / 1000, file=f"{CHECKPOINTS}/{path.name}")
        for old in sorted(folder.glob("*.safetensors"))[:-_KEPT]:
            old.unlink()

    def _told(self) -> dict[str, str]:
        """What the doctor found so far, by cause, in the words of the first time."""
        return {event["cause"]: event["sentence"] for event in events(self._run, "finding")}

    def _labels(self, count: int) -> Tensor | None:
        """Labels of the pictures that `_real` gives."""
        if not self._recipe.description.labels or self._pictures.labels is None:
            return None
        return torch.from_numpy(self._pictures.labels[self._spread(count)])

    def _real(self, count: int) -> Tensor:
        """Real pictures, shape (N, C, H, W), in [-1, 1]."""
        pictures = torch.from_numpy(self._pictures.pictures(self._spread(count))).float().div_(127.5).sub_(1)
        return pictures.expand(-1, max(pictures.shape[1], self._recipe.description.colours), -1, -1)

    def _spread(self, count: int) -> list[int]:
        """Pictures spread over the set."""
        return [index * max(1, len(self._pictures) // count) % len(self._pictures) for index in range(count)]


class _Clock:
    """Seconds a kimg since the last tick, and since the last checkpoint."""

    def __init__(self, images: int) -> None:
        self._ticked = self._saved = perf_counter()
        self._images = images
        self._waited = 0.0
        self._took = 0.0

    def tick(self, images: int, waited: float) -> tuple[float, float]:
        """Seconds a kimg, and the share of the time spent waiting for pictures, since the last tick."""
        now = perf_counter()
        passed = max(1e-9, now - self._ticked)
        result = 1000 * passed / max(1, images - self._images), (waited - self._waited) / passed
        self._ticked, self._images, self._waited = now, images, waited
        return result

    def overdue(self, seconds: float) -> bool:
        """Whether the last checkpoint is so old, and saving another will not take too much of the time."""
        return perf_counter() - self._saved > max(seconds, self._took / _SAVING_SHARE)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Saving happens in the block."""
        began = perf_counter()
        yield
        self._saved = perf_counter()
        self._took = self._saved - began


@dataclass
class _Stopping:
    """Whether somebody asked to stop."""

    asked: bool = False


@contextmanager
def _polite() -> Iterator[_Stopping]:
    """In the block, the first interruption waits for the step in flight and a checkpoint; the second does not."""
    stopping = _Stopping()

    def ask(number: int, frame: FrameType | None) -> None:
        if stopping.asked:
            raise KeyboardInterrupt
        stopping.asked = True

    kinds = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {kind: signal.signal(kind, ask) for kind in kinds}
    except ValueError:  # not the main thread, where signals arrive
        yield stopping
        return
    try:
        yield stopping
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _newest(folder: Path) -> Saved | None:
    path = max(folder.glob("*.safetensors"), default=None)
    return None if path is None else read_state(path)


def _name(images: int) -> str:
    """Names whose order is that of the training."""
    return f"{images:09d}"


def _passed(before: int, now: int, kimg: float) -> bool:
    """Whether a multiple of `kimg` lies in (before, now]."""
    every = 1000 * kimg
    return now // every > before // every
