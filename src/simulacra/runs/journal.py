"""The journal of a run: one checked line an event, appended and brought to the disk before anything counts as done."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO
from zlib import crc32

from simulacra.errors import UserError
from simulacra.runs.atomic import BINARY, place, sync_folder, write_all, writing_to
from simulacra.runs.blobs import Blobs
from simulacra.runs.faults import reach

JOURNAL = "journal.jsonl"
DONE = "done.json"

_RESERVED = frozenset({"sequence", "time", "event", "check"})
_CHECK = b',"check":"'
_TAIL = len(_CHECK) + 8 + len(b'"}')


class DamagedJournal(UserError):
    """A line before the last one is not what was written."""


@dataclass(frozen=True)
class Line:
    """One line of a journal, and where it lies."""

    event: dict[str, Any]
    start: int  # byte at which it begins
    end: int  # byte after its line feed


def encode_line(sequence: int, event: str, fields: Mapping[str, Any]) -> bytes:
    """One journal line: compact JSON whose last field is the CRC-32 of all before it.

    Raises:
        ValueError: a field has a reserved name, or a value JSON does not have.
    """
    if clash := _RESERVED.intersection(fields):
        raise ValueError(f"an event cannot have the field {min(clash)!r}: the journal writes that one itself")
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    whole = {"sequence": sequence, "time": now, "event": event, **fields}
    body = json.dumps(whole, separators=(",", ":"), allow_nan=False)[:-1].encode()
    return body + _CHECK + f'{crc32(body):08x}"}}\n'.encode()


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The event of a line without its check; None when the line is not as it was written."""
    body, tail = line[: -_TAIL - 1], line[-_TAIL - 1 :]
    if tail != _CHECK + f'{crc32(body):08x}"}}\n'.encode():
        return None
    event: dict[str, Any] = json.loads(body + b"}")
    return event


def read_lines(path: Path, take: Callable[[bytes], object] = lambda line: None) -> Iterator[Line]:
    """Every whole line of a journal, in order; a torn last line is left out, an absent journal has none.

    A line is whole when its line feed is there: the feed is written with it, as its last byte.

    Args:
        path: the journal.
        take: is given the bytes of each line before its event is yielded, for a digest.

    Raises:
        DamagedJournal: a whole line fails its check or is out of sequence.
    """
    try:
        file: BinaryIO = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    start = 0
    with file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            event = decode_line(line)
            if event is None or event["sequence"] != number:
                raise DamagedJournal(
                    f"{path}, line {number} is damaged; restore the file from a copy, "
                    "or delete that line and all after it, and the same command makes the rest again"
                )
            take(line)
            yield Line(event, start, start + len(line))
            start += len(line)


def read_line_at(path: Path, start: int, end: int) -> dict[str, Any] | None:
    """The event of the line that lies at these bytes; None when there is no such line."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return decode_line(file.read(end - start))
    except OSError:
        return None


def last_event(path: Path) -> dict[str, Any] | None:
    """The event of the last whole line, read from the end; None when there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            reach_back = 4096
            while True:
                file.seek(max(0, size - reach_back))
                lines = file.read().splitlines(keepends=True)
                whole = [line for line in lines if line.endswith(b"\n")]
                if reach_back >= size:
                    return decode_line(whole[-1]) if whole else None
                if len(whole) > 1:  # the first of them may have lost its beginning
                    return decode_line(whole[-1])
                reach_back *= 4
    except OSError:
        return None


