"""Runs side by side: the same pictures at the same copy, each copier's drift beyond its own baseline, and the order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from simulacra.copying.dynamics.estimate import Estimate
from simulacra.copying.excess import (
    YARDSTICKS,
    Size,
    Yardstick,
    baseline,
    drift,
    excess,
    mean_drift,
    over_pictures,
    ranks,
)
from simulacra.copying.result import Chain, CopyResult
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value


@dataclass(frozen=True)
class Entry:
    """What one contender did to one picture."""

    result: CopyResult
    chains: tuple[Chain, ...]  # one a replicate
    baseline: Chain | Undefined | None  # None: it resizes nothing, so nothing is taken off


@dataclass(frozen=True)
class Contender:
    """One copier, alone or with one remedy, over all the runs that used it on different pictures."""

    label: str
    entries: Mapping[str, Entry] = field(default_factory=dict)  # by the pixel digest of frame 0

    @property
    def copier(self) -> str:
        """The specification of the copier."""
        return next(iter(self.entries.values())).chains[0].copier

    @property
    def baseline(self) -> str:
        """What is taken off its drift, in a word."""
        beside = next(iter(self.entries.values())).baseline
        if isinstance(beside, Undefined):
            return "not known"
        return "identity" if beside is None else beside.copier

    @property
    def results(self) -> tuple[CopyResult, ...]:
        """Its runs, each once."""
        return tuple({entry.result.identity: entry.result for entry in self.entries.values()}.values())


@dataclass(frozen=True)
class Shared:
    """A picture that every contender copied."""

    digest: str
    label: str
    size: Size


@dataclass(frozen=True)
class Standing:
    """One contender in one channel."""

    contender: int  # its position among the contenders
    place: tuple[int, int] | None  # the best and the worst it can have; None without a value
    drift: Estimate  # at the last copy
    excess: Estimate  # the same beyond its baseline
    over_copies: Estimate  # excess averaged over all copies: high for one that drifts early
    by_picture: tuple[Value, ...]  # excess at the last copy, one a picture of the column


@dataclass(frozen=True)
class Column:
    """One channel: who drifts least in it."""

    yardstick: Yardstick
    pictures: tuple[Shared, ...]  # those on which frame 0 has a value: a face, for the face
    standings: tuple[Standing, ...]  # least excess first; without a value last


@dataclass(frozen=True)
class Comparison:
    """Runs laid side by side."""

    contenders: tuple[Contender, ...]  # least excess of the first column first
    pictures: tuple[Shared, ...]
    copies: int  # the copy at which drift is read
    columns: tuple[Column, ...]
    told: tuple[str, ...]  # what was left out, and why


def compare(results: Sequence[CopyResult]) -> Comparison:
    """Lay runs side by side on what they share: pictures, copies, measures.

    Each copier of the runs competes, and each remedy tried on it competes beside it; controls do not. Runs of one
    copier on different pictures count as one.

    Args:
        results: runs, as `read_run` gives them.

    Raises:
        UserError: there is no run or no finished chain of a copier, or the runs share no picture or no measure.
    """
    if not results:
        raise UserError("no run was given to compare; simulacra runs list shows those there are")
    contenders = _contenders(results)
    if not contenders:
        raise UserError(f"no copier has finished a chain yet; continue with: {results[0].command}")
    pictures = _shared(contenders)
    compared = [contender.entries[picture.digest].result for contender in contenders for picture in pictures]
    copies = min(result.times for result in compared)
    told = _left_out(contenders, pictures, compared, copies)
    yardsticks, missing = _yardsticks(compared)
    columns = [column for yardstick in yardsticks if (column := _column(contenders, pictures, yardstick, copies))]
    if not columns:
        raise UserError("the runs have no measure in common; measure them alike, with the same --channel")
    order = [standing.contender for standing in columns[0].standings]
    return Comparison(
        tuple(contenders[index] for index in order),
        pictures,
        copies,
        tuple(_renumbered(column, order) for column in columns),
        (*told, *missing),
    )


def curve(contender: Contender, column: Column, copies: int) -> list[float | None]:
    """The mean drift over the column's pictures at copies 0 to `copies`; None as soon as one of them has no value."""
    return [
        _mean(
            mean_drift(contender.entries[each.digest].chains, column.yardstick, copy, each.size)
            for each in column.pictures
        )
        for copy in range(copies + 1)
    ]


def baseline_curve(contender: Contender, column: Column, copies: int) -> list[float | None] | None:
    """The same of the contender's baseline; None where nothing is taken off, or that is not known."""
    beside = {each.digest: contender.entries[each.digest].baseline for each in column.pictures}
    chains = {digest: chain for digest, chain in beside.items() if isinstance(chain, Chain)}
    if len(chains) < len(beside):
        return None
    return [
        _mean(drift(chains[each.digest], column.yardstick, copy, each.size) for each in column.pictures)
        for copy in range(copies + 1)
    ]


def _contenders(results: Sequence[CopyResult]) -> list[Contender]:
    """Copiers and treated copiers in the order of the runs; those that meet on one picture are told apart by run."""
    found: dict[str, list[Contender]] = {}
    for result in results:
        by_label: dict[str, dict[str, list[Chain]]] = {}
        controls: dict[str, list[Chain]] = {}
        for chain in result.chains:
            digest = chain.frames[0].pixels
            if chain.control:
                controls.setdefault(digest, []).append(chain)
            else:
                by_label.setdefault(_label(result, chain), {}).setdefault(digest, []).append(chain)
        for label, pictures in by_label.items():
            entries = {
                digest: Entry(result, tuple(chains), baseline(chains[0], controls.get(digest, ())))
                for digest, chains in pictures.items()
            }
            namesakes = found.setdefault(label, [])
            apart = next((one for one in namesakes if not one.entries.keys() & entries.keys()), None)
            if apart is None:
                namesakes.append(Contender(label, entries))
            else:
                namesakes[namesakes.index(apart)] = replace(apart, entries={**apart.entries, **entries})
    named = []
    for label, namesakes in found.items():
        for contender in namesakes:
            run = next(iter(contender.entries.values())).result.folder.name
            named.append(replace(contender, label=f"{label} ({run})") if len(namesakes) > 1 else contender)
    return named


