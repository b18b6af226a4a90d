"""Content-addressed bytes: a blob's name is the hash of what it holds, so equal frames are stored once."""

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from simulacra.errors import UserError
from simulacra.runs.atomic import IN_FLIGHT, place, sync_folder, writing_to

_DIGEST = re.compile(r"[0-9a-f]{64}")


class CorruptBlob(UserError):
    """A blob is missing, or does not hold what its name says."""


class Blobs:
    """The blobs of a store: `sha256/ab/abcdef...` in one folder, read-only once placed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a blob lies, or would.

        Args:
            digest: SHA-256, 64 lower-case hex digits. Nothing else becomes a path, so no journal can point elsewhere.

        Raises:
            UserError: it is anything else.
        """
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise UserError(
                f"{digest!r} names no blob: the name must be 64 lower-case hex digits; type: simulacra runs verify"
            )
        return self.folder / "sha256" / digest[:2] / digest

    def has(self, digest: str, length: int | None = None) -> bool:
        """Whether a blob is there.

        Args:
            digest: its name.
            length: bytes it must hold; None accepts any length. Its hash is not checked: `get` does that.
        """
        try:
            found = self.path(digest).stat().st_size
        except OSError:
            return False
        return length is None or found == length

    def put(self, data: bytes) -> str:
        """Store bytes; they are on the disk when this returns.

        Returns:
            The SHA-256 of the bytes, the name to `get` them by. Bytes already there are not written again.

        Raises:
            StoreFull: no space is left; nothing is half-written.
            UserError: the folder cannot be written.
        """
        digest = sha256(data).hexdigest()
        if self.has(digest, len(data)):
            return digest
        path = self.path(digest)
        with writing_to(self.folder):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(path.parent.parent)
            place(path, data, "blob", mode=0o444)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a blob, checked against its name.

        Raises:
            CorruptBlob: it is missing, or a byte of it has changed.
        """
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise CorruptBlob(f"blob {path} is missing; type: simulacra runs verify") from None
        except OSError as error:
            raise CorruptBlob(f"blob {path} cannot be read ({error.strerror}); type: simulacra runs verify") from error
        if sha256(data).hexdigest() != digest:
            raise CorruptBlob(
                f"blob {path} has changed since it was stored; delete that file, and the same command makes it again"
            )
        return data

    def __iter__(self) -> Iterator[str]:
        """The name of every blob, in order."""
        return (path.name for path in self._files() if _DIGEST.fullmatch(path.name))

    def strangers(self) -> Iterator[Path]:
        """Every file that is no blob: what a killed process left half-written, and whatever else lies there."""
        return (path for path in self._files() if not _DIGEST.fullmatch(path.name))

    def _files(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.folder):
            folders.sort()
            for name in sorted(names):
                yield Path(folder, name)


def in_flight(path: Path) -> bool:
    """Whether a file is one that was never finished."""
    return path.name.startswith(".") and IN_FLIGHT in path.name
