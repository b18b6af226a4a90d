"""The TFRecords of the official StyleGAN tools: a file a resolution, each record a picture with its shape.

A record is its length, a checksum of the length, the data, and a checksum of the data, all little-endian. The data are
a protocol buffer of type `tf.train.Example` with the features `shape` (channels, height, width) and `data` (uint8).
Labels lie beside, as a NumPy file whose name ends in `.labels`.
"""

import mmap
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from struct import unpack_from
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import OpenedPicture
from simulacra.sets.sources.contract import Source, opaque
from simulacra.sets.sources.crc32c import masked_crc32c
from simulacra.sets.sources.example import read_example

_RESOLUTION = re.compile(r"-r(\d\d)\.tfrecords$")
"""How a file says the power of two that its pictures measure."""

_HEADER, _FOOTER = 12, 4
"""Bytes of the length with its checksum, and of the checksum behind the data."""


class TFRecords(Source):
    """The records of one file, named by their number.

    Args:
        path: of a `.tfrecords` file, or of a folder with one a resolution.
        resolution: which of several to take; None, or one that is not there, means the largest.
    """

    def __init__(self, path: Path, resolution: int | None = None) -> None:
        self.path = _chosen(path, resolution) if path.is_dir() else path
        if not self.path.is_file():
            raise UserError(f"{printable(self.path)} does not exist; check the name")
        self._records = list(self._scan())
        if not self._records:
            raise UserError(f"{printable(self.path)} is empty; give one with pictures")
        self.names = [f"{self.path.name} record {number}" for number in range(len(self._records))]
        self.labels = self._labels()
        self.facts = {"kind": "tfrecords", "name": self.path.name}

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One picture; its checksum is compared."""
        start, length = self._records[index]
        data = self._map[start : start + length]
        (expected,) = unpack_from("<I", self._map, start + length)
        if masked_crc32c(data) != expected:
            raise self._damaged(self.names[index], "its bytes do not fit its checksum")
        try:
            features = read_example(data)
            channels, height, width = features["shape"]
            pixels = np.frombuffer(features["data"], dtype=np.uint8).reshape(channels, height, width)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise self._damaged(self.names[index], f"it is no picture of the official layout ({error!r})") from error
        return opaque(pixels[0] if channels == 1 else pixels.transpose(1, 2, 0), alpha)

    def _scan(self) -> Iterator[tuple[int, int]]:
        """Where the data of each record begin, and how long they are."""
        position, end = 0, self.path.stat().st_size
        while position < end:
            if position + _HEADER > end:
                raise self._damaged(printable(self.path), "it ends within a record")
            length, checksum = unpack_from("<QI", self._map, position)
            if masked_crc32c(self._map[position : position + 8]) != checksum:
                raise self._damaged(printable(self.path), f"at byte {position} there is no record")
            if position + _HEADER + length + _FOOTER > end:
                raise self._damaged(printable(self.path), "it ends within a record")
            yield position + _HEADER, length
            position += _HEADER + length + _FOOTER

    def _labels(self) -> NDArray[np.generic] | None:
        file = next(iter(sorted(self.path.parent.glob("*.labels"))), None)
        if file is None:
            return None
        try:
            labels: NDArray[np.generic] = np.load(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise self._damaged(printable(file), "it is not a NumPy file of numbers") from error
        if len(labels) < len(self):
            raise UserError(
                f"{printable(file)} holds {len(labels)} labels and {self.path.name} {len(self)} pictures; "
                f"a label for every picture, or no such file, is what can be used"
            )
        rows = labels[: len(self)]
        return rows.astype(np.float32) if rows.ndim == 2 else rows.astype(np.int64)

    @staticmethod
    def _damaged(what: str, why: str) -> UserError:
        return UserError(f"{what} is damaged or cut off: {why}; get a whole copy of it")

    @cached_property
    def _map(self) -> mmap.mmap | bytes:
        try:
            with self.path.open("rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file cannot be mapped
            return b""
        except OSError as error:
            raise UserError(f"{printable(self.path)} cannot be read: {error.strerror}; check its name") from error

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_map"}


def _chosen(folder: Path, resolution: int | None) -> Path:
    files = sorted(folder.glob("*.tfrecords"))
    by_size = {2 ** int(found[1]): file for file in files if (found := _RESOLUTION.search(file.name))}
    if not by_size:
        return files[-1]
    return by_size.get(resolution or 0) or by_size[max(by_size)]
