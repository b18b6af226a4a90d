"""`simulacra runs`: what a store holds, whether it is sound, and how two runs differ."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.runs import Run, Store

app = App(name="runs", help="List, show, check, clean, export and compare stored runs.")

Json = Annotated[bool, Parameter(name="--json", negative=())]


@app.command(name="list")
def list_(*, store: Path | None = None, json_: Json = False) -> None:
    """List the runs of a store, the newest first.

    Parameters
    ----------
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable list.
    """
    runs = [_summary_or_problem(run) for run in _open(store).runs()]
    if json_:
        _print_json(runs)
        return
    rows = [(run["run"], run["status"], run["started"] or "", run["command"]) for run in runs]
    _print_table(("run", "status", "started", "command"), rows)


@app.command
def show(run: str, *, store: Path | None = None, json_: Json = False) -> None:
    """Show one run: how far it is, what makes it again, what its journal holds, where it ran.

    Parameters
    ----------
    run
        Id of the run, or its first letters.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print specification, environment and counts, machine-readable.
    """
    found = _open(store).find(run)
    events: Counter[str] = Counter()
    chains: Counter[str] = Counter()
    for event in found.events():
        events[event["event"]] += 1
        if event["event"] == "step" and "chain" in event:
            chains[event["chain"]] += 1
    if json_:
        whole = {**_summary(found), "spec": found.spec, "manifest": found.manifest, "done": found.done}
        _print_json({**whole, "events": events, "chains": chains})
        return
    machine = found.manifest.get("machine", {})
    facts = {
        "run": found.id,
        "status": found.status,
        "identity": found.identity,
        "command": found.spec["command"],
        "folder": found.folder,
        "started": found.manifest.get("started", "not yet"),
        "machine": ", ".join(str(machine[key]) for key in ("cpu", "architecture", "system") if key in machine),
        "versions": ", ".join(f"{name} {number}" for name, number in found.manifest.get("packages", {}).items()),
        "events": ", ".join(f"{count} {event}" for event, count in events.items()),
    }
    for name, fact in facts.items():
        print(f"{name:<10}{fact}")
    for chain, count in chains.items():
        print(f"{'chain':<10}{chain}, {_counted(count, 'frame')}")


@app.command
def verify(run: str | None = None, *, store: Path | None = None, json_: Json = False) -> None:
    """Check every journal, blob and frame against its checksums; leaves with exit code 1 when something is damaged.

    Parameters
    ----------
    run
        Only this run: its id, or its first letters.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable result.
    """
    from simulacra.runs import verify as verify_store

    opened = _open(store)
    result = verify_store(opened, opened.find(run) if run is not None else None, _wrong_pixels)
    if json_:
        _print_json(asdict(result))
    else:
        for problem in result.problems:
            print(problem)
        for leftover in result.leftovers:
            print(f"{leftover} was never finished; it is harmless, and simulacra runs gc --no-dry removes it")
        verdict = f"{len(result.problems)} damaged" if result.problems else "all sound"
        size = f"{result.bytes / 1e6:.1f} MB"
        counts = (result.runs, "run"), (result.events, "event"), (result.blobs, "blob")
        print(f"{', '.join(_counted(*count) for count in counts)}, {size}: {verdict}")
    if result.problems:
        raise SystemExit(1)


@app.command(name="rebuild-index")
def rebuild_index(*, store: Path | None = None, json_: Json = False) -> None:
    """Make the index of a store again from its journals. Nothing is lost when it is missing: this only saves time.

    Parameters
    ----------
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable result.
    """
    from simulacra.runs import Store

    steps = Store.open(store, create=False).index.rebuild()
    if json_:
        _print_json({"steps": steps})
    else:
        print(f"{_counted(steps, 'step')} in the index")


@app.command
def gc(
    *, dry: Annotated[bool, Parameter(negative="--no-dry")] = True, store: Path | None = None, json_: Json = False
) -> None:
    """Name the frames that no run needs, and files that were never finished; --no-dry removes them.

    To delete a run, delete its folder first.

    Parameters
    ----------
    dry
        Only say what would be removed.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable result.
    """
    from simulacra.runs import Store
    from simulacra.runs import gc as sweep

    swept = sweep(Store.open(store, create=False, readonly=dry), dry=dry)
    if json_:
        _print_json({**asdict(swept), "leftovers": [str(path) for path in swept.leftovers]})
        return
    would = "would be removed; type: simulacra runs gc --no-dry" if dry else "removed"
    files = f"{_counted(len(swept.blobs), 'blob')} and {_counted(len(swept.leftovers), 'unfinished file')}"
    print(f"{files}, {swept.bytes / 1e6:.1f} MB, {would}" if swept.bytes or swept.leftovers else "nothing to remove")


@app.command
def export(run: str, destination: Path, *, store: Path | None = None, json_: Json = False) -> None:
    """Write a run and all its frames as a small store of its own.

    Parameters
    ----------
    run
        Id of the run, or its first letters.
    destination
        A new .zip, or a new folder.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable result.
    """
    from simulacra.runs import export as export_run

    found = _open(store).find(run)
    written = export_run(found, destination)
    if json_:
        _print_json({"run": found.id, "destination": str(written)})
    else:
        print(written)


@app.command
def diff(first: str, second: str, *, store: Path | None = None, json_: Json = False) -> None:
    """Say how two runs differ: what was asked for, and the first frame at which each pair of chains parts.

    Parameters
    ----------
    first
        Id of a run, or its first letters.
    second
        Id of another run, or its first letters.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable result.
    """
    from simulacra.runs import diff as diff_runs

    opened = _open(store)
    one, other = opened.find(first), opened.find(second)
    difference = diff_runs(one, other)
    if json_:
        _print_json(asdict(difference))
        return
    if difference.changes:
        rows = [(change.path, _short(change.first), _short(change.second)) for change in difference.changes]
        _print_table(("specification", one.id, other.id), rows)
    else:
        print("the specifications are equal")
    for parting in difference.partings:
        names = parting.first if parting.first == parting.second else f"{parting.first} and {parting.second}"
        where = "equal" if parting.frame is None else f"part at frame {parting.frame}: {parting.why}"
        print(f"{names}: {where}")
    for run, chains in ((one, difference.only_first), (other, difference.only_second)):
        for chain in chains:
            print(f"{chain}: only in {run.id}")


def _open(store: Path | None) -> "Store":
    from simulacra.runs import Store

    return Store.open(store, create=False, readonly=True)


def _summary(run: "Run") -> dict[str, Any]:
    return {
        "run": run.id,
        "identity": run.identity,
        "experiment": run.spec["experiment"],
        "status": run.status,
        "started": run.manifest.get("started"),
        "command": run.spec["command"],
        "folder": str(run.folder),
    }


def _summary_or_problem(run: "Run") -> dict[str, Any]:
    """One damaged run does not hide the others."""
    try:
        return _summary(run)
    except UserError as error:
        return {"run": run.id, "status": "damaged", "started": None, "command": str(error)}


def _wrong_pixels(event: Mapping[str, Any], data: bytes) -> str | None:
    """What is wrong with the picture in a blob; None when its pixels are those that were journalled."""
    if "pixels" not in event:
        return None
    from simulacra.images.pixels import pixel_digest
    from simulacra.images.webp import decode

    try:
        found = pixel_digest(decode(data))
    except OSError as error:
        return f"it is no picture ({error})"
    return None if found == event["pixels"] else f"its pixels are {found}, journalled as {event['pixels']}"


def _short(value: Any) -> str:
    text = "-" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their longest entry; the last is left as long as it is."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads) - 1)]
    for row in [heads, *rows]:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]]))


def _print_json(value: Any) -> None:
    print(json.dumps(value))
