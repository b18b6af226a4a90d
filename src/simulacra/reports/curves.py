"""The geometry of one small chart: the model's chains as lines, the controls as a band, gaps where nothing is known.

Everything is computed here, so that a chart is the same picture with and without script; page.js only moves a cursor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulacra.copying.result import Reference
from simulacra.reports.numbers import tick_label, ticks
from simulacra.reports.subjects import Subject, number_at

WIDTH, HEIGHT = 320.0, 136.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 312.0, 8.0, 114.0
"""The frame of the plot inside the drawing, in the drawing's own units."""

Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Tick:
    """One mark of an axis: its place in the drawing and its text."""

    place: float
    label: str


@dataclass(frozen=True)
class Line:
    """One chain as an SVG path: solid where frames were made, dashed where a settled chain repeats itself."""

    chain: int  # position among the subject's chains, controls last
    control: bool
    remedy: int | None  # which of the subject's remedies; None for a chain left alone
    made: str
    repeated: str


@dataclass(frozen=True)
class Plot:
    """One measure against one reference, for every chain of a picture."""

    reference: Reference
    low: float  # value at the bottom of the frame
    high: float  # value at the top
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    zero: float | None  # height of the zero line, when zero lies inside the frame
    band: str
    lines: tuple[Line, ...]


def plot(subject: Subject, reference: Reference, measure: str, span: int, *, from_zero: bool) -> Plot | None:
    """Draw one measure.

    Args:
        subject: the picture with its chains.
        reference: what the measure is against.
        measure: its name.
        span: the last copy of the horizontal axis.
        from_zero: whether the axis has to hold zero, as that of a distance does.

    Returns:
        The chart; None where no chain has a single value.
    """
    chains = subject.all_chains
    series = [[number_at(chain, reference, measure, copy) for copy in range(span + 1)] for chain in chains]
    values = [value for row in series for value in row if value is not None]
    if not values:
        return None
    marks = ticks(min([*values, 0.0] if from_zero else values), max([*values, 0.0] if from_zero else values))
    scale = _Scale(marks[0], marks[-1], span)
    controls = series[subject.first_control :]
    lines = []
    for number, (chain, row) in enumerate(zip(chains, series, strict=True)):
        last = len(chain.frames) - 1
        repeated: Numbers = [*[None] * last, *row[last:]]
        remedy = None if chain.remedy is None else subject.remedies.index(chain.remedy)
        made, goes_on = _path(row[: last + 1], scale), _path(repeated, scale, dots=False)
        lines.append(Line(number, chain.control, remedy, made, goes_on))
    step = marks[1] - marks[0]
    return Plot(
        reference,
        marks[0],
        marks[-1],
        tuple(Tick(scale.y(mark), tick_label(mark, step)) for mark in marks),
        tuple(Tick(scale.x(copy), str(copy)) for copy in copy_ticks(span)),
        scale.y(0.0) if marks[0] < 0 < marks[-1] else None,
        _band(controls, scale),
        tuple(lines),
    )


def copy_ticks(span: int) -> list[int]:
    """Round copy numbers from 0 to `span`, about five."""
    return [round(mark) for mark in ticks(0, span, 5) if mark <= span and mark == round(mark)]


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    span: int

    def x(self, copy: int) -> float:
        return LEFT + (RIGHT - LEFT) * copy / self.span

    def y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low)

    def point(self, copy: int, value: float) -> str:
        return f"{self.x(copy):.1f} {self.y(value):.1f}"


def _path(row: Numbers, scale: _Scale, *, dots: bool = True) -> str:
    """An SVG path through the values; a value with none beside it becomes a dot (a line of no length, round caps)."""
    parts = []
    for first, last in _stretches(row):
        points = [
            scale.point(copy, value) for copy, value in enumerate(row[first : last + 1], first) if value is not None
        ]
        if len(points) > 1:
            parts.append("M" + "L".join(points))
        elif dots:
            parts.append(f"M{points[0]}h0")
    return "".join(parts)


def _band(controls: Sequence[Numbers], scale: _Scale) -> str:
    """The area between the lowest and the highest control at every copy."""
    if not controls:
        return ""
    present = [[value for value in column if value is not None] for column in zip(*controls, strict=True)]
    lows: Numbers = [min(column) if column else None for column in present]
    highs: Numbers = [max(column) if column else None for column in present]
    parts = []
    for first, last in _stretches(lows):
        there = [
            scale.point(copy, value) for copy, value in enumerate(highs[first : last + 1], first) if value is not None
        ]
        back = [
            scale.point(copy, value) for copy, value in enumerate(lows[first : last + 1], first) if value is not None
        ]
        parts.append("M" + "L".join(there + back[::-1]) + "Z")
    return "".join(parts)


def _stretches(row: Numbers) -> list[tuple[int, int]]:
    """The unbroken stretches of defined values, as (first, last)."""
    stretches: list[tuple[int, int]] = []
    for index, value in enumerate(row):
        if value is None:
            continue
        if stretches and stretches[-1][1] == index - 1:
            stretches[-1] = (stretches[-1][0], index)
        else:
            stretches.append((index, index))
    return stretches
