"""One writer a run: a lock of the operating system, and beside it a note that says who holds it."""

import json
import os
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from simulacra.errors import UserError
from simulacra.runs.atomic import place, writing_to
from simulacra.runs.faults import reach

HEARTBEAT_SECONDS = 20
STALE_SECONDS = 300
"""An owner on another host counts as gone when its note was not touched for so long: fifteen missed heartbeats."""


class RunBusy(UserError):
    """Another process is writing this run."""


@dataclass(frozen=True)
class Owner:
    """Who writes a run. A process is named by its id, the boot it runs in and its start, since ids are used again."""

    pid: int
    host: str
    boot: str | None  # None where the system has no boot id
    process_started: int | None  # clock ticks after boot; None where the system does not tell
    since: str  # UTC
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} ({self.command})"

    @property
    def here(self) -> bool:
        """Whether it runs, or ran, on this host."""
        return self.host == socket.gethostname()

    @property
    def under_this_kernel(self) -> bool:
        """Whether this system's locks are its locks too: it runs on this host, or in another container on it."""
        return self.here or (self.boot is not None and self.boot == _boot())

    @property
    def alive(self) -> bool:
        """Whether the process still runs; only meaningful `here`."""
        if self.boot != _boot():
            return False
        if self.process_started is not None:
            return _process_started(self.pid) == self.process_started
        return _exists(self.pid)


class RunLock:
    """The lock of one run: `<run-id>.lock`, held by the system, and `<run-id>.lock.json`, the note.

    The system lets a lock go when its process dies, so on one host a lock that can be taken has no owner, whatever the
    note says. Some network file systems keep locks to each host; there the note decides: its owner counts as gone when
    the note was not touched for `STALE_SECONDS` by the file system's own clock. A live owner touches it every
    `HEARTBEAT_SECONDS`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file = folder / f"{name}.lock"
        self._note = folder / f"{name}.lock.json"

    def owner(self) -> Owner | None:
        """Who the note names; None when nobody does."""
        with suppress(OSError, ValueError, TypeError):
            return Owner(**json.loads(self._note.read_bytes()))
        return None

    def silent_seconds(self) -> float:
        """Seconds since the note was last touched, by this machine's clock; infinite without a note."""
        try:
            return datetime.now(UTC).timestamp() - self._note.stat().st_mtime
        except OSError:
            return float("inf")

    @contextmanager
    def held(self, command: str) -> Iterator[Owner | None]:
        """Hold the lock.

        Args:
            command: what the owner runs, for whoever finds the lock taken.

        Yields:
            The dead owner it was taken over from; None when the one before let go in order.

        Raises:
            RunBusy: a live process holds it; the message says which, and what to do.
        """
        with self._taken():
            before = self.owner()
            with writing_to(self._folder):
                reach("lock-taken")
                place(self._note, json.dumps(asdict(this_process(command))).encode(), "lock", durable=False)
            try:
                with _heartbeat(self._note):
                    yield before
            finally:
                with suppress(OSError):
                    self._note.unlink()
                    reach("lock-released")

    def refuse_if_held(self) -> None:
        """Check that nobody writes the run at this moment.

        Raises:
            RunBusy: a live process does.
        """
        with self._taken():
            pass

    @contextmanager
    def _taken(self) -> Iterator[None]:
        with writing_to(self._folder):
            self._folder.mkdir(exist_ok=True)
            lock = self._acquire()
        try:
            owner = self.owner()
            if owner is not None and not owner.under_this_kernel and self._heartbeat_age() < STALE_SECONDS:
                raise self._busy(owner, f", or if that machine is gone, in {STALE_SECONDS // 60} minutes")
            yield
        finally:
            lock.release()

    def _acquire(self) -> FileLock:
        lock = FileLock(self._file, timeout=0, thread_local=False)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # says that it falls back to a lock by existence, where the system has none
                lock.acquire()
        except Timeout:
            raise self._busy(self.owner()) from None
        return lock

    def _busy(self, owner: Owner | None, also: str = "") -> RunBusy:
        who = str(owner) if owner else "another process"
        return RunBusy(
            f"run {self._name} is being written by {who}; type the command again when that has ended, or stop it{also}"
        )

    def _heartbeat_age(self) -> float:
        """The note's age by the clock of the file system, since the clocks of two hosts may differ."""
        os.utime(self._file)
        with suppress(OSError):
            return self._file.stat().st_mtime - self._note.stat().st_mtime
        return float("inf")


def this_process(command: str) -> Owner:
    """The owner that this process is."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return Owner(os.getpid(), socket.gethostname(), _boot(), _process_started(os.getpid()), since, command)


@contextmanager
def _heartbeat(note: Path) -> Iterator[None]:
    """Touch the note now and then while the block runs, however long one step of it takes."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                os.utime(note)

    thread = threading.Thread(target=beat, name="run-lock-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _boot() -> str | None:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None


def _process_started(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None when there is none, or the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        # The command name in field 2 may hold spaces and brackets; the fields after its last bracket do not.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if fields[0] == "Z" else int(fields[19])
    return None


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # signal 0 would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
