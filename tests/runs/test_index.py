import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from simulacra.runs import Run, Store
from simulacra.runs.index import INDEX


def _reopened(run: Run) -> Store:
    return Store.open(run.store.folder)


def _delete(folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{INDEX}{suffix}").unlink(missing_ok=True)


def test_deleted_it_is_rebuilt_equal_and_said_once(finished: Run, caplog: pytest.LogCaptureFixture) -> None:
    rows = finished.store.index.rows()
    assert len(rows) == 3
    _delete(finished.store.folder)
    assert _reopened(finished).index.rows() == rows
    assert [record.message for record in caplog.records] == [
        f"the index of {finished.store.folder} was missing; it has been made again from the journals"
    ]
    assert _reopened(finished).index.rows() == rows
    assert len(caplog.records) == 1


def test_a_new_store_says_nothing(tmp_path: Path, count: Callable[..., Run], caplog: pytest.LogCaptureFixture) -> None:
    count(tmp_path / "runs", 2)
    assert caplog.records == []


@pytest.mark.parametrize("damage", ["garbage", "cut", "page"])
def test_damaged_it_is_rebuilt_equal(finished: Run, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    store = finished.store
    rows = store.index.rows()
    store.index._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = store.folder / INDEX
    whole = path.read_bytes()
    del store.index
    _delete(store.folder)
    data = {"garbage": b"no database at all" * 99, "cut": whole[:5000], "page": whole[:4096] + b"\xff" * 8192}[damage]
    path.write_bytes(data)
    again = _reopened(finished)
    assert again.step(rows[0][0], None) is not None
    assert again.index.rows() == rows
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_folder_in_its_place_stops_nothing(finished: Run, count: Callable[..., Run]) -> None:
    rows = finished.store.index.rows()
    del finished.store.index
    _delete(finished.store.folder)
    (finished.store.folder / INDEX).mkdir()
    assert count(finished.store.folder, 4).status == "done"
    assert _reopened(finished).index.rows()[:3] == rows


def test_rebuild_gives_the_same_rows(finished: Run) -> None:
    rows = finished.store.index.rows()
    assert finished.store.index.rebuild() == 3
    assert finished.store.index.rows() == rows


def test_steps_it_missed_are_read_from_the_journal_at_the_next_opening(
    finished: Run, count: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = finished.store.index
    monkeypatch.setattr(type(index), "_insert", _fails_once(type(index)._insert))
    run = count(finished.store.folder, 6)
    monkeypatch.undo()
    assert len(_reopened(run).index.rows()) == 6


def _fails_once(insert: Callable[..., None]) -> Callable[..., None]:
    failed = []

    def instead(index: object, row: object) -> None:
        if not failed:
            failed.append(row)
            raise sqlite3.OperationalError("database is locked")
        insert(index, row)

    return instead


def test_a_deleted_run_leaves_it(finished: Run) -> None:
    step = finished.store.index.rows()[0][0]
    shutil.rmtree(finished.folder)
    assert _reopened(finished).index.rows() == []
    assert finished.store.step(step, None) is None  # also where the index is still open


def test_an_older_layout_is_made_anew(finished: Run) -> None:
    rows = finished.store.index.rows()
    del finished.store.index
    with sqlite3.connect(finished.store.folder / INDEX) as connection:
        connection.executescript("DROP TABLE steps; CREATE TABLE steps (other TEXT); PRAGMA user_version = 99")
    connection.close()
    assert _reopened(finished).index.rows() == rows


def test_where_write_ahead_logging_fails_it_keeps_its_journal(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = finished.store.index.rows()
    del finished.store.index
    _delete(finished.store.folder)
    real = sqlite3.connect

    class NoLog(sqlite3.Connection):
        def execute(self, text: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
            if "WAL" in text:
                raise sqlite3.OperationalError("locking protocol")
            return super().execute(text, *values)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite3, "connect", lambda *words, **named: real(*words, factory=NoLog, **named))
    index = _reopened(finished).index
    assert index.rows() == rows
    assert index._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_damaged_journal_keeps_the_lines_before_it(finished: Run) -> None:
    path = finished.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"frame":1', b'"frame":7', 1))
    index = finished.store.index
    index.rebuild()
    assert len(index.rows()) == 1
