"""Worker processes: one run at a time each, told apart by pipe, so that each ends by itself when its parent does.

Each process computes on one core: most work here is too small for threads to help each other, and sums that are split
over as many threads as there happen to be cores would make results depend on the number of workers. Whoever sets
OMP_NUM_THREADS has that many threads in each.
"""

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Lock, current_thread, main_thread
from typing import Protocol, TypeVar

from simulacra.errors import UserError
from simulacra.runs.manifest import usable_cores

THREADS = "OMP_NUM_THREADS"
"""Environment variable: threads inside each worker, 1 unless it is set."""

MOST_WORKERS = 8
"""Started unasked: each holds a copy of torch and of a network in memory."""

_GRACE_SECONDS = 5.0
"""Between the word that work is over and the end of a worker in the middle of a step; a run survives that."""


class Named(Protocol):
    """A task, which has to be picklable."""

    @property
    def name(self) -> str:
        """What the worker does with it, such as "copied face with jpeg": for the sentence when it dies."""


Task = TypeVar("Task", bound=Named)


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

Tell = Callable[[int | str], None]
"""How the maker of a run says how far it is, and what a person should know.

It raises KeyboardInterrupt when the parent has ended, so that the run stops as if interrupted. Threads may share it.
"""


def threads_each() -> int:
    """Threads inside each worker."""
    asked = os.environ.get(THREADS, "")
    return int(asked) if asked.isdecimal() and int(asked) else 1


def usual_workers() -> int:
    """One worker a core that this process may use, divided by the threads of each; at most `MOST_WORKERS`."""
    return max(1, min(MOST_WORKERS, usable_cores() // threads_each()))


def work(
    tasks: Sequence[Task], maker: Callable[[], Callable[[Task, Tell], str]], workers: int
) -> Generator[tuple[int, Event]]:
    """Do all tasks in worker processes, in order, each as soon as a worker is free.

    Args:
        tasks: runs to make, no two the same.
        maker: called once in each worker, gives what makes a run of a task and returns its id; a function of a module,
            so that it can be found there. What it holds stays while tasks follow each other.
        workers: processes, 1 or more.

    Yields:
        The position of a task, and what its worker says of it.

    Raises:
        UserError: a worker was killed; what it had stored is kept.
        RuntimeError: a worker failed, a fault of ours.
    """
    waiting = list(enumerate(tasks))[::-1]
    with _crew(min(workers, len(tasks)), maker) as crew:
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
                    raise _died(crew[pipe], tasks[number].name) from None
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


def _died(process: BaseProcess, name: str) -> Exception:
    """What the silence of a worker means: it was killed, or it failed and its traceback stands on the terminal."""
    process.join(_GRACE_SECONDS)
    which = f"the worker that {name}"
    if process.exitcode is not None and process.exitcode < 0:
        return UserError(
            f"{which} was ended by signal {-process.exitcode}, as when memory runs out; the same command continues "
            "where it stopped, and one worker takes the least memory"
        )
    return RuntimeError(f"{which} ended with exit code {process.exitcode}")


@contextmanager
def _crew(count: int, maker: Callable[[], Callable[[Task, Tell], str]]) -> Iterator[dict[Connection, BaseProcess]]:
    """Processes that wait for tasks, by the pipe to each. When the block ends, so do they."""
    context = get_context("spawn")  # a fork of a process in which torch has started its threads may hang
    crew: dict[Connection, BaseProcess] = {}
    try:
        with _inheritance():
            for _ in range(count):
                here, there = context.Pipe()
                process: BaseProcess = context.Process(target=_serve, args=(there, maker), daemon=True)
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


def _serve(pipe: Connection, maker: Callable[[], Callable[[Task, Tell], str]]) -> None:
    """A worker: makes runs until nobody listens any more."""
    lock = Lock()  # what is made together tells from several threads

    def tell(event: int | str) -> None:
        with lock:
            try:
                pipe.send(event)
            except (BrokenPipeError, ConnectionResetError):
                raise KeyboardInterrupt from None

    with suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        make = maker()
        while True:
            task: Task = pipe.recv()
            try:
                pipe.send(Done(make(task, tell)))
            except UserError as error:
                pipe.send(Failed(str(error)))
