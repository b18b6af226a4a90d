"""Threads inside one computation: as many as in a worker process, so that it does not matter where bits are made."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from simulacra.runs.crew import threads_each


@contextmanager
def as_in_a_worker() -> Iterator[None]:
    """As many threads of torch as a worker has, until the block ends."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads_each())
    try:
        yield
    finally:
        torch.set_num_threads(before)
