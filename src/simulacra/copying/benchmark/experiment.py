"""The benchmark: copiers by pictures, each pair an ordinary run of the store, made on all cores, laid side by side."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from simulacra.copiers import Copier
from simulacra.copying.benchmark.crew import Task, work
from simulacra.copying.benchmark.picture_set import LONGEST_SIDE, PictureSet, picture_set
from simulacra.copying.benchmark.roster import controls, roster, slowest_first
from simulacra.copying.compare import Comparison, compare
from simulacra.copying.plan import Source
from simulacra.copying.read import read_run
from simulacra.copying.result import CopyResult
from simulacra.copying.sources import Size, open_sources
from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import PIXEL_LIMIT, picture_files
from simulacra.measures.meter import available_channels
from simulacra.runs import Store
from simulacra.runs.crew import Done, Failed, usual_workers
from simulacra.runs.progress import Silent, Watcher

TIMES = 30
"""Copies a chain: by then fast copiers have shown where they go, and slow ones that they are slow."""

SIZE = LONGEST_SIDE
"""Pixels of the longer side."""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark that is complete."""

    comparison: Comparison
    results: Mapping[str, tuple[CopyResult, ...]]  # by copier, one run a picture
    skipped: Mapping[str, str]  # copier that did not take part -> why
    pictures: PictureSet | None  # None for the user's own
    times: int
    size: Size
    command: str  # what a person types to make it again


def benchmark(
    copiers: Sequence[str] = (),
    pictures: Sequence[str | Path] = (),
    *,
    times: int = TIMES,
    size: Size = SIZE,
    workers: int | None = None,
    seed: int = 0,
    channels: Sequence[str] | None = None,
    store: Path | None = None,
    watcher: Watcher | None = None,
) -> Benchmark:
    """Copy every picture with every copier, beside the copier's own controls, and rank by excess drift.

    Each pair of copier and picture is a run of its own, so that work divides evenly, a benchmark with one copier or
    picture more takes all the others from the store, and the same call continues one that was stopped. The table does
    not depend on the number of workers. A script that calls this must hold it under `if __name__ == "__main__":`,
    because the workers import that script.

    Args:
        copiers: `family:key=value,...`; none means every copier that runs on this machine with its defaults.
        pictures: files, or folders of pictures; none means the set in the package.
        times: copies in each chain, 1 or more.
        size: longest side in pixels; larger pictures are shrunk to it first. "original" keeps all.
        workers: processes; None means one a core.
        seed: of every random draw.
        channels: names of what to measure; None means all channels but the slow ones.
        store: folder of the run store; None means that of the environment, or `./runs`.
        watcher: hears about progress; None for silence.

    Raises:
        UserError: bad input, with nothing written then; or a run could not be made, and the rest is kept.
    """
    watcher = watcher or Silent()
    if times < 1:
        raise UserError(f"--times is {times}; it must be 1 or more")
    if workers is not None and workers < 1:
        raise UserError(f"--workers is {workers}; it must be 1 or more")
    if not pictures and (size == "original" or size > LONGEST_SIDE):
        raise UserError(
            f"--size is {size}; the pictures of the benchmark have {LONGEST_SIDE} px, so give a --size up to that, or "
            "pictures of your own with --picture"
        )
    chosen = roster(copiers)
    own = [Path(picture) for picture in pictures]
    files = picture_files(own) if own else [picture.file for picture in picture_set().pictures]
    sources = open_sources(files, size, PIXEL_LIMIT)
    _check(chosen.copiers, sources)
    available_channels(channels)  # refuses a name that is none before any work
    folder = Store.open(store).folder
    if chosen.skipped:
        watcher.tell(
            f"taking no part, because they need more than their name: {', '.join(chosen.skipped)}; "
            "simulacra copiers says what"
        )
    tasks = [
        Task(
            copier.specification,
            file,
            times,
            size,
            controls(copier),
            None if channels is None else tuple(channels),
            seed,
            folder,
        )
        for copier in slowest_first(chosen.copiers)
        for file in files
    ]
    runs = _run(tasks, workers or usual_workers(), watcher)
    results: dict[str, list[CopyResult]] = {copier.specification: [] for copier in chosen.copiers}
    for task, run in zip(tasks, runs, strict=True):
        results[task.copier].append(read_run(run, folder))
    return Benchmark(
        compare([result for group in results.values() for result in group]),
        {copier: tuple(group) for copier, group in results.items()},
        chosen.skipped,
        None if own else picture_set(),
        times,
        size,
        _command(copiers, own, times, size, seed, channels),
    )


def _check(copiers: Sequence[Copier], sources: Sequence[Source]) -> None:
    """Refuse a picture that a copier cannot take before any work."""
    for copier in copiers:
        for source in sources:
            height, width = source.pixels.shape[:2]
            copier.size_rule.check(copier.specification, width, height)


@dataclass
class _Progress:
    """Steps of all tasks together, and sentences that every run would tell, once."""

    watcher: Watcher
    steps: dict[int, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def reached(self, number: int, steps: int) -> None:
        self.steps[number] = steps
        self.watcher.advance(sum(self.steps.values()))

    def tell(self, sentence: str) -> None:
        again = sentence.endswith("nothing was copied again")  # of each run when a benchmark is continued
        if not again and sentence not in self.told:
            self.told.add(sentence)
            self.watcher.tell(sentence)


def _run(tasks: Sequence[Task], workers: int, watcher: Watcher) -> list[str]:
    """The id of each task's run, all of them complete."""
    names: dict[int, str] = {}
    progress = _Progress(watcher)
    copiers, pictures = {task.copier for task in tasks}, {task.picture for task in tasks}
    watcher.begin(
        f"{_counted(len(copiers), 'copier')} by {_counted(len(pictures), 'picture')}, "
        f"{_counted(min(workers, len(tasks)), 'worker')}",
        sum(task.steps for task in tasks),
        0,
    )
    with closing(work(tasks, workers)) as events:
        for number, event in events:
            match event:
                case Done(run):
                    names[number] = run
                    progress.reached(number, tasks[number].steps)
                case Failed(message):
                    task = tasks[number]
                    raise UserError(f"{printable(Path(task.picture.stem))} with {task.copier}: {message}")
                case str():
                    progress.tell(event)
                case int():
                    progress.reached(number, event)
    watcher.end(f"{len(tasks)} runs")
    return [names[number] for number in range(len(tasks))]


def _command(
    copiers: Sequence[str],
    pictures: Sequence[Path],
    times: int,
    size: Size,
    seed: int,
    channels: Sequence[str] | None,
) -> str:
    words = ["simulacra", "benchmark"]
    words += [word for text in copiers for word in ("--copier", text)]
    words += [word for picture in pictures for word in ("--picture", str(picture))]
    for name, value, usual in (("--times", times, TIMES), ("--size", size, SIZE), ("--seed", seed, 0)):
        words += [name, str(value)] if value != usual else []
    words += [word for name in channels or () for word in ("--channel", name)]
    return shlex.join(words).encode(errors="backslashreplace").decode()


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
