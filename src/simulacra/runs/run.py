"""One run: its folder, what it says of itself, and the right to write it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulacra.errors import UserError
from simulacra.runs.atomic import place, writing_to
from simulacra.runs.faults import reach
from simulacra.runs.journal import DONE, JOURNAL, Journal, last_event, read_lines
from simulacra.runs.lock import STALE_SECONDS, RunLock
from simulacra.runs.manifest import machine_digest, manifest
from simulacra.runs.spec import read_spec

if TYPE_CHECKING:
    from simulacra.runs.store import Store

MANIFEST = "manifest.json"


class Status(StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    """Specified, and never started."""
    RUNNING = "running"
    """A live process writes it."""
    STALLED = "stalled"
    """A process should be writing it, but gives no sign of life."""
    INTERRUPTED = "interrupted"
    """Its process ended before the work did; the same command continues it."""
    FAILED = "failed"
    """An error ended it; the last event says which."""
    DONE = "done"
    """Complete."""


class Run:
    """A run in a store. Everything is read from its folder when asked for; only `writing` changes anything."""

    def __init__(
        self, store: "Store", folder: Path, command: str | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Bind a run to its folder; the store makes these.

        Args:
            store: the store it lies in.
            folder: its own folder.
            command: what this attempt was started with; None means that of the specification.
            settings: of this attempt; None means those of the specification.
        """
        self.store = store
        self.folder = folder
        self._command = command
        self._settings = settings

    @property
    def id(self) -> str:
        """Label and short identity, such as `realesrgan-3f9a2c1b04de`; also the name of the folder."""
        return self.folder.name

    @property
    def identity(self) -> str:
        """The hash of what decides its results."""
        return str(self.spec["id"])

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What `spec.json` holds: experiment, label, id, identity, settings, command; those of its first attempt.

        Raises:
            UserError: it was changed since, or cannot be read.
        """
        return read_spec(self.folder)

    @property
    def manifest(self) -> dict[str, Any]:
        """The environment of the newest attempt; empty before the first. Those of older ones are in the journal."""
        return _read_json(self.folder / MANIFEST) or {}

    @property
    def done(self) -> dict[str, Any] | None:
        """What `done.json` holds: status ("done" or "failed"), events by kind, the journal's digest, totals.

        None while work is left.
        """
        return _read_json(self.folder / DONE)

    @property
    def status(self) -> Status:
        """How far it is, from its folder and its lock."""
        if (done := self.done) is not None:
            return Status.FAILED if done.get("status") == "failed" else Status.DONE
        lock = self.lock()
        if (owner := lock.owner()) is not None:
            silent = lock.silent_seconds() > STALE_SECONDS
            if owner.alive if owner.here else True:
                return Status.STALLED if silent else Status.RUNNING
        if (last := last_event(self.folder / JOURNAL)) is None:
            return Status.QUEUED
        return Status.FAILED if last["event"] == "failed" else Status.INTERRUPTED

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event of the journal in order, one in memory at a time; a torn last line is left out.

        Each has `sequence` (1 for the first), `time` (UTC, only told, never used for order), `event` (its kind) and the
        fields it was appended with.

        Raises:
            UserError: a line before the last is damaged; the message names file and line.
        """
        return (line.event for line in read_lines(self.folder / JOURNAL))

    @contextmanager
    def writing(self) -> Iterator[Journal]:
        """Write the run: takes its lock, cuts a torn last line off, and journals this attempt.

        A dead owner's lock is taken over, and the journal says so. Whatever ends the block early is journalled as
        "failed" or "interrupted" and goes on to the caller. `done.json` is withdrawn first: until `finish` is called
        again, work is left.

        Raises:
            RunBusy: another process writes this run.
            UserError: the store was opened for reading, or its folder cannot be written.
        """
        if self.store.readonly:
            raise UserError(f"the store {self.store.folder} was opened for reading; run {self.id} cannot be written")
        spec = self.spec
        command = self._command or spec["command"]
        environment = manifest()
        self.store.index  # noqa: B018 - opened before there is a journal line that it could miss
        with self.lock().held(command) as dead:
            self.store.wait_for_sweep()
            with closing(self._journal()) as journal:
                with writing_to(self.folder):
                    if (self.folder / DONE).exists():
                        (self.folder / DONE).unlink()
                        reach("done-withdrawn")
                    text = json.dumps(environment, indent=1, sort_keys=True) + "\n"
                    place(self.folder / MANIFEST, text.encode(), "manifest")
                if dead is not None:
                    journal.append("takeover", owner=str(dead))
                journal.append(
                    "attempt",
                    command=command,
                    settings=self._settings if self._settings is not None else spec["settings"],
                    machine=machine_digest(environment),
                    manifest=environment,
                )
                try:
                    yield journal
                except BaseException as error:
                    self._ended_early(error)
                    raise
            self.store.index.reached(self.id, journal.bytes)

    def lock(self) -> RunLock:
        """The lock that its one writer holds."""
        return RunLock(self.store.folder / "locks", self.id)

    def _journal(self) -> Journal:
        return Journal(
            self.folder,
            self.store.blobs,
            lambda event, first, last: self.store.index.add(self.id, event, first, last),
        )

    def _ended_early(self, error: BaseException) -> None:
        """Journal what ended the attempt, if the disk still takes it; the error itself matters more.

        On a journal opened anew: an interruption may have struck between two lines of the old one's bookkeeping.
        """
        event = "failed" if isinstance(error, Exception) else "interrupted"
        with suppress(UserError, OSError), closing(self._journal()) as journal:
            journal.append(event, error=type(error).__name__, message=str(error))


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged; delete it, and the same command writes it again") from error
    return value
