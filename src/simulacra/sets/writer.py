"""Writing the zip of a set: whole or absent, and the same bytes for the same pictures."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.names import printable

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can state. One time for all, so that the bytes depend on the pictures only."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_PER_ENTRY = 400
"""Bytes beside the pixels: chunks of the PNG, two headers of the zip with their names."""

Write = Callable[[str, bytes], None]
"""Adds a file to the zip: its name and its bytes."""


@contextmanager
def new_zip(path: Path) -> Iterator[Write]:
    """A new uncompressed zip, which appears under its name when all of it is on the disk.

    Raises:
        UserError: the path is taken, not a .zip or in no folder; another process is writing it; the disk is full.
    """
    where = printable(path)
    refuse_as_new(path)
    partial = path.with_name(f".{path.name}.partial")
    lock = path.with_name(f".{path.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            try:
                with partial.open("wb") as file:  # what a killed process left is written over
                    with ZipFile(file, "w", ZIP_STORED) as archive:
                        yield lambda name, data: archive.writestr(_info(name), data)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                for left in (partial, lock):
                    with suppress(OSError):
                        left.unlink()
    except Timeout as error:
        raise UserError(f"another process is writing {where}; wait for it, or name another file") from error
    except OSError as error:
        reason = "the disk is full" if error.errno in _FULL else error.strerror or str(error)
        raise UserError(
            f"{where} cannot be written: {reason}; nothing is left of it: free some space, or name another place"
        ) from error


def refuse_as_new(path: Path) -> None:
    """Refuse a path that a new set cannot have.

    Raises:
        UserError: it is taken, does not end in .zip, or lies in no folder.
    """
    where = printable(path)
    if path.suffix.lower() != ".zip":
        raise UserError(f"{where} does not end in .zip; a set is written as one zip, such as {where}.zip")
    if path.exists():
        raise UserError(f"{where} exists, and nothing is overwritten; name another file, or delete it first")
    if not path.parent.is_dir():
        raise UserError(f"{printable(path.parent)} is no folder; make it, or name a file elsewhere")


def refuse_without_space(path: Path, pictures: int, bytes_each: int) -> None:
    """Refuse what will not fit on the disk, before the first picture is read.

    Raises:
        UserError: says what is needed and what is free.
    """
    needed = pictures * (bytes_each + _PER_ENTRY)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise UserError(
            f"{printable(path)} needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free there; "
            f"free some space, or name another place"
        )


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture, shape (C, H, W), uint8, C 1, 3 or 4, as PNG without compression, as the official tools write it.

    It decodes fastest, and its bytes do not depend on which zlib compressed it.
    """
    buffer = BytesIO()
    pixels = picture[0] if len(picture) == 1 else np.ascontiguousarray(picture.transpose(1, 2, 0))
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, _LONG_AGO)
    info.create_system = 3  # Unix, wherever it is written
    info.external_attr = 0o644 << 16
    return info
