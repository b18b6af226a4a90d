"""Films: animated WebP and GIF that loop for ever, written frame by frame.

Pillow writes the single frames and this file writes the containers around them. Pillow's own animation writers hold
every frame in memory and merge equal neighbours, so that a chain which has settled would lose its frames.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import repeat
from pathlib import Path
from struct import pack
from typing import BinaryIO

from PIL import Image

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.pixels import Pixels
from simulacra.images.webp import LARGEST_SIDE

SHORTEST = 20
"""Milliseconds; browsers play a GIF frame that asks for less at 100 ms."""

_HOLD_FIRST, _HOLD_LAST = 1000, 1500  # milliseconds
_PACE, _SLOWEST, _EASED = 50, 250, 10  # milliseconds a copy, of the first copy, and copies until full pace
_LARGEST_GIF_SIDE = 65535


def schedule(frames: int) -> list[int]:
    """How long each frame of a film stands, in milliseconds: about 8 s for a chain of 101 copies.

    The original and the last copy are held. The first ten copies, where most happens, begin slowly and ease into the
    pace of the rest. All values are multiples of 10 ms, the unit of GIF.

    Args:
        frames: in the film, 1 or more.
    """
    if frames < 1:
        raise ValueError(f"a film of {frames} frames has no schedule")
    copies = [
        _PACE + round((_SLOWEST - _PACE) * (max(0, _EASED - k) / (_EASED - 1)) ** 2 / 10) * 10
        for k in range(1, frames - 1)
    ]
    return [_HOLD_FIRST, *copies, _HOLD_LAST][:frames]


def write_webp(path: Path, frames: Iterable[Pixels], milliseconds: Sequence[int] | int, *, quality: int = 85) -> None:
    """Write an animated WebP, holding one frame in memory; the file appears under its name only when it is complete.

    Each frame is coded on its own, without prediction from the one before: a copy changes nearly every pixel.

    Args:
        path: of the file; an older one is replaced.
        frames: equal shapes (H, W, 3), uint8; at least one.
        milliseconds: how long each frame stands, one value a frame or one for all.
        quality: of the lossy coding, 0 to 100.

    Raises:
        UserError: the file cannot be written there, or a side is above 16,383 px.
        ValueError: there is no frame, the shapes differ, or the durations are not as many as the frames.

    Source: RFC 9649, "WebP Image Format", section 2.7.
    """
    with _replacing(path) as file:
        for index, (pixels, duration) in enumerate(_timed(frames, milliseconds, LARGEST_SIDE)):
            height, width, _ = pixels.shape
            size = _uint24(width - 1) + _uint24(height - 1)
            if index == 0:
                file.write(b"RIFF\0\0\0\0WEBP")  # the length is known at the end
                file.write(_chunk(b"VP8X", b"\x02\0\0\0" + size))  # 2: the file is an animation
                file.write(_chunk(b"ANIM", pack("<IH", 0xFF000000, 0)))  # black behind it; 0 loops: for ever
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=2)
            bitstream = buffer.getvalue()[12:]  # what follows RIFF, length, WEBP: one chunk
            placed = bytes(6) + size + _uint24(duration) + b"\x02"  # at the corner; 2: replace, do not blend
            file.write(_chunk(b"ANMF", placed + bitstream))
        length = file.tell() - 8
        file.seek(4)
        file.write(pack("<I", length))


def write_gif(path: Path, frames: Iterable[Pixels], milliseconds: Sequence[int] | int) -> None:
    """Write an animated GIF, holding one frame in memory; the file appears under its name only when it is complete.

    Each frame has its own 256 colours, from an octree, with the error diffused (Floyd and Steinberg). GIF counts time
    in 10 ms: durations are rounded so that the film as a whole keeps its length, but never below 20 ms.

    Args:
        path: of the file; an older one is replaced.
        frames: equal shapes (H, W, 3), uint8; at least one.
        milliseconds: how long each frame stands, one value a frame or one for all.

    Raises:
        UserError: the file cannot be written there, or a side is above 65,535 px.
        ValueError: there is no frame, the shapes differ, or the durations are not as many as the frames.

    Source: CompuServe 1990, "Graphics Interchange Format, version 89a", and Netscape's looping extension.
    """
    with _replacing(path) as file:
        elapsed = shown = 0  # milliseconds asked for, and centiseconds written
        for index, (pixels, duration) in enumerate(_timed(frames, milliseconds, _LARGEST_GIF_SIDE)):
            height, width, _ = pixels.shape
            if index == 0:
                file.write(b"GIF89a" + pack("<HHBBB", width, height, 0x70, 0, 0))  # 8 bits a channel, no shared palette
                file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # 0 loops: for ever
            elapsed += duration
            delay = max(SHORTEST // 10, round(elapsed / 10) - shown)
            shown += delay
            file.write(b"!\xf9\x04" + pack("<BHBB", 0, delay, 0, 0))
            file.write(_gif_image(pixels))
        file.write(b";")


def _gif_image(pixels: Pixels) -> bytes:
    """One frame as a GIF image block with its own palette: descriptor, palette, compressed indices."""
    image = Image.fromarray(pixels)
    palette = image.quantize(256, Image.Quantize.FASTOCTREE)
    buffer = BytesIO()
    indexed = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    indexed.save(buffer, "GIF", optimize=False, interlace=0)
    data = buffer.getvalue()

    # A still GIF is a 13-byte header, the palette, a 10-byte descriptor, the indices and a final semicolon.
    depth = data[10] & 7  # the palette holds 2 ** (depth + 1) colours
    end = 13 + 3 * 2 ** (depth + 1)
    descriptor = data[end : end + 9] + bytes([0x80 | depth])  # 0x80: a palette of its own follows
    return descriptor + data[13:end] + data[end + 10 : -1]


def _timed(frames: Iterable[Pixels], milliseconds: Sequence[int] | int, largest: int) -> Iterator[tuple[Pixels, int]]:
    """Frames with their durations, checked one by one as they come."""
    shape = None
    paired = (
        zip(frames, repeat(milliseconds), strict=False)
        if isinstance(milliseconds, int)
        else zip(frames, milliseconds, strict=True)
    )
    for pixels, duration in paired:
        if shape is None:
            shape = pixels.shape
            if max(shape) > largest:
                raise UserError(
                    f"a film of {shape[1]}x{shape[0]} px is too large for its format; "
                    f"each side must be at most {largest} px; choose a smaller --size"
                )
        if pixels.shape != shape:
            raise ValueError(f"a film mixes frames of shape {shape} and {pixels.shape}")
        yield pixels, duration
    if shape is None:
        raise ValueError("a film needs at least one frame")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once it is complete, and vanishes if it never is.

    Not synced to disk: a film lost in a power cut is made again from its frames.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        file = partial.open("w+b")
    except OSError as error:
        raise UserError(
            f"{printable(path)} cannot be written: {error.strerror}; choose a folder you may write to"
        ) from error
    try:
        with file:
            yield file
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")
