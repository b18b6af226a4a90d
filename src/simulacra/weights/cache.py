"""The local cache of weights: one file per digest, shared by every network and every version that names it."""

import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from hashlib import file_digest
from pathlib import Path

from platformdirs import user_cache_path

from simulacra.errors import MissingWeights, UserError
from simulacra.weights.table import File, Network, network

FOLDER = "SIMULACRA_WEIGHTS"
"""Environment variable: the folder of the cache; unset means the user's cache folder of the system."""


class State(StrEnum):
    """What the cache holds of a network."""

    READY = "ready"
    MISSING = "missing"
    DAMAGED = "damaged"


def folder() -> Path:
    """The folder of the cache; it may not exist yet."""
    given = os.environ.get(FOLDER)
    return Path(given).expanduser() if given else user_cache_path("simulacra", appauthor=False) / "weights"


def find(name: str, file: str | None = None) -> Path:
    """The path of one file of a network. Only its size is checked here, which costs nothing; `digest` reads it all.

    Args:
        name: entry of the weights table, such as "realesrgan-x4plus".
        file: which of its files, such as "x4plus.bin"; None when it has only one.

    Raises:
        MissingWeights: the file is not on this machine, or is damaged; the message says what to type.
        UserError: the table has no such entry.
    """
    entry = network(name)
    wanted = entry.file(file)
    _refuse_unless_ready(entry, _state(wanted))
    return path_of(wanted)


def digest(name: str, files: Sequence[str] | None = None) -> dict[str, str]:
    """SHA-256 (hex) of a network's files by name, computed from what lies on the disk, once a process and file.

    Args:
        name: entry of the weights table.
        files: which of its files; None means all.

    Raises:
        MissingWeights: a file is not on this machine, or is not what the table says; the message says what to type.
        UserError: the table has no such entry.
    """
    entry = network(name)
    wanted = entry.files if files is None else tuple(entry.file(file) for file in files)
    for file in wanted:
        _refuse_unless_ready(entry, _state(file, thorough=True))
    return {file.name: file.sha256 for file in wanted}


def state(name: str) -> State:
    """What the cache holds of a network, judged by the sizes of its files."""
    return _worst(_state(file) for file in network(name).files)


def verify(name: str) -> State:
    """What the cache holds of a network, judged by reading every byte of its files again."""
    digest_on_disk.cache_clear()
    return _worst(_state(file, thorough=True) for file in network(name).files)


def path_of(file: File) -> Path:
    """Where the cache keeps a file, present or not."""
    return folder() / file.stored


def _worst(states: Iterable[State]) -> State:
    """One word for several files: damaged if one is, else missing if one is."""
    found = set(states)
    return next((state for state in (State.DAMAGED, State.MISSING) if state in found), State.READY)


def _refuse_unless_ready(entry: Network, state: State) -> None:
    if state is not State.READY:
        fault = "are not on this machine" if state is State.MISSING else "on this machine are damaged"
        raise MissingWeights(
            f"the weights {entry.name} {fault}; type: simulacra weights get {entry.name}", (entry.name,)
        )


def _state(file: File, *, thorough: bool = False) -> State:
    path = path_of(file)
    try:
        found = path.stat()
        whole = found.st_size == file.size and (not thorough or digest_on_disk(path, found.st_mtime_ns) == file.sha256)
    except (FileNotFoundError, NotADirectoryError):
        return State.MISSING
    except OSError as error:
        raise UserError(
            f"cannot read the weights cache {folder()}: {error.strerror}; mend it, or set {FOLDER} to another folder"
        ) from error
    return State.READY if whole else State.DAMAGED


@cache
def digest_on_disk(path: Path, modified_ns: int) -> str:
    """SHA-256 (hex) of a file, read once a process and state of the file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
