"""A copying run read back from its folder as one result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulacra.copying.journalled import Journalled, read_journal
from simulacra.copying.result import Chain, CopyResult, Reference
from simulacra.errors import UserError
from simulacra.measures.contract import Against, Better, Measure, Undefined, Value
from simulacra.measures.meter import FrameValues
from simulacra.runs import Run, Store

REFERENCES: tuple[Reference, ...] = ("frame", "origin", "previous")

_NOT_MEASURED = Undefined("not measured")


def read_run(name: str, store: Path | None = None) -> CopyResult:
    """Read a copying run.

    Args:
        name: its id, or a prefix that only it has.
        store: folder of the store; None means that of the environment, or `./runs`.

    Raises:
        UserError: there is no such run, it is of another experiment, or none of its chains has ended yet.
    """
    return read_result(Store.open(store, create=False).find(name))


def read_result(run: Run, journalled: Journalled | None = None) -> CopyResult:
    """The result of a run at hand; chains that have not ended are left out."""
    journalled = journalled or read_journal(run)
    settings = run.spec["settings"]
    protocol = journalled.protocol or {"protocol": None, "channels": {}, "absent": {}}
    channels = {name: [_measure(entry) for entry in entries] for name, entries in protocol["channels"].items()}
    measures = tuple(measure for group in channels.values() for measure in group)
    chains = []
    for plan in settings["chains"]:
        ending = journalled.endings.get(plan["name"])
        if ending is None:
            continue
        frames = tuple(journalled.frames[plan["name"]][index] for index in range(ending.copies + 1))
        rows = journalled.values(protocol["protocol"], plan["name"])
        chains.append(
            Chain(
                name=plan["name"],
                picture=plan["picture"],
                copier=plan["copier"],
                control=plan["control"],
                replicate=plan["replicate"],
                remedy=plan.get("remedy"),
                frames=frames,
                ending=ending,
                values=_columns(rows, len(frames), measures),
            )
        )
    if not chains:
        raise UserError(f"run {run.id} has no finished chain yet; continue it with: {run.spec['command']}")
    first = settings["pictures"][0]
    return CopyResult(
        identity=run.identity,
        folder=run.folder,
        command=run.spec["command"],
        spec=run.spec,
        manifest=run.manifest,
        size=(first["width"], first["height"]),
        times=settings["times"],
        chains=tuple(chains),
        measures=measures,
        channels={name: tuple(measure.name for measure in group) for name, group in channels.items()},
        absent=dict(protocol["absent"]),
        blobs=run.store.folder / "blobs",
        refusals=tuple(journalled.refusals),
        energy=tuple(journalled.energy),
    )


def _measure(entry: Mapping[str, Any]) -> Measure:
    return Measure(**{**entry, "against": Against(entry["against"]), "better": Better(entry["better"])})


def _columns(
    rows: Mapping[int, FrameValues], count: int, measures: tuple[Measure, ...]
) -> dict[Reference, dict[str, tuple[Value, ...]]]:
    """Values by reference and measure, one a frame, from rows by frame."""
    names: dict[Reference, list[str]] = {
        reference: [m.name for m in measures if (m.against is Against.NOTHING) == (reference == "frame")]
        for reference in REFERENCES
    }
    return {
        reference: {
            name: tuple(rows.get(index, {}).get(reference, {}).get(name, _NOT_MEASURED) for index in range(count))
            for name in names[reference]
        }
        for reference in REFERENCES
    }