class Journal:
    """A journal that is being written, by the one process that holds the run's lock; its threads may share it."""

    def __init__(self, folder: Path, blobs: Blobs, step_written: Callable[[Mapping[str, Any], int, int], None]) -> None:
        """Read what is there, cut off a torn last line, and stand ready to append.

        Args:
            folder: of the run.
            blobs: where the blobs that events name must lie already.
            step_written: called with each step event and the first and last byte of its line, once it is on the disk.

        Raises:
            DamagedJournal: a line before the last one is not what was written.
        """
        self.folder = folder
        self._lock = RLock()
        self._blobs = blobs
        self._step_written = step_written
        self._digest = sha256()
        self._counts: Counter[str] = Counter()
        self._length = 0
        for line in read_lines(folder / JOURNAL, self._digest.update):
            self._counts[line.event["event"]] += 1
            self._length = line.end
        with writing_to(folder):
            self._descriptor = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY, 0o644)
            try:
                if os.fstat(self._descriptor).st_size > self._length:
                    self._cut()
                    reach("journal-repaired")
                sync_folder(folder)
            except BaseException:
                self.close()
                raise

    @property
    def bytes(self) -> int:
        """Length of the journal, all of it on the disk."""
        return self._length

    def append(self, event: str, **fields: Any) -> None:
        """Write one event; it is on the disk when this returns.

        Args:
            event: what happened; the store itself writes "attempt", "takeover", "failed" and "interrupted". A "step"
                needs `step` (its identity), `blob`, `bytes` (length of the blob) and `machine` (digest, or None when
                any machine would make the same bytes); `chain` and `frame` let `diff` say where two runs part.
            fields: JSON values. `blob` or `blobs` name blobs that `gc` must keep.

        Raises:
            ValueError: a field has a reserved name or no JSON, or a blob it names has not been put.
            StoreFull: no space is left; the journal is as it was before.
        """
        self.append_many([(event, fields)])

    def append_many(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Write several events with one wait for the disk; after an error none of them is there.

        Args:
            events: kind and fields of each, as for `append`.
        """
        with self._lock:
            self._append(list(events))

    def _append(self, given: list[tuple[str, Mapping[str, Any]]]) -> None:
        lines = []
        for sequence, (event, fields) in enumerate(given, start=self._counts.total() + 1):
            self._check(event, fields)
            lines.append(encode_line(sequence, event, fields))
        if not lines:
            return
        with writing_to(self.folder):
            try:
                write_all(self._descriptor, b"".join(lines))
                reach("line-written")
                os.fsync(self._descriptor)
                reach("line-synced")
            except BaseException:
                self._cut()
                raise
        for (event, fields), line in zip(given, lines, strict=True):
            start = self._length
            self._digest.update(line)
            self._counts[event] += 1
            self._length += len(line)
            if event == "step":
                self._step_written(fields, start, self._length)

    def finish(self, status: str, **fields: Any) -> None:
        """Write `done.json`: no more work is left. Its absence means that a run did not end.

        Args:
            status: "done" or "failed".
            fields: totals, as JSON values.
        """
        done = {
            "status": status,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "events": dict(sorted(self._counts.items())),
            "journal": {"bytes": self._length, "sha256": self._digest.hexdigest()},
            **fields,
        }
        text = json.dumps(done, indent=1, allow_nan=False) + "\n"
        with writing_to(self.folder):
            place(self.folder / DONE, text.encode(), "done")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _check(self, event: str, fields: Mapping[str, Any]) -> None:
        if event == "step" and (missing := {"step", "blob", "bytes", "machine"} - fields.keys()):
            raise ValueError(f"a step event needs {', '.join(sorted(missing))}")
        for blob in named_blobs(fields):
            own = event == "step" and blob == fields["blob"]
            if not self._blobs.has(blob, fields["bytes"] if own else None):
                raise ValueError(f"blob {blob} must be put before an event names it")

    def _cut(self) -> None:
        """Take back what was written after the last whole line; works on a full disk."""
        os.ftruncate(self._descriptor, self._length)
        os.fsync(self._descriptor)


def named_blobs(event: Mapping[str, Any]) -> list[str]:
    """The blobs an event names, in `blob` and in `blobs`."""
    single = [event["blob"]] if event.get("blob") is not None else []
    return [*single, *event.get("blobs", ())]
