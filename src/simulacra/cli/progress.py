"""Progress on the terminal: a bar with the time left, or plain lines where there is no terminal."""

import sys
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

_EVERY_SECONDS = 10.0
"""Between two plain lines of one stage."""


class Bars:
    """Bars on a terminal, one a stage, each with the time left; on standard error, for results go to the other."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True), markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(stderr=True),
            expand=True,
        )
        self._stage, self._task = "", TaskID(0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, stage: str, total: int, done: int) -> None:
        """A new bar."""
        self._stage = stage
        self._task = self._progress.add_task(stage, total=total, completed=done)

    def advance(self, done: int) -> None:
        """Move the newest bar."""
        self._progress.update(self._task, completed=done)

    def end(self, outcome: str) -> None:
        """Close the newest bar: a chain that settled early is complete all the same."""
        done = self._progress.tasks[-1].completed
        self._progress.update(
            self._task, total=max(done, 1), completed=max(done, 1), description=f"{self._stage}: {outcome}"
        )

    def tell(self, sentence: str) -> None:
        """A line above the bars."""
        self._progress.console.print(sentence, markup=False, highlight=False)


class Lines:
    """Plain lines on standard error, at most one every ten seconds a stage."""

    def __init__(self) -> None:
        self._stage, self._total, self._began, self._printed, self._first = "", 0, 0.0, 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, stage: str, total: int, done: int) -> None:
        """Remember the stage; the first line comes when there is something to say."""
        self._stage, self._total, self._first = stage, total, done
        self._began = self._printed = monotonic()

    def advance(self, done: int) -> None:
        """A line with the time left, if the last one is old enough."""
        now = monotonic()
        if now - self._printed >= _EVERY_SECONDS and done > self._first:
            self._printed = now
            left = (now - self._began) / (done - self._first) * (self._total - done)
            self.tell(f"{self._stage}: {done} of {self._total}, about {left:.0f} s left")

    def end(self, outcome: str) -> None:
        """A line with the outcome."""
        self.tell(f"{self._stage}: {outcome}")

    def tell(self, sentence: str) -> None:
        """One line."""
        print(sentence, file=sys.stderr, flush=True)


def progress() -> Bars | Lines:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()
