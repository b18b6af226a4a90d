"""The drawings of a comparison: places with their intervals, and the mean drift of every contender by copy."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulacra.copying.compare import Column, Comparison, Standing, baseline_curve, curve
from simulacra.copying.dynamics.estimate import Interval
from simulacra.measures.contract import Undefined
from simulacra.reports.comparison_words import between, place, remark
from simulacra.reports.curves import copy_ticks
from simulacra.reports.numbers import tick_label, ticks

WIDTH = 560.0
ROW = 22.0
LEFT, RIGHT, TOP = 196.0, 404.0, 8.0
"""Of the places' drawing: names to the left of the frame, numbers to the right."""

COURSE_WIDTH, COURSE_HEIGHT = 560.0, 260.0
COURSE_LEFT, COURSE_RIGHT, COURSE_TOP, COURSE_BOTTOM = 40.0, 400.0, 8.0, 232.0
"""Of the courses' drawing: names to the right of the frame, where the lines end."""

_LABEL_HEIGHT = 13.0
_LONGEST_NAME = 27
_STRETCH = 1.6
"""How far intervals may widen the axis beyond the pictures: one wild interval must not flatten all others."""


@dataclass(frozen=True)
class Tick:
    """One mark of an axis."""

    place: float
    label: str


@dataclass(frozen=True)
class Row:
    """One contender in the drawing of places."""

    contender: int
    y: float
    place: str
    name: str
    dot: float | None
    bar: tuple[float, float] | None
    open_ends: tuple[bool, bool]  # whether the interval goes on beyond the frame
    pictures: tuple[float, ...]  # one mark a picture
    text: str
    remark: str


@dataclass(frozen=True)
class Places:
    """Contenders from least excess to most, each with its interval and a mark a picture."""

    height: float
    bottom: float
    columns: tuple[Tick, ...]
    zero: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Course:
    """One contender's mean drift by copy, as SVG paths."""

    contender: int
    path: str
    baseline: str  # empty where nothing is taken off
    y: float  # of its name
    end: tuple[float, float]  # of the line
    name: str


@dataclass(frozen=True)
class Courses:
    """Every contender's course over each other."""

    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    lines: tuple[Course, ...]


def places(comparison: Comparison, column: Column) -> Places:
    """Draw who drifts how much in one channel."""
    values = [value for standing in column.standings for value in standing.by_picture]
    known = [float(value) for value in values if not isinstance(value, Undefined)] or [0.0]
    reach = max(max(known), -min(known), 1e-9) * _STRETCH
    ends = [
        min(max(end, -reach), reach)
        for standing in column.standings
        if isinstance(standing.excess.interval, Interval)
        for end in (standing.excess.interval.low, standing.excess.interval.high)
    ]
    marks = ticks(min(0.0, *known, *ends), max(0.0, *known, *ends), 4)
    scale = _Scale(LEFT, RIGHT, marks[0], marks[-1])
    bottom = TOP + ROW * len(column.standings)
    step = marks[1] - marks[0]
    return Places(
        bottom + 20,
        bottom,
        tuple(Tick(scale.at(mark), tick_label(mark, step)) for mark in marks),
        scale.at(0.0),
        tuple(
            _row(comparison, column, standing, scale, TOP + ROW * (index + 0.5))
            for index, standing in enumerate(column.standings)
        ),
    )


def courses(comparison: Comparison, column: Column) -> Courses | None:
    """Draw every contender's mean drift by copy; None where nobody has one."""
    found = [curve(contender, column, comparison.copies) for contender in comparison.contenders]
    beside = [baseline_curve(contender, column, comparison.copies) or [] for contender in comparison.contenders]
    values = [value for row in [*found, *beside] for value in _defined(row)[1:]]
    if not values:
        return None
    marks = ticks(0.0, max(values), 4)
    across = _Scale(COURSE_LEFT, COURSE_RIGHT, 0, comparison.copies)
    up = _Scale(COURSE_BOTTOM, COURSE_TOP, marks[0], marks[-1])
    lasts = {
        number: (across.at(len(known) - 1), up.at(known[-1]))
        for number, row in enumerate(found)
        if len(known := _defined(row)) > 1
    }
    names = _apart({number: end[1] for number, end in lasts.items()})
    step = marks[1] - marks[0]
    return Courses(
        tuple(Tick(up.at(mark), tick_label(mark, step)) for mark in marks),
        tuple(Tick(across.at(copy), str(copy)) for copy in copy_ticks(comparison.copies)),
        tuple(
            Course(
                number,
                _path(_defined(found[number]), across, up),
                _path(_defined(beside[number]), across, up),
                names[number],
                end,
                _short(comparison.contenders[number].label),
            )
            for number, end in lasts.items()
        ),
    )


@dataclass(frozen=True)
class _Scale:
    start: float
    end: float
    low: float
    high: float

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _row(comparison: Comparison, column: Column, standing: Standing, scale: _Scale, y: float) -> Row:
    found = standing.excess
    dot = None if isinstance(found.value, Undefined) else scale.at(found.value)
    bar, open_ends = None, (False, False)
    if isinstance(found.interval, Interval):
        low, high = found.interval.low, found.interval.high
        bar = (scale.at(max(low, scale.low)), scale.at(min(high, scale.high)))
        open_ends = (low < scale.low, high > scale.high)
    return Row(
        standing.contender,
        y,
        place(standing),
        _short(comparison.contenders[standing.contender].label),
        dot,
        bar,
        open_ends,
        tuple(scale.at(float(value)) for value in standing.by_picture if not isinstance(value, Undefined)),
        between(found),
        remark(column, standing),
    )


def _defined(row: Sequence[float | None]) -> list[float]:
    """The values up to the first gap: from there on the mean would be one over fewer pictures."""
    end = next((index for index, value in enumerate(row) if value is None), len(row))
    return [value for value in row[:end] if value is not None]


def _path(values: Sequence[float], across: _Scale, up: _Scale) -> str:
    points = [f"{across.at(copy):.1f} {up.at(value):.1f}" for copy, value in enumerate(values)]
    return "M" + "L".join(points) if len(points) > 1 else ""


def _apart(wanted: dict[int, float]) -> dict[int, float]:
    """Heights of names near the wanted ones, none nearer to another than a line of text."""
    placed: dict[int, float] = {}
    lowest = COURSE_TOP
    order = sorted(wanted, key=lambda number: wanted[number])
    for number in order:
        placed[number] = max(wanted[number], lowest)
        lowest = placed[number] + _LABEL_HEIGHT
    highest = COURSE_BOTTOM
    for number in reversed(order):  # what was pushed off the bottom moves up again
        placed[number] = min(placed[number], highest)
        highest = placed[number] - _LABEL_HEIGHT
    return placed


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
