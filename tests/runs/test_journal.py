import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulacra.runs import Blobs, DamagedJournal, Journal, StoreFull, atomic, journal
from simulacra.runs.journal import JOURNAL, decode_line, encode_line, last_event, read_line_at, read_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Journal]:
    with closing(_open(tmp_path)) as opened:
        yield opened


def _open(folder: Path, step_written: Callable[..., None] = lambda *line: None) -> Journal:
    return Journal(folder, Blobs(folder / "blobs"), step_written)


def _events(folder: Path) -> list[dict[str, Any]]:
    return [line.event for line in read_lines(folder / JOURNAL)]


@given(value=JSON)
def test_any_json_comes_back_from_its_line(value: Any) -> None:
    line = encode_line(3, "told", {"value": value})
    event = decode_line(line)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert event is not None and event.pop("time")
    assert event == {"sequence": 3, "event": "told", "value": value}


def test_names_that_are_not_utf8_come_back(tmp_path: Path, written: Journal) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    written.append("told", name=name)
    assert _events(tmp_path)[0]["name"] == name


def test_lines_are_numbered_from_one_across_openings(tmp_path: Path) -> None:
    for _ in range(2):
        with closing(_open(tmp_path)) as opened:
            opened.append("a")
            opened.append_many([("b", {"n": 1}), ("c", {"n": 2})])
    events = _events(tmp_path)
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event["event"] for event in events] == list("abcabc")


def test_a_flip_of_any_bit_in_the_middle_names_file_and_line(tmp_path: Path, written: Journal) -> None:
    for number in range(3):
        written.append("told", n=number)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    first, second, _ = whole.splitlines(keepends=True)
    for at in range(len(first), len(first) + len(second)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        with pytest.raises(DamagedJournal, match=rf"{path}, line [23] is damaged"):
            _events(tmp_path)


@pytest.mark.parametrize("change", ["dropped", "doubled", "swapped"])
def test_whole_lines_out_of_sequence_are_damage(tmp_path: Path, written: Journal, change: str) -> None:
    for number in range(4):
        written.append("told", n=number)
    a, b, c, d = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    lines = {"dropped": [a, c, d], "doubled": [a, b, b, c, d], "swapped": [a, c, b, d]}[change]
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    with pytest.raises(DamagedJournal):
        _events(tmp_path)


def test_damage_does_not_hide_the_lines_before_it(tmp_path: Path, written: Journal) -> None:
    for number in range(3):
        written.append("told", n=number)
    (tmp_path / JOURNAL).write_bytes((tmp_path / JOURNAL).read_bytes().replace(b'"n":2', b'"n":7'))
    lines = read_lines(tmp_path / JOURNAL)
    assert [next(lines).event["n"], next(lines).event["n"]] == [0, 1]
    with pytest.raises(DamagedJournal, match="line 3"):
        next(lines)


def test_a_torn_last_line_is_cut_before_the_next_is_written(tmp_path: Path, written: Journal) -> None:
    written.append("told", n=1)
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b"\0\0\0")  # what some file systems leave after a power failure
    with closing(_open(tmp_path)) as opened:
        opened.append("told", n=2)
    assert [event["n"] for event in _events(tmp_path)] == [1, 2]


def test_a_write_that_fails_midway_leaves_the_journal_as_it_was(
    tmp_path: Path, written: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.append("told", n=1)
    before = (tmp_path / JOURNAL).read_bytes()
    write = os.write

    def half(descriptor: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(atomic.os, "write", half)
    with pytest.raises(StoreFull):
        written.append_many([("told", {"n": 2}), ("told", {"n": 3})])
    monkeypatch.undo()
    assert (tmp_path / JOURNAL).read_bytes() == before
    written.append("told", n=4)
    assert [event["n"] for event in _events(tmp_path)] == [1, 4]


def test_a_clock_going_backwards_changes_no_order(
    tmp_path: Path, written: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards:
        hours = iter(range(20, 0, -1))

        @classmethod
        def now(cls, zone: object) -> datetime:
            return datetime(2026, 11, 21, next(cls.hours), tzinfo=UTC)

    monkeypatch.setattr(journal, "datetime", Backwards)
    for number in range(3):
        written.append("told", n=number)
    events = _events(tmp_path)
    assert [event["n"] for event in events] == [0, 1, 2]
    assert [event["time"] for event in events] == sorted((event["time"] for event in events), reverse=True)


def test_a_step_is_noted_with_its_place_after_it_is_written(tmp_path: Path) -> None:
    noted = []
    with closing(_open(tmp_path, lambda event, first, last: noted.append((event["step"], first, last)))) as opened:
        blob = Blobs(tmp_path / "blobs").put(b"frame")
        opened.append("told", n=1)
        opened.append("step", step="s1:a", blob=blob, bytes=5, machine=None)
    ((step, first, last),) = noted
    event = read_line_at(tmp_path / JOURNAL, first, last)
    assert event is not None and event["step"] == step == "s1:a"
    assert read_line_at(tmp_path / JOURNAL, first + 1, last) is None


@pytest.mark.parametrize(
    ("event", "fields", "said"),
    [
        ("step", {"step": "s", "blob": "0" * 64, "bytes": 5, "machine": None}, "must be put before"),
        ("step", {"step": "s", "blob": "0" * 64}, "needs bytes, machine"),
        ("page", {"blobs": ["0" * 64]}, "must be put before"),
        ("told", {"time": "now"}, "cannot have the field 'time'"),
        ("told", {"value": float("nan")}, "not JSON compliant"),
    ],
)
def test_what_the_caller_must_not_write_is_refused(
    tmp_path: Path, written: Journal, event: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        written.append(event, **fields)
    assert (tmp_path / JOURNAL).read_bytes() == b""


def test_a_step_must_name_the_length_its_blob_has(tmp_path: Path, written: Journal) -> None:
    blob = Blobs(tmp_path / "blobs").put(b"frame")
    with pytest.raises(ValueError, match="must be put before"):
        written.append("step", step="s", blob=blob, bytes=6, machine=None)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(0, 30_000), max_size=5), torn=st.booleans())
def test_the_last_event_is_found_from_the_end(tmp_path: Path, lengths: list[int], torn: bool) -> None:
    lines = [encode_line(n, "told", {"text": "x" * length}) for n, length in enumerate(lengths, start=1)]
    (tmp_path / JOURNAL).write_bytes(b"".join(lines) + (b'{"sequence":9' if torn else b""))
    last = last_event(tmp_path / JOURNAL)
    assert (last or {}).get("sequence") == (len(lengths) or None)


def test_done_counts_events_and_seals_the_journal(tmp_path: Path, written: Journal) -> None:
    written.append("told")
    written.append("told")
    written.finish("done", copies=2)
    data = (tmp_path / JOURNAL).read_bytes()
    done = json.loads((tmp_path / "done.json").read_text())
    assert done.pop("finished")
    assert done == {
        "status": "done",
        "events": {"told": 2},
        "journal": {"bytes": len(data), "sha256": sha256(data).hexdigest()},
        "copies": 2,
    }
