"""An axis of a drawing: where a value lies, linearly or by its logarithm, and round marks with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from simulacra.reports.curves import Tick
from simulacra.reports.numbers import tick_label, ticks

Numbers = Sequence[float | None]

_LABEL_WIDTH = 20.0
"""Of a number under an axis, with room beside it."""

_SIGNS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """Maps values between `low` and `high` to places between `start` and `end` of a drawing."""

    start: float
    end: float
    low: float
    high: float
    marks: tuple[Tick, ...]
    logarithmic: bool = False

    @classmethod
    def linear(cls, start: float, end: float, values: Sequence[float], wanted: int = 3) -> "Axis":
        """An axis from just below the least to just above the largest value, with about `wanted` steps."""
        marks = ticks(min(values), max(values), wanted)
        bare = cls(start, end, marks[0], marks[-1], ())
        step = marks[1] - marks[0]
        return cls(
            start, end, marks[0], marks[-1], tuple(Tick(bare.at(mark), tick_label(mark, step)) for mark in marks)
        )

    @classmethod
    def log(cls, start: float, end: float, values: Sequence[float], wanted: int = 4) -> "Axis":
        """An axis over whole powers of ten around the values, all of them above 0."""
        first, last = floor(log10(min(values)) + 1e-9), ceil(log10(max(values)) - 1e-9)
        last = max(last, first + 1)
        bare = cls(start, end, 10.0**first, 10.0**last, (), True)
        stride = max(1, round((last - first) / wanted))
        powers = range(first, last + 1, stride)
        return cls(
            *(start, end, bare.low, bare.high),
            tuple(Tick(bare.at(10.0**power), _power(power)) for power in powers),
            True,
        )

    @classmethod
    def whole(cls, start: float, end: float, first: int, last: int, wanted: int = 5) -> "Axis":
        """An axis of whole numbers, such as generations; a single one stands in the middle."""
        bare = cls(start, end, first, last, ())
        marks = [round(mark) for mark in ticks(first, last, wanted) if first <= mark <= last and mark == round(mark)]
        if not marks or bare.at(marks[0]) - bare.at(first) >= _LABEL_WIDTH:
            marks = [first, *marks]
        return cls(start, end, first, last, tuple(Tick(bare.at(number), str(number)) for number in marks))

    def at(self, value: float) -> float:
        """The place of a value; one outside the axis lies outside the drawing's frame."""
        if self.low == self.high:
            return (self.start + self.end) / 2
        low, high = (log10(self.low), log10(self.high)) if self.logarithmic else (self.low, self.high)
        along = log10(value) if self.logarithmic else value
        return self.start + (self.end - self.start) * (along - low) / (high - low)

    def kept(self, value: float) -> float:
        """The place of a value, or the nearer end of the axis."""
        return self.at(min(max(value, self.low), self.high))


def path(points: Sequence[tuple[float, float] | None]) -> str:
    """An SVG path through points of a drawing, with a gap where there is none; a lone point becomes a dot."""
    parts: list[str] = []
    stretch: list[str] = []
    for point in [*points, None]:
        if point is not None:
            stretch.append(f"{point[0]:.1f} {point[1]:.1f}")
        elif stretch:
            parts.append("M" + "L".join(stretch) + ("h0" if len(stretch) == 1 else ""))
            stretch = []
    return "".join(parts)


def dots(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path of dots: lines of no length, which round caps make visible."""
    return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)


def area(left: float, right: float, low: float, high: float) -> str:
    """An SVG path of an upright rectangle."""
    return f"M{left:.1f} {low:.1f}H{right:.1f}V{high:.1f}H{left:.1f}Z"


def _power(power: int) -> str:
    return f"{10.0**power:,g}" if -3 <= power <= 4 else f"10{str(power).translate(_SIGNS)}"
