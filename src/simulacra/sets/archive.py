"""Named files in a zip or a folder, read at random from any number of threads and processes."""

import mmap
import os
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from struct import unpack_from
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from simulacra.errors import UserError
from simulacra.images.names import printable

_LOCAL_HEADER = 30
"""Bytes before the name in front of each member; the lengths of name and extra field are its last four."""

_HEAD = 4096
"""Bytes of a `head`."""

_ENCRYPTED = 0x1
_METHODS = {ZIP_STORED, ZIP_DEFLATED}


class Archive(Protocol):
    """Files by name. Reading is safe from several threads, after a fork, and after pickling to another process."""

    path: Path
    names: tuple[str, ...]  # with forward slashes, sorted; hidden files are left out

    def read(self, name: str) -> bytes:
        """All bytes of one file.

        Raises:
            UserError: it is damaged or cannot be read.
        """

    def head(self, name: str) -> bytes:
        """The first bytes of one file, some thousands, unchecked: enough to see what a picture claims to be."""

    def checksum(self, name: str) -> tuple[int, int]:
        """Length in bytes and CRC-32 of one file. `read` has compared them with what it returns."""


def open_archive(path: Path) -> Archive:
    """The files of a zip, or of a folder with all folders in it.

    Raises:
        UserError: there is neither here, or it cannot be read.
    """
    try:
        return FolderArchive(path) if path.is_dir() else ZipArchive(path)
    except FileNotFoundError as error:
        raise UserError(f"{printable(path)} does not exist; give a zip or a folder of pictures") from error
    except (BadZipFile, NotImplementedError) as error:
        raise UserError(f"{printable(path)} is no folder, and as a zip it is damaged or cut off: {error}") from error
    except OSError as error:
        raise UserError(f"{printable(path)} cannot be read: {error.strerror}; check its permissions") from error


class ZipArchive:
    """A zip, mapped into memory: no shared position in the file, so no lock and nothing to reopen after a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with ZipFile(path) as opened:
            members = {info.filename: info for info in opened.infolist() if not info.is_dir() and _seen(info.filename)}
        self._members = members
        self.names = tuple(sorted(members))

    def read(self, name: str) -> bytes:
        """All bytes of one member, compared with its CRC-32."""
        info = self._members[name]
        data = self._unpacked(info, info.file_size)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise UserError(
                f"{name} in {printable(self.path)} is damaged: its bytes do not fit its checksum; "
                f"get a whole copy of the zip"
            )
        return data

    def head(self, name: str) -> bytes:
        """The first bytes of one member."""
        return self._unpacked(self._members[name], _HEAD)

    def checksum(self, name: str) -> tuple[int, int]:
        """Length and CRC-32, from the directory of the zip."""
        info = self._members[name]
        return info.file_size, info.CRC

    def _unpacked(self, info: ZipInfo, limit: int) -> bytes:
        """So many bytes of a member at most; fewer where it is damaged."""
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise UserError(
                f"{info.filename} in {printable(self.path)} is encrypted or compressed in a rare way; "
                f"store the zip again, plain"
            )
        name_length, extra_length = unpack_from("<HH", self._map, info.header_offset + _LOCAL_HEADER - 4)
        start = info.header_offset + _LOCAL_HEADER + name_length + extra_length
        if info.compress_type == ZIP_STORED:
            return self._map[start : start + min(info.compress_size, limit)]
        try:
            # Bounded, so that a small member that claims to be a small file cannot fill the memory.
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(
                self._map[start : start + info.compress_size], max(limit, 1)
            )
        except zlib.error:
            return b""

    @cached_property
    def _map(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __reduce__(self) -> tuple[type["ZipArchive"], tuple[Path]]:
        return ZipArchive, (self.path,)


class FolderArchive:
    """A folder and all folders in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = tuple(sorted(_walk(path)))

    def read(self, name: str) -> bytes:
        """All bytes of one file."""
        return self._read(name, -1)

    def head(self, name: str) -> bytes:
        """The first bytes of one file."""
        return self._read(name, _HEAD)

    def checksum(self, name: str) -> tuple[int, int]:
        """Length and CRC-32, by reading the file."""
        data = self.read(name)
        return len(data), zlib.crc32(data)

    def _read(self, name: str, limit: int) -> bytes:
        try:
            with (self.path / name).open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise UserError(
                f"{printable(self.path / name)} cannot be read: {error.strerror}; check its permissions"
            ) from error


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root, onerror=_refuse):
        folders[:] = [name for name in folders if _seen(name)]
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in files if _seen(name))


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed must not look empty."""
    raise error


def _seen(name: str) -> bool:
    """Whether a file counts: hidden ones, and the shadows that macOS puts into zips, do not."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
