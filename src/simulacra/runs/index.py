"""An index of every journalled step, in SQLite: fast to ask, and worth nothing that the journals do not say too."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from simulacra.runs.faults import reach
from simulacra.runs.journal import JOURNAL, DamagedJournal, read_lines

INDEX = "index.sqlite"

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps (
    step TEXT NOT NULL, run TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    blob TEXT NOT NULL, bytes INTEGER NOT NULL, machine TEXT,
    PRIMARY KEY (step, run, first)
) WITHOUT ROWID;
"""
_log = logging.getLogger("simulacra.runs")

Row = tuple[str, str, int, int, str, int, str | None]
"""Step, run, first and last byte of its journal line, blob, length of the blob, machine."""


class Index:
    """The index of a store. A missing, damaged or late one is made good from the journals when it is opened."""

    def __init__(self, store: Path, runs: Callable[[], Iterator[Path]], *, readonly: bool = False) -> None:
        """Open the index, and bring it up to the journals.

        Args:
            store: the store's folder.
            runs: gives the folder of every run.
            readonly: keep it in memory and touch no file.
        """
        self._store = store
        self._runs = runs
        self._path: Path | None = None if readonly else store / INDEX
        self._lock = RLock()  # threads share the connection, and a transaction of one must not hold another's question
        self._behind: set[str] = set()  # runs of which a step could not be noted
        missing = self._path is not None and not self._path.exists()
        try:
            self._connection = self._connect()
            late = self._catch_up()
        except sqlite3.OperationalError as error:  # cannot be written, or not here: the journals are enough
            _log.warning("the index of %s cannot be used (%s); this command goes on without it", store, error)
            self._path = None
            self._connection = self._connect()
            self._catch_up()
        except sqlite3.DatabaseError:
            self._replace()
        else:
            if missing and late:
                _log.warning("the index of %s was missing; it has been made again from the journals", store)

    def add(self, run: str, event: Mapping[str, Any], first: int, last: int) -> None:
        """Note one step that is on the disk. A failure is no error: the next opening reads it from the journal."""
        try:
            with self._lock, self._transaction():
                self._insert((event["step"], run, first, last, event["blob"], event["bytes"], event["machine"]))
                if run not in self._behind:
                    self._reached(run, last)
                reach("index-changed")
            reach("index-committed")
        except (sqlite3.Error, OSError):
            self._behind.add(run)

    def reached(self, run: str, length: int) -> None:
        """Note that the index holds every step in the first `length` bytes of a run's journal."""
        if run not in self._behind:
            with suppress(sqlite3.Error), self._lock, self._transaction():
                self._reached(run, length)

    def find(self, step: str) -> list[Row]:
        """Every place where a step is journalled."""
        with self._lock:
            try:
                return self._select("WHERE step = ?", step)
            except sqlite3.DatabaseError:
                self._replace()
                return self._select("WHERE step = ?", step)

    def rows(self) -> list[Row]:
        """The whole index, in order."""
        return self._select("")

    def rebuild(self) -> int:
        """Make the index again from the journals alone.

        Returns:
            The number of steps in it.
        """
        with self._transaction():
            self._connection.execute("DELETE FROM steps")
            self._connection.execute("DELETE FROM runs")
        self._catch_up()
        return int(self._connection.execute("SELECT count(*) FROM steps").fetchone()[0])

    def __del__(self) -> None:
        with suppress(AttributeError):  # a connection that was never made
            self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
        )
        try:
            with suppress(
                sqlite3.OperationalError
            ):  # some network file systems cannot; SQLite stays with its journal then
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                connection.executescript("DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS steps;")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _select(self, where: str, *values: str) -> list[Row]:
        query = f"SELECT step, run, first, last, blob, bytes, machine FROM steps {where} ORDER BY run, first"
        return self._connection.execute(query, values).fetchall()

    def _replace(self) -> None:
        """Put a new index in the place of a damaged one."""
        with suppress(AttributeError):  # a file that is no database fails before there is a connection
            self._connection.close()
        for suffix in ("", "-wal", "-shm"):
            (self._store / f"{INDEX}{suffix}").unlink(missing_ok=True)
        self._connection = self._connect()
        self._catch_up()
        _log.warning("the index of %s was damaged; it has been made again from the journals", self._store)

    def _catch_up(self) -> int:
        """Read every journal that is not as long as when it was last read.

        Returns:
            The number of journals read.
        """
        known = dict(self._connection.execute("SELECT run, bytes FROM runs").fetchall())
        late = 0
        present: set[str] = set()
        for folder in self._runs():
            present.add(folder.name)
            journal = folder / JOURNAL
            length = journal.stat().st_size if journal.exists() else 0
            if known.get(folder.name, 0) != length:
                self._read(folder)
                late += 1
        for gone in known.keys() - present:
            with self._transaction():
                self._connection.execute("DELETE FROM steps WHERE run = ?", (gone,))
                self._connection.execute("DELETE FROM runs WHERE run = ?", (gone,))
        return late

    def _read(self, folder: Path) -> None:
        end = 0
        with self._transaction():
            self._connection.execute("DELETE FROM steps WHERE run = ?", (folder.name,))
            self._connection.execute("DELETE FROM runs WHERE run = ?", (folder.name,))
            with suppress(DamagedJournal):  # its lines up to there are good; `verify` names the line
                for line in read_lines(folder / JOURNAL):
                    end = line.end
                    event = line.event
                    if event["event"] == "step":
                        place = (line.start, line.end)
                        self._insert(
                            (event["step"], folder.name, *place, event["blob"], event["bytes"], event["machine"])
                        )
            self._reached(folder.name, end)

    def _insert(self, row: Row) -> None:
        self._connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _reached(self, run: str, length: int) -> None:
        # Another process may have read further in the journal already.
        self._connection.execute(
            "INSERT INTO runs VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET bytes = max(bytes, excluded.bytes)",
            (run, length),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