def _label(result: CopyResult, chain: Chain) -> str:
    legs = result.spec["settings"].get("legs", ())
    name = ", then ".join(leg["copier"] for leg in legs) if len(legs) > 1 else chain.copier
    return name if chain.remedy is None else f"{name} with {chain.remedy}"


def _shared(contenders: Sequence[Contender]) -> tuple[Shared, ...]:
    """The pictures that every contender copied, in the order of the first."""
    first, *others = contenders
    pictures = []
    for digest, entry in first.entries.items():
        if all(digest in other.entries for other in others):
            label = entry.chains[0].picture
            pictures.append(Shared(digest, label, _size(entry.result, label)))
    if not pictures:
        listed = "; ".join(f"{one.label} copied {_list(_pictures(one))}" for one in contenders)
        raise UserError(
            f"the runs share no picture ({listed}); copy the same picture at the same --size with each of them"
        )
    return tuple(pictures)


def _pictures(contender: Contender) -> list[str]:
    described = []
    for entry in contender.entries.values():
        label = entry.chains[0].picture
        width, height = _size(entry.result, label)
        described.append(f"{label} at {width}x{height} px")
    return described


def _size(result: CopyResult, label: str) -> Size:
    settings = result.spec["settings"]["pictures"]
    return next((each["width"], each["height"]) for each in settings if each["label"] == label)


def _left_out(
    contenders: Sequence[Contender], pictures: Sequence[Shared], compared: Sequence[CopyResult], copies: int
) -> list[str]:
    told = []
    kept = {picture.digest for picture in pictures}
    for one in contenders:
        dropped = [entry.chains[0].picture for digest, entry in one.entries.items() if digest not in kept]
        if dropped:
            told.append(f"{one.label} also copied {_list(dropped)}, which not all did: left out.")
    longer = sorted({result.times for result in compared} - {copies})
    if longer:
        told.append(
            f"Runs of up to {longer[-1]} copies are compared at copy {copies}, the last one of the shortest run."
        )
    return told


def _yardsticks(results: Sequence[CopyResult]) -> tuple[list[Yardstick], list[str]]:
    """What every run measured, under one definition, and a sentence about everything else that any of them did."""
    chosen, told = [], []
    for yardstick in YARDSTICKS:
        defined = [
            {measure.name: measure for measure in result.measures if measure.name in yardstick.measures}
            for result in results
        ]
        if not any(len(each) == len(yardstick.measures) for each in defined):
            continue
        if any(each != defined[0] for each in defined):
            told.append(f"The {yardstick.channel} channel is not compared: not all runs measured it, or not alike.")
            continue
        chosen.append(yardstick)
    return chosen, told


def _column(
    contenders: Sequence[Contender], pictures: Sequence[Shared], yardstick: Yardstick, copies: int
) -> Column | None:
    first = contenders[0]
    eligible = tuple(
        picture
        for picture in pictures
        if not isinstance(drift(first.entries[picture.digest].chains[0], yardstick, 0, picture.size), Undefined)
    )
    if not eligible:
        return None
    rows = {
        index: tuple(_excess(contender, yardstick, copies, picture) for picture in eligible)
        for index, contender in enumerate(contenders)
    }
    places = ranks(rows)
    standings = [
        Standing(
            index,
            places.get(index),
            over_pictures(
                [mean_drift(one.entries[each.digest].chains, yardstick, copies, each.size) for each in eligible]
            ),
            over_pictures(rows[index]),
            over_pictures([_over_copies(one, yardstick, copies, picture) for picture in eligible]),
            rows[index],
        )
        for index, one in enumerate(contenders)
    ]
    return Column(yardstick, eligible, tuple(sorted(standings, key=_far)))


def _excess(contender: Contender, yardstick: Yardstick, copy: int, picture: Shared) -> Value:
    entry = contender.entries[picture.digest]
    return excess(entry.chains, entry.baseline, yardstick, copy, picture.size)


def _over_copies(contender: Contender, yardstick: Yardstick, copies: int, picture: Shared) -> Value:
    """The mean excess over copies 1 to `copies`: the area under its curve, in the unit of the drift."""
    values = [_excess(contender, yardstick, copy, picture) for copy in range(1, copies + 1)]
    lost = next((value for value in values if isinstance(value, Undefined)), None)
    return lost or fmean(value for value in values if not isinstance(value, Undefined))


def _far(standing: Standing) -> tuple[bool, float]:
    value = standing.excess.value
    return (True, 0.0) if isinstance(value, Undefined) else (False, value)


def _renumbered(column: Column, order: Sequence[int]) -> Column:
    place = {old: new for new, old in enumerate(order)}
    return replace(
        column,
        standings=tuple(replace(standing, contender=place[standing.contender]) for standing in column.standings),
    )


def _mean(values: Iterable[Value]) -> float | None:
    """The mean; None as soon as one value is undefined."""
    numbers = []
    for value in values:
        if isinstance(value, Undefined):
            return None
        numbers.append(value)
    return fmean(numbers)


def _list(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
