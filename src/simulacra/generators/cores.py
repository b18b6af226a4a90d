"""Calls side by side, each on one core, so that no result depends on how many cores there are.

Matrix products are summed in an order that depends on how many threads share the work. Here a piece of work is always
cut into the same parts, and each part is computed by one thread.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import torch

_Result = TypeVar("_Result")


class Cores:
    """A context that runs calls on as many cores as torch may use."""

    def __enter__(self) -> Self:
        self._threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self._threads, "generator", _one_thread) if self._threads > 1 else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            # A worker's setting is its own thread's, but also what threads started later begin with.
            torch.set_num_threads(self._threads)

    def run(self, calls: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """The results in the order of the calls; the first error is raised here."""
        if self._pool is None:
            return [call() for call in calls]
        return list(self._pool.map(_called, calls))


def _one_thread() -> None:
    torch.set_num_threads(1)


def _called(call: Callable[[], _Result]) -> _Result:
    return call()
