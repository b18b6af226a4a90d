"""Worker processes: one run at a time each, told apart by pipe, so that each ends by itself when its parent does.

Each process computes on one core: a picture is too small for threads to help each other, and sums that are split
over as many threads as there happen to be cores would make the table depend on the number of workers. Whoever sets
OMP_NUM_THREADS has that many threads in each.
"""

import os
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock, current_thread, main_thread

from simulacra.copiers import Copier, make
from simulacra.copying.experiment import copy
from simulacra.copying.sources import Size
from simulacra.errors import UserError

THREADS = "OMP_NUM_THREADS"
"""Environment variable: threads inside each worker, 1 unless it is set."""

MOST_WORKERS = 8
"""Started unasked: each holds a copy of torch and of a network in memory."""

_GRACE_SECONDS = 5.0
"""Between the word that work is over and the end of a worker in the middle of a copy; a run survives that."""


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
    def steps(self) -> int:
        """Of progress: a copy and its measures."""
        return 2 * self.times


@dataclass(frozen=True)
class Done:
    """A run is complete."""

    run: str  # its id


@dataclass(frozen=True)
class Failed:
    """A run could not be made, for a reason the user can do something about."""

    message: str


Event = int | str | Done | Failed
"""What a worker says: steps of its task that are stored, a sentence to tell, or how the task ended."""


def usual_workers() -> int:
    """One worker a core that this process may use, divided by the threads of each; at most `MOST_WORKERS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get(THREADS, "")
    threads = int(asked) if asked.isdecimal() and int(asked) else 1
    return max(1, min(MOST_WORKERS, cores // threads))


def work(tasks: Sequence[Task], workers: int) -> Generator[tuple[int, Event]]:
    """Do all tasks in worker processes, in order, each as soon as a worker is free.

    Args:
        tasks: runs to make, no two the same.
        workers: processes, 1 or more.

    Yields:
        The position of a task, and what its worker says of it.

    Raises:
        UserError: a worker was killed; what it had stored is kept.
        RuntimeError: a worker failed, a fault of ours.
    """
    waiting = list(enumerate(tasks))[::-1]
    with _crew(min(workers, len(tasks))) as crew:
        busy: dict[Connection, int] = {}
        for pipe in crew:
            busy[pipe] = _give(pipe, waiting)
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                number = busy[pipe]
                try:
                    event: Event = pipe.recv()
                except (EOFError, ConnectionResetError):
                    raise _died(crew[pipe], tasks[number]) from None
                if isinstance(event, Done | Failed):
                    del busy[pipe]
                    if waiting:
                        busy[pipe] = _give(pipe, waiting)
                yield number, event


def _give(pipe: Connection, waiting: list[tuple[int, Task]]) -> int:
    number, task = waiting.pop()
    with suppress(BrokenPipeError):  # it died; reading from it says so
        pipe.send(task)
    return number


def _died(process: BaseProcess, task: Task) -> Exception:
    """What the silence of a worker means: it was killed, or it failed and its traceback stands on the terminal."""
    process.join(_GRACE_SECONDS)
    which = f"the worker that copied {task.picture.stem} with {task.copier}"
    if process.exitcode is not None and process.exitcode < 0:
        return UserError(
            f"{which} was ended by signal {-process.exitcode}, as when memory runs out; the same command continues "
            "where it stopped, and --workers 1 takes the least memory"
        )
    return RuntimeError(f"{which} ended with exit code {process.exitcode}")


@contextmanager
def _crew(count: int) -> Iterator[dict[Connection, BaseProcess]]:
    """Processes that wait for tasks, by the pipe to each. When the block ends, so do they."""
    context = get_context("spawn")  # a fork of a process in which torch has started its threads may hang
    crew: dict[Connection, BaseProcess] = {}
    try:
        with _inheritance():
            for _ in range(count):
                here, there = context.Pipe()
                process: BaseProcess = context.Process(target=_serve, args=(there,), daemon=True)
                process.start()
                there.close()  # or the end of the worker would not be heard here
                crew[here] = process
        yield crew
    finally:
        for pipe in crew:
            pipe.close()
        for process in crew.values():
            process.join(_GRACE_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join()


@contextmanager
def _inheritance() -> Iterator[None]:
    """What workers start with: the number of threads, and no ear for Ctrl-C, which this process hears for all."""
    before = os.environ.get(THREADS)
    os.environ.setdefault(THREADS, "1")
    listens = current_thread() is main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if listens else None
    try:
        yield
    finally:
        if listens:
            signal.signal(signal.SIGINT, handler)
        if before is None:
            del os.environ[THREADS]


def _serve(pipe: Connection) -> None:
    """A worker: makes runs until nobody listens any more."""
    held: Copier | None = None  # its network stays loaded while its tasks follow each other
    with suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        while True:
            task: Task = pipe.recv()
            try:
                if held is None or held.specification != task.copier:
                    held = make(task.copier)
                pipe.send(Done(_make(task, held, pipe)))
            except UserError as error:
                pipe.send(Failed(str(error)))


def _make(task: Task, copier: Copier, pipe: Connection) -> str:
    result = copy(
        task.picture,
        copier=copier,
        times=task.times,
        size=task.size,
        controls=task.controls,
        seed=task.seed,
        channels=task.channels,
        store=task.store,
        watcher=_Teller(pipe, task.times),
    )
    return result.folder.name


class _Teller:
    """Watches one run and tells the parent how many of its steps are stored."""

    def __init__(self, pipe: Connection, times: int) -> None:
        self._pipe = pipe
        self._times = times
        self._lock = Lock()  # chains that are made together advance from several threads
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
            self._send(self._start + self._times * done // self._total)

    def end(self, outcome: str) -> None:
        """Nothing: the next stage says it."""

    def tell(self, sentence: str) -> None:
        """Pass it on."""
        self._send(sentence)

    def _send(self, event: Event) -> None:
        """Tell the parent.

        Raises:
            KeyboardInterrupt: it has ended, so that this run stops as if interrupted.
        """
        with self._lock:
            try:
                self._pipe.send(event)
            except (BrokenPipeError, ConnectionResetError):
                raise KeyboardInterrupt from None
