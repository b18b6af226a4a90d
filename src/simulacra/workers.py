"""Calls side by side, each on one core, on as many cores as torch may use.

A picture is too small for the threads inside torch's operations: they wait for each other some hundred times a frame,
and where another program holds a core, such a wait lasts until the system takes that core away from it. And what one
thread adds up has the same bits on any number of cores.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import torch

Result = TypeVar("Result")


class Workers:
    """A context that runs calls, each on a thread of its own core."""

    def __init__(self, *, gradients: bool = False) -> None:
        """Prepare; `gradients` says whether autograd follows the calls."""
        self._gradients = gradients

    def __enter__(self) -> Self:
        self._cores = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self._cores, "worker", _one_core) if self._cores > 1 else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            # A worker's setting is its own thread's, but also what threads started later begin with.
            torch.set_num_threads(self._cores)

    def run(self, calls: Iterable[Callable[[], Result]]) -> list[Result]:
        """The results in the order of the calls; the first error is raised here."""
        if self._pool is None:
            return [self._called(call) for call in calls]
        return list(self._pool.map(self._called, calls))

    def _called(self, call: Callable[[], Result]) -> Result:
        with torch.set_grad_enabled(self._gradients):  # which every thread has of its own
            return call()


def _one_core() -> None:
    torch.set_num_threads(1)
