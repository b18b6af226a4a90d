"""What a worker of the benchmark does: one run at a time, with the copier's network kept from task to task."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulacra.copiers import Copier, make
from simulacra.copying.experiment import copy
from simulacra.copying.sources import Size
from simulacra.runs import crew
from simulacra.runs.crew import Tell


@dataclass(frozen=True)
class Task:
    """One run to make: one copier, one picture."""

    copier: str
    picture: Path
    times: int
    size: Size
    controls: tuple[str, ...]
    channels: tuple[str, ...] | None
    seed: int
    store: Path

    @property
    def name(self) -> str:
        """What is done, in the past tense."""
        return f"copied {self.picture.stem} with {self.copier}"

    @property
    def steps(self) -> int:
        """Of progress: a copy and its measures."""
        return 2 * self.times


def work(tasks: Sequence[Task], workers: int) -> Generator[tuple[int, crew.Event]]:
    """Make all runs in worker processes; see `simulacra.runs.crew.work`."""
    return crew.work(tasks, _maker, workers)


def _maker() -> Callable[[Task, Tell], str]:
    held: Copier | None = None  # its network stays loaded while its tasks follow each other

    def make_run(task: Task, tell: Tell) -> str:
        nonlocal held
        if held is None or held.specification != task.copier:
            held = make(task.copier)
        result = copy(
            task.picture,
            copier=held,
            times=task.times,
            size=task.size,
            controls=task.controls,
            seed=task.seed,
            channels=task.channels,
            store=task.store,
            watcher=_Teller(tell, task.times),
        )
        return result.folder.name

    return make_run


class _Teller:
    """Watches one run and tells the parent how many of its steps are stored."""

    def __init__(self, tell: Tell, times: int) -> None:
        self._tell = tell
        self._times = times
        self._stages = 0
        self._total = 1
        self._start: int | None = None  # steps before the stage; None while it is about a control

    def begin(self, stage: str, total: int, done: int) -> None:
        """The first stage is the model's chain, the last one measures; the controls between are short."""
        self._start = self._times if stage == "measuring" else None if self._stages else 0
        self._stages, self._total = self._stages + 1, max(total, 1)
        self.advance(done)

    def advance(self, done: int) -> None:
        """Tell, unless it is about a control."""
        if self._start is not None:
            self._tell(self._start + self._times * done // self._total)

    def end(self, outcome: str) -> None:
        """Nothing: the next stage says it."""

    def tell(self, sentence: str) -> None:
        """Pass it on."""
        self._tell(sentence)
