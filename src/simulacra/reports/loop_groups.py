"""The records of a page put together: one loop a policy with all its seeds, and the null arm it is held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from simulacra.autophagy.record import LoopRecord, Reading, Round
from simulacra.copying.dynamics.distributions import student_quantile
from simulacra.errors import UserError
from simulacra.reports.axes import Numbers
from simulacra.reports.comparison_words import listed
from simulacra.runs.spec import short

LEVEL = 0.95
"""Of the null band: the rate at which one more fit to real data would lie inside."""


@dataclass(frozen=True)
class Band:
    """Where a measure lies when no generation learnt from a generator."""

    low: float
    high: float
    restarts: int  # fits behind it; 0 where it is the meter's own band of real samples
    middle: float

    def holds(self, value: float) -> bool:
        """Whether a value is one that chance gives."""
        return self.low <= value <= self.high

    def distance(self, value: float) -> float:
        """How far a value lies from the middle, in half widths: above 1 outside."""
        half = (self.high - self.low) / 2
        return abs(value - self.middle) / half if half > 0 else float(value != self.middle) * 1e9


@dataclass(frozen=True)
class LoopGroup:
    """One loop: a policy on one generator and data, with every seed it was run with."""

    label: str
    records: tuple[LoopRecord, ...]  # a seed each
    nulls: tuple[LoopRecord, ...]  # null arms of the same setting, beginning and sampling bias

    @property
    def first(self) -> LoopRecord:
        """The record that speaks for all, with a generation if any has one: policy and setting are equal."""
        return next((record for record in self.records if record.rounds), self.records[0])

    @cached_property
    def lasting(self) -> tuple[LoopRecord, ...]:
        """The seeds that means are taken over: those that were not stopped, or all where every one was."""
        return tuple(record for record in self.records if record.stopped is None) or self.records

    @property
    def last(self) -> int:
        """The last generation that every lasting seed has reached; 0 where one has none yet."""
        return min(len(record.rounds) for record in self.lasting)

    @property
    def drawn(self) -> bool:
        """Whether any seed has a generation."""
        return any(record.rounds for record in self.records)

    @property
    def restarts(self) -> tuple[Round, ...]:
        """The fits of the null arms."""
        return tuple(each for record in self.nulls for each in record.rounds)

    def values(self, record: LoopRecord, read: Callable[[Round], float | None]) -> Numbers:
        """A number of each generation of one seed."""
        return [read(each) for each in record.rounds]

    def mean(self, read: Callable[[Round], float | None]) -> Numbers:
        """A number of each generation, mean over the lasting seeds, up to the last generation that all have."""
        rows = [self.values(record, read)[: self.last] for record in self.lasting]
        return [
            fmean(value for value in column if value is not None) if None not in column else None
            for column in zip(*rows, strict=True)
        ]

    def band(self, read: Callable[[Round], Reading | None], bounds: tuple[float | None, float | None]) -> Band | None:
        """The null band: a prediction interval of the restarts or, without two of them, the meter's own band.

        Args:
            read: the reading of a generation.
            bounds: ends that the measure cannot exceed.

        Returns:
            The band; None where neither is known.
        """
        values = [reading.value for each in self.restarts if (reading := read(each)) is not None]
        if len(values) >= 2:
            middle, count = fmean(values), len(values)
            reach = student_quantile((1 + LEVEL) / 2, count - 1) * stdev(values) * sqrt(1 + 1 / count)
            low, high = middle - reach, middle + reach
            return Band(
                low if bounds[0] is None else max(low, bounds[0]),
                high if bounds[1] is None else min(high, bounds[1]),
                count,
                middle,
            )
        readings = [reading for record in self.lasting for each in record.rounds[-1:] if (reading := read(each))]
        ends = [(each.low, each.high) for each in readings if each.low is not None and each.high is not None]
        if not ends:
            return None
        low, high = (fmean(end) for end in zip(*ends, strict=True))
        return Band(low, high, 0, (low + high) / 2)

    def floor(self, read: Callable[[Round], Reading | None]) -> float | None:
        """What as many real samples would measure, mean over all generations; None where it is unknown."""
        readings = [read(each) for record in self.records for each in record.rounds]
        floors = [each.floor for each in readings if each is not None and each.floor is not None]
        return fmean(floors) if floors else None


def grouped(records: Sequence[LoopRecord]) -> tuple[LoopGroup, ...]:
    """Put records together: a group a policy and setting, in the order in which they come.

    A record that is given twice counts once. Of a loop and its longer continuation the longer one counts.

    Raises:
        UserError: no record is of a loop, or no loop has a generation yet.
    """
    found = list({(record.run, record.arm, record.seed): record for record in records}.values())
    loops: dict[tuple[Any, ...], list[LoopRecord]] = {}
    for record in found:
        if record.arm == "loop":
            loops.setdefault((record.name, record.course, record.setting), []).append(record)
    if not loops:
        raise UserError("no run given is of a loop, only null arms; name a run of a loop as well")
    if not any(record.rounds for group in loops.values() for record in group):
        raise UserError("no loop given has a finished generation yet; let one finish, or name another run")
    firsts = [group[0] for group in loops.values()]
    return tuple(
        LoopGroup(
            label,
            tuple(longest[seed] for seed in sorted(longest)),
            tuple(record for record in found if record.arm == "null" and _of_null(record) == _of_null(group[0])),
        )
        for label, group in zip(_labels(firsts), loops.values(), strict=True)
        for longest in [{each.seed: each for each in sorted(group, key=lambda record: len(record.rounds))}]
    )


def measures(groups: Sequence[LoopGroup]) -> tuple[str, ...]:
    """Every measure of the page, in the order of the meter."""
    rounds = [each for group in groups for record in group.records for each in record.rounds]
    return tuple(dict.fromkeys(name for each in rounds for name in each.measured.readings))


def reading(measure: str) -> Callable[[Round], Reading | None]:
    """The reading of a measure in a generation, if it has one."""
    return lambda each: each.measured.readings.get(measure)


def value(measure: str) -> Callable[[Round], float | None]:
    """The value of a measure in a generation, if it has one."""
    return value_of(reading(measure))


def value_of(read: Callable[[Round], Reading | None]) -> Callable[[Round], float | None]:
    """The value of a reading, if there is one."""

    def number(each: Round) -> float | None:
        found = read(each)
        return None if found is None else found.value

    return number


def span(groups: Sequence[LoopGroup]) -> int:
    """The last generation that any seed of any loop has reached."""
    return max(len(record.rounds) for group in groups for record in group.records)


def settings(group: LoopGroup) -> dict[str, str]:
    """The settings of a policy that are not the default, as a person types them."""
    dumped = group.first.policy.model_dump(exclude_defaults=True)
    return {name.replace("_", "-"): _text(given) for name, given in dumped.items()}


def _of_null(record: LoopRecord) -> tuple[str, int, float]:
    """What a loop shares with its null arm, and of its policy only what shows on real data."""
    return record.setting, record.policy.initial, record.policy.bias


def _labels(firsts: Sequence[LoopRecord]) -> list[str]:
    """Names of loops: the policy's, and of the rest no more than tells them apart."""
    parts = [[record.name] for record in firsts]
    for attribute in ("generator", "data"):
        given = [str(getattr(record, attribute)) for record in firsts]
        if len(set(given)) > 1:
            for part, text in zip(parts, given, strict=True):
                part.append(text)
    for part, record in zip(parts, firsts, strict=True):
        part += [detail for detail in record.details if any(detail not in other.details for other in firsts)]
    bases = [", ".join(part) for part in parts]
    labels: list[str] = []
    for base, record in zip(bases, firsts, strict=True):
        alike = [other.policy.model_dump() for name, other in zip(bases, firsts, strict=True) if name == base]
        own = record.policy.model_dump()
        apart = [name for name in own if len({repr(each[name]) for each in alike}) > 1]
        told = listed([f"{name.replace('_', '-')} {_text(own[name])}" for name in apart])
        labels.append(f"{base}, {told}" if told else base)
    # Forks of different loops may have all in common that is told.
    return [
        label if labels.count(label) == 1 else f"{label} ({short(record.run)})"
        for label, record in zip(labels, firsts, strict=True)
    ]


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "yes" if given else "no"
    return f"{given:g}" if isinstance(given, float) else str(given)
