"""Files that are whole or absent: written under another name, brought to the disk, then moved into place."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from simulacra.errors import UserError
from simulacra.runs.faults import reach

IN_FLIGHT = ".in-flight"
"""In the name of a file that is still being written, or was when its process died. Readers skip such names."""

BINARY = getattr(os, "O_BINARY", 0)
"""Keeps Windows from changing line feeds; other systems have no such flag."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StoreFull(UserError):
    """The disk, the quota or the file-size limit is used up. What was stored before is whole."""


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn what the file system answers into a sentence: it is the machine's fault, not this program's.

    Raises:
        StoreFull: no space is left.
        UserError: the folder cannot be written for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"the disk of {folder} is full ({error.strerror}); everything stored so far is whole: free some space, "
                "and the same command continues"
            ) from error
        raise UserError(
            f"{folder} cannot be written ({error.strerror}); make it writable, or name another folder"
        ) from error


def place(path: Path, data: bytes, file: str, *, mode: int = 0o644, durable: bool = True) -> None:
    """Write a file so that a reader finds either all of it or what was there before, whatever happens meanwhile.

    Args:
        path: where it goes; its folder exists.
        data: all of it.
        file: what it is, the first word of its write points.
        mode: permissions, narrowed by the umask.
        durable: whether it must survive a power failure; False spares two waits for the disk.

    Raises:
        OSError: the file system refuses; nothing is left behind then.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}{IN_FLIGHT}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
    try:
        try:
            reach(f"{file}-opened")
            write_all(descriptor, data)
            reach(f"{file}-written")
            if durable:
                os.fsync(descriptor)
            reach(f"{file}-synced")
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)
    reach(f"{file}-placed")


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it: one call to the system may take only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; systems that cannot open a folder do so by themselves."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
