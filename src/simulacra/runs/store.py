"""The run store: a folder of runs that is itself the truth, with blobs, locks and an index beside them."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from simulacra.canonical import SCHEME
from simulacra.errors import UserError, unknown
from simulacra.runs.atomic import place, sync_folder, writing_to
from simulacra.runs.blobs import Blobs, in_flight
from simulacra.runs.index import Index
from simulacra.runs.journal import JOURNAL, read_line_at
from simulacra.runs.run import Run
from simulacra.runs.spec import RUN_ID, SPEC, Spec, read_spec, short

STORE = "SIMULACRA_STORE"
"""Environment variable: the store's folder where no --store is given; `./runs` without it."""

MARK = "store.json"
FORMAT = "simulacra-store"
VERSION = 1

_SWEEP_WAIT_SECONDS = 60


@dataclass(frozen=True)
class StepRecord:
    """A stored step, whichever run made it."""

    step: str  # identity
    blob: str  # SHA-256
    bytes: int  # length of the blob
    machine: str | None  # digest of what made it; None when any machine makes the same bytes
    run: str  # id of the run that journalled it
    event: Mapping[str, Any]  # the journalled event, whole


class Store:
    """A folder of runs."""

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        """Bind a folder that is known to be a store; use `open`."""
        self.folder = folder
        self.readonly = readonly
        self.blobs = Blobs(folder / "blobs")

    @classmethod
    def open(cls, folder: Path | None = None, *, create: bool = True, readonly: bool = False) -> "Store":
        """Open a store.

        Args:
            folder: where it lies; None means `SIMULACRA_STORE`, or `./runs` without it.
            create: make it when the folder is missing or empty.
            readonly: touch no file; such a store opens on a disk that cannot be written too.

        Raises:
            UserError: there is none, a file is in the way, the folder holds something else, a newer simulacra made it,
                or it cannot be written.
        """
        folder = Path(folder or os.environ.get(STORE) or "runs").expanduser().absolute()
        if not _is_store(folder):
            if readonly or not create:
                raise UserError(f"there is no run store in {folder}; name one with --store, or make a run first")
            _make(folder)
        return cls(folder, readonly=readonly)

    @cached_property
    def index(self) -> Index:
        """The index of all journalled steps, opened and brought up to date when first asked for."""
        return Index(self.folder, self.folders, readonly=self.readonly)

    def run(
        self, experiment: str, label: str, identity: Mapping[str, Any], settings: Mapping[str, Any], command: str
    ) -> Run:
        """The run of an identity: the one that is there, whatever its label, or a new one. It is not locked.

        Args:
            experiment: what is done, such as "copy"; runs of two experiments never have the same identity.
            label: how the run's name begins.
            identity: everything that decides the results, and nothing else; JSON values.
            settings: what does not, such as paths and names; JSON values.
            command: what a person types to make or continue it.

        Raises:
            UserError: the store cannot be written, or the run's `spec.json` was changed.
        """
        spec = Spec.make(experiment, label, identity, settings, command)
        folder = next((there for there in self.folders() if there.name.endswith(f"-{short(spec.identity)}")), None)
        if folder is None:
            if self.readonly:
                raise UserError(
                    f"the store {self.folder} was opened for reading; run {spec.run_id} cannot be made there"
                )
            folder = self.folder / spec.run_id
            spec.write(folder)
            with writing_to(self.folder):
                sync_folder(self.folder)
        if (there := read_spec(folder)["id"]) != spec.identity:
            raise UserError(f"{folder} is taken by run {there}; choose another --store for run {spec.identity}")
        return Run(self, folder, command, settings)

    def find(self, name: str) -> Run:
        """A run by its id, or by the beginning of its id or of its identity.

        Raises:
            UserError: no run has this name, or several have.
        """
        folders = list(self.folders())
        wanted = name.removeprefix(f"{SCHEME}:")
        found = [folder for folder in folders if folder.name == name] or [
            folder
            for folder in folders
            if name and (folder.name.startswith(name) or _identity(folder).startswith(wanted))
        ]
        if not found:
            raise (
                unknown("run", name, (folder.name for folder in folders))
                if folders
                else UserError(f"run {name!r} is unknown: the store {self.folder} holds no run yet")
            )
        if len(found) > 1:
            names = ", ".join(folder.name for folder in found)
            raise UserError(f"run {name!r} may be any of {len(found)}: {names}; type more of its name")
        return Run(self, found[0])

    def runs(self) -> list[Run]:
        """Every run, the one whose newest attempt started last first."""
        return sorted((Run(self, folder) for folder in self.folders()), key=_age, reverse=True)

    def step(self, identity: str, machine: str | None) -> StepRecord | None:
        """A step that some run of this store has made already.

        Args:
            identity: of the step.
            machine: None accepts a step made on any machine; a digest accepts only those made under it.

        Returns:
            The step, if its journal line is sound and its blob is there with the journalled length; None otherwise.
        """
        for _, run, first, last, blob, length, made_on in self.index.find(identity):
            if machine is not None and made_on != machine:
                continue
            event = read_line_at(self.folder / run / JOURNAL, first, last)
            if (
                event is not None
                and event.get("step") == identity
                and event["blob"] == blob
                and self.blobs.has(blob, length)
            ):
                return StepRecord(identity, blob, length, made_on, run, event)
        return None

    def wait_for_sweep(self) -> None:
        """Wait until no `gc` sweeps: it would not know of the blobs this process is about to journal.

        Called with a run's lock held: a sweep that begins later finds that lock.

        Raises:
            UserError: a sweep does not end.
        """
        try:
            with self.sweep_lock(_SWEEP_WAIT_SECONDS):
                pass
        except Timeout:
            raise UserError(
                f"the store {self.folder} is being swept by runs gc; type the command again when it is done"
            ) from None

    def sweep_lock(self, timeout: float) -> FileLock:
        """The lock that `gc` holds while it sweeps."""
        with writing_to(self.folder):
            (self.folder / "locks").mkdir(exist_ok=True)
        return FileLock(self.folder / "locks" / "gc.lock", timeout=timeout)

    def folders(self) -> Iterator[Path]:
        """The folder of every run, by name."""
        for path in sorted(self.folder.iterdir()):
            if RUN_ID.fullmatch(path.name) and (path / SPEC).is_file():
                yield path


