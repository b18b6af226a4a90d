"""The difference of two runs: what was asked for differently, and where each pair of chains parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulacra.canonical import canonical_json
from simulacra.runs.run import Run

Why = Literal["another step", "another result", "the other ends"]


@dataclass(frozen=True)
class Change:
    """One entry of the specifications that differs."""

    path: str  # "identity.legs.0.copies"
    first: Any  # None where the entry is missing
    second: Any


@dataclass(frozen=True)
class Parting:
    """A pair of chains, and the first frame at which they differ."""

    first: str
    second: str
    frame: int | None  # None when they are equal
    why: Why | None
    """Whether the specifications part, the same step gave other bytes, or one chain is longer; None when equal."""


@dataclass(frozen=True)
class Difference:
    """How two runs differ."""

    changes: tuple[Change, ...]
    partings: tuple[Parting, ...]
    only_first: tuple[str, ...]  # chains that have no partner
    only_second: tuple[str, ...]


Step = tuple[str, str]
"""Identity of a step, and its blob."""


def diff(first: Run, second: Run) -> Difference:
    """Compare two runs.

    Chains are paired by name; those left over by the longest stretch of equal steps, as between a fork and its origin.

    Raises:
        UserError: a specification or a journal is damaged.
    """
    chains, others = _chains(first), _chains(second)
    pairs = [(name, name) for name in chains if name in others]
    left = [name for name in chains if name not in others]
    right = [name for name in others if name not in chains]
    while candidates := [
        (_shared(chains[one], others[other]), -i, -j) for i, one in enumerate(left) for j, other in enumerate(right)
    ]:
        shared, i, j = max(candidates)
        if shared == 0:
            break
        pairs.append((left.pop(-i), right.pop(-j)))
    return Difference(
        tuple(_changes(first, second)),
        tuple(_part(one, other, chains[one], others[other]) for one, other in pairs),
        tuple(left),
        tuple(right),
    )


def _chains(run: Run) -> dict[str, dict[int, Step]]:
    """Steps by chain and frame; steps without these fields are one nameless chain, in their order."""
    chains: dict[str, dict[int, Step]] = {}
    for event in run.events():
        if event["event"] == "step":
            steps = chains.setdefault(event.get("chain", ""), {})
            steps[event.get("frame", len(steps))] = (event["step"], event["blob"])
    return {name: dict(sorted(steps.items())) for name, steps in chains.items()}


def _shared(steps: Mapping[int, Step], others: Mapping[int, Step]) -> int:
    """Length of the stretch at the beginning that has equal step identities."""
    count = 0
    for (frame, (step, _)), (other_frame, (other, _)) in zip(steps.items(), others.items(), strict=False):
        if (frame, step) != (other_frame, other):
            break
        count += 1
    return count


def _part(first: str, second: str, steps: Mapping[int, Step], others: Mapping[int, Step]) -> Parting:
    for frame in sorted(steps.keys() | others.keys()):
        if frame not in steps or frame not in others:
            return Parting(first, second, frame, "the other ends")
        if steps[frame][0] != others[frame][0]:
            return Parting(first, second, frame, "another step")
        if steps[frame][1] != others[frame][1]:
            return Parting(first, second, frame, "another result")
    return Parting(first, second, None, None)


def _changes(first: Run, second: Run) -> Iterator[Change]:
    parts = ("experiment", "identity", "settings")
    entries = dict(_flat("", {part: first.spec[part] for part in parts}))
    others = dict(_flat("", {part: second.spec[part] for part in parts}))
    for path in [*entries, *(path for path in others if path not in entries)]:
        in_both = path in entries and path in others
        if not in_both or canonical_json(entries[path]) != canonical_json(others[path]):
            yield Change(path, entries.get(path), others.get(path))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of nested JSON, each with its path; an empty list or object is a leaf."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _flat(f"{path}.{number}", item)
    else:
        yield path, value
