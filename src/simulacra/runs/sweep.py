"""Collection of what nobody needs: mark every blob a journal names, sweep the others and all unfinished files."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from simulacra.errors import UserError
from simulacra.runs.atomic import writing_to
from simulacra.runs.blobs import in_flight
from simulacra.runs.journal import JOURNAL, named_blobs, read_lines
from simulacra.runs.run import Run
from simulacra.runs.store import Store


@dataclass(frozen=True)
class Sweep:
    """What a sweep removes, or would."""

    blobs: tuple[str, ...]  # named by no journal
    leftovers: tuple[Path, ...]  # never finished
    bytes: int  # in both together
    kept: int  # blobs that journals name
    dry: bool  # whether all of it is still there


def gc(store: Store, *, dry: bool = True) -> Sweep:
    """Remove the blobs that no journal names, and files that were never finished.

    To delete a run, delete its folder first; `gc` then frees the frames that no other run has.

    Args:
        store: what to sweep.
        dry: only say what would be removed.

    Raises:
        UserError: a journal is damaged, so that nobody knows what it needs; or, unless dry, a run is being written,
            whose newest blobs no journal names yet.
    """
    with nullcontext() if dry else _alone(store):
        needed = _marked(store)
        blobs = tuple(digest for digest in store.blobs if digest not in needed)
        leftovers = tuple(path for path in sorted(store.folder.rglob("*")) if in_flight(path))
        paths = [*(store.blobs.path(digest) for digest in blobs), *leftovers]
        size = 0
        for path in paths:
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        if not dry:
            with writing_to(store.folder):
                for path in paths:
                    path.unlink(missing_ok=True)
    return Sweep(blobs, leftovers, size, len(needed), dry)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Keep every run from being written until the sweep is over.

    A writer takes its run's lock first and then waits for the sweep's; so one that this finds no lock of will wait.
    """
    if store.readonly:
        raise UserError(f"the store {store.folder} was opened for reading; nothing can be swept there")
    try:
        lock = store.sweep_lock(timeout=0).acquire()
    except Timeout:
        raise UserError(f"the store {store.folder} is being swept already; wait until that gc is done") from None
    with lock:
        for folder in store.folders():
            Run(store, folder).lock().refuse_if_held()
        yield


def _marked(store: Store) -> set[str]:
    needed: set[str] = set()
    for journal in store.folder.glob(f"*/{JOURNAL}"):  # every one, also where spec.json is lost
        for line in read_lines(journal):
            needed.update(named_blobs(line.event))
    return needed
