"""Verification: every byte of a store against the checksums that were written with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from simulacra.errors import UserError
from simulacra.runs.blobs import in_flight
from simulacra.runs.journal import JOURNAL, named_blobs, read_lines
from simulacra.runs.run import Run
from simulacra.runs.spec import read_spec
from simulacra.runs.store import Store

Check = Callable[[Mapping[str, Any], bytes], str | None]
"""Given a step event and the bytes of its blob: what is wrong with them, or None."""


@dataclass
class Verification:
    """What was looked at, and what was found."""

    runs: int = 0
    events: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    """Damage: one sentence each, naming file and, in a journal, line."""
    leftovers: list[str] = field(default_factory=list)
    """Files that a killed process never finished: harmless, `gc` removes them."""


def verify(store: Store, run: Run | None = None, check: Check | None = None) -> Verification:
    """Read everything and compare it with its checksums.

    Args:
        store: what to verify.
        run: only this run and its blobs; None means every run, and blobs that no run names.
        check: what else must hold for each step and the bytes of its blob, such as a digest of its pixels.

    Returns:
        The counts, and every problem found; it goes on after each.
    """
    result = Verification()
    healthy: dict[str, bool] = {}  # digest -> whether it was as its name says
    folders = [run.folder] if run is not None else store.folders()
    for folder in folders:
        result.runs += 1
        _verify_run(store, folder, check, healthy, result)
    if run is None:
        for digest in store.blobs:
            _read(store, digest, healthy, result)
        for path in store.blobs.strangers():
            if not in_flight(path):
                result.problems.append(f"{path} is no blob: the name of each is its 64 hex digits; move it elsewhere")
    within = store.folder if run is None else run.folder
    result.leftovers += [str(path) for path in sorted(within.rglob("*")) if in_flight(path)]
    return result


def _verify_run(
    store: Store, folder: Path, check: Check | None, healthy: dict[str, bool], result: Verification
) -> None:
    try:
        read_spec(folder)
    except UserError as error:
        result.problems.append(str(error))
    digest, length = sha256(), 0
    try:
        for line in read_lines(folder / JOURNAL, digest.update):
            result.events += 1
            length = line.end
            for name in named_blobs(line.event):
                _verify_blob(store, name, line.event, check, healthy, result)
    except UserError as error:
        result.problems.append(str(error))
        return
    _verify_done(Run(store, folder), digest.hexdigest(), length, result)


def _verify_done(run: Run, digest: str, length: int, result: Verification) -> None:
    try:
        done = run.done
    except UserError as error:
        result.problems.append(str(error))
        return
    if done is not None and done.get("journal") != {"bytes": length, "sha256": digest}:
        result.problems.append(
            f"{run.folder / JOURNAL} is not the journal that this run ended with; restore it from a copy"
        )


def _verify_blob(
    store: Store,
    name: str,
    event: Mapping[str, Any],
    check: Check | None,
    healthy: dict[str, bool],
    result: Verification,
) -> None:
    step = event["event"] == "step" and name == event["blob"]  # what a step names besides has a length of its own
    if name in healthy and not (step and check is not None and healthy[name]):
        return
    data = _read(store, name, healthy, result)
    if data is None or not step:
        return
    if len(data) != event["bytes"]:
        result.problems.append(f"blob {name} has {len(data)} bytes; its step was journalled with {event['bytes']}")
    elif check is not None and (wrong := check(event, data)) is not None:
        result.problems.append(f"blob {name}: {wrong}")


def _read(store: Store, name: str, healthy: dict[str, bool], result: Verification) -> bytes | None:
    """The bytes of a blob; None when it is damaged, which is told once. A blob that was read before is counted once."""
    try:
        data = store.blobs.get(name)
    except UserError as error:
        if name not in healthy:
            result.problems.append(str(error))
        healthy[name] = False
        return None
    if name not in healthy:
        result.blobs += 1
        result.bytes += len(data)
    healthy[name] = True
    return data
