"""PNG written band by band, with a text in it: Pillow's writer needs the whole picture in memory."""

from collections.abc import Iterable
from struct import pack
from typing import BinaryIO
from zlib import compressobj, crc32

import numpy as np
from numpy.typing import NDArray

from simulacra.images.pixels import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = "simulacra"

_COLOUR_TYPES = {3: 2, 4: 6}
_LEVEL = 6


class PngWriter:
    """Rows of one picture into a file; call `band` for every band, then `end`.

    Source: ISO/IEC 15948, "Portable Network Graphics", clauses 9 to 11.
    """

    def __init__(self, file: BinaryIO, height: int, width: int, channels: int) -> None:
        self._file, self._channels = file, channels
        self._deflate = compressobj(_LEVEL)
        self._above = np.zeros((1, width * channels), np.uint8)
        file.write(SIGNATURE)
        self._chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0))
        self._chunk(b"sRGB", b"\0")  # perceptual

    def band(self, pixels: Pixels) -> None:
        """Write rows of shape (h, width, channels)."""
        if len(pixels):
            rows = pixels.reshape(len(pixels), -1)
            self._data(self._deflate.compress(_filtered(rows, self._above, self._channels)))
            self._above = rows[-1:].copy()

    def end(self, text: str) -> None:
        """Finish the picture, with a text after its pixels, where all that it says about them is known."""
        self._data(self._deflate.flush())
        # keyword, not compressed, no language, no translated keyword
        self._chunk(b"iTXt", f"{KEYWORD}\0\0\0\0\0{text}".encode())
        self._chunk(b"IEND", b"")

    def _data(self, compressed: bytes) -> None:
        if compressed:
            self._chunk(b"IDAT", compressed)

    def _chunk(self, kind: bytes, payload: bytes) -> None:
        self._file.write(pack(">I", len(payload)) + kind + payload + pack(">I", crc32(kind + payload)))


def text_in(chunks: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The text under `KEYWORD` among a PNG's chunks, given as kinds and payloads."""
    head = f"{KEYWORD}\0\0\0\0\0".encode()
    for kind, payload in chunks:
        if kind == b"iTXt" and payload.startswith(head):
            return payload[len(head) :].decode("utf-8", "replace")
    return None


def _filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8], channels: int) -> bytes:
    """Each row as its differences from the left, from above, or from Paeth's guess: whichever are the smallest.

    The smallest sum of absolute differences is what the standard recommends for photographs.
    """
    height, length = rows.shape
    up = np.concatenate([above, rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, channels:], corner[:, channels:] = rows[:, :-channels], up[:, :-channels]
    tried = {1: rows - left, 2: rows - up, 4: rows - _paeth(left, up, corner)}  # by number of the filter; modulo 256
    costs = np.stack(
        [np.abs(each.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for each in tried.values()]
    )
    best = costs.argmin(axis=0)
    out = np.empty((height, 1 + length), np.uint8)
    for index, (number, differences) in enumerate(tried.items()):
        chosen = best == index
        out[chosen, 0], out[chosen, 1:] = number, differences[chosen]
    return out.tobytes()


def _paeth(left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of the three neighbours the one nearest to left + up - corner; ties go to left, then up."""
    a, b, c = (each.astype(np.int16) for each in (left, up, corner))
    from_a, from_b, from_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest_a = (from_a <= from_b) & (from_a <= from_c)
    return np.where(nearest_a, left, np.where(from_b <= from_c, up, corner))