def _is_store(folder: Path) -> bool:
    """Whether a folder is a store; False when one may be made there.

    Raises:
        UserError: neither.
    """
    try:
        mark = json.loads((folder / MARK).read_bytes())
        made_by, version = mark["format"], mark["version"]
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        raise UserError(
            f"{folder} cannot be a run store: a file is in the way; choose another folder with --store"
        ) from None
    except OSError as error:
        raise UserError(
            f"{folder / MARK} cannot be read ({error.strerror}); choose another folder with --store"
        ) from error
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{folder / MARK} is damaged; restore it as {_mark().decode().strip()}, or choose another --store"
        ) from None
    else:
        if made_by != FORMAT or not isinstance(version, int) or version > VERSION:
            raise UserError(
                f"{folder} is a store of format {made_by} {version}; this simulacra reads {FORMAT} up to {VERSION}: "
                "install a newer one, or choose another --store"
            )
        return True
    try:
        taken = folder.exists() and any(not in_flight(path) for path in folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); choose another folder with --store") from error
    if taken:
        raise UserError(
            f"{folder} is not empty and no run store (it has no {MARK}); choose another folder with --store"
        )
    return False


def _make(folder: Path) -> None:
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        place(folder / MARK, _mark(), "store")


def _mark() -> bytes:
    return (json.dumps({"format": FORMAT, "version": VERSION}) + "\n").encode()


def _age(run: Run) -> tuple[str, str]:
    """What orders runs by age, a damaged one first."""
    with suppress(UserError):
        return run.manifest.get("started", ""), run.id
    return "", run.id


def _identity(folder: Path) -> str:
    """The identity in hex as far as the folder's name tells it: enough to find the run, without reading a file."""
    return folder.name.rpartition("-")[2]
