"""A training as TensorBoard shows it: numbers and sample grids, from the journal, at any time.

TensorBoard reads TFRecords of protocol buffers of the type `Event`. Of these only a few fields are needed, so they are
written here, and nothing has to be installed but the viewer.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from struct import pack, unpack_from
from typing import Any, BinaryIO

from simulacra.runs import Run
from simulacra.runs.atomic import writing_to
from simulacra.sets.sources.crc32c import masked_crc32c
from simulacra.stylegan.training.records import SAMPLES

FOLDER = "tensorboard"
FILE = "events.out.tfevents.simulacra"

_HEADER, _FOOTER = 12, 4
"""Bytes of a record's length with its checksum, and of the checksum behind the data."""
_TOLD = ("lod", "augment", "seconds_a_kimg", "waiting_share")
"""Numbers of a tick beside its means."""


def write_events(run: Run, folder: Path | None = None) -> Path:
    """Write a training for TensorBoard, or what was added to it since this was last done.

    Args:
        run: a training, whole or under way.
        folder: where the file goes; None for the folder `tensorboard` of the run.

    Returns:
        The folder, for `tensorboard --logdir`.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = folder or run.folder / FOLDER
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("ab+") as file:
            written = _cut_to_whole_records(file)
            for number, record in enumerate(_records(run)):
                if number >= written:
                    file.write(_framed(record()))
    return folder


def _framed(data: bytes) -> bytes:
    """A record: its length, the length's checksum, the data and their checksum, all little-endian."""
    length = pack("<Q", len(data))
    return length + pack("<I", masked_crc32c(length)) + data + pack("<I", masked_crc32c(data))


def _cut_to_whole_records(file: BinaryIO) -> int:
    """Cut off what an earlier call could not finish, and count what it could."""
    count, position, end = 0, 0, file.seek(0, os.SEEK_END)
    while position + _HEADER <= end:
        file.seek(position)
        following = position + _HEADER + unpack_from("<Q", file.read(8))[0] + _FOOTER
        if following > end:
            break
        count, position = count + 1, following
    file.truncate(position)
    return count


def _records(run: Run) -> Iterator[Callable[[], bytes]]:
    """What makes each record, in the order of the journal; only those that are wanted are made."""
    for event in run.events():
        if event["event"] == "machine":  # before all others, so that it is the first record, as it must be
            yield partial(_version, event)
        elif event["event"] == "tick":
            yield partial(_numbers, event)
        elif event["event"] == "snapshot":
            yield partial(_picture, event, run.folder / SAMPLES / f"{event['name']}.png")


def _version(event: dict[str, Any]) -> bytes:
    return _event(_seconds(event), 0, _text(3, b"brain.Event:2"))


def _numbers(tick: dict[str, Any]) -> bytes:
    numbers = {**tick["means"], **{name: tick[name] for name in _TOLD}}
    values = (
        _text(1, _text(1, f"training/{name}".encode()) + _key(2, 5) + pack("<f", value))
        for name, value in numbers.items()
        if value is not None
    )
    return _summary(tick, b"".join(values))


def _picture(snapshot: dict[str, Any], path: Path) -> bytes:
    png = path.read_bytes()
    width, height = unpack_from(">II", png, 16)  # where every PNG has them
    size = _number(1, height) + _number(2, width) + _number(3, 3)  # three channels
    return _summary(snapshot, _text(1, _text(1, b"samples") + _text(4, size + _text(4, png))))


def _summary(event: dict[str, Any], values: bytes) -> bytes:
    return _event(_seconds(event), round(1000 * event["kimg"]), _text(5, values))


def _seconds(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def _event(seconds: float, step: int, what: bytes) -> bytes:
    return _key(1, 1) + pack("<d", seconds) + _number(2, step) + what


# Protocol buffers: a field is its number and wire type, then its value; 0 is a number, 1 eight bytes, 2 a length and so
# many bytes, 5 four bytes.


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _text(field: int, data: bytes) -> bytes:
    return _key(field, 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the highest bit says that more follow."""
    coded = bytearray()
    while value > 127:
        coded.append(value & 127 | 128)
        value >>= 7
    return bytes([*coded, value])
