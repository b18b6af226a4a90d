"""The drawings of a card: starts, ends and fixed points on one axis, courses over copies, and colours as swatches."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch

from simulacra.copying.attractor import Attractor, Pull
from simulacra.copying.attractor.attributes import LAB
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.copying.dynamics.series import Series
from simulacra.images.colour import lab_to_srgb
from simulacra.measures.contract import Undefined
from simulacra.reports.card_words import placed
from simulacra.reports.curves import BOTTOM, LEFT, RIGHT, TOP, Tick, copy_ticks
from simulacra.reports.numbers import tick_label, ticks

ROWS = {"frame 0": 22.0, "last copy": 62.0, "heading for": 100.0}
"""Heights of the three rows of a drawing of starts and ends."""
INSET = 66.0
"""Where its axis begins; the names of the rows stand before it."""
SHADES = 9
"""Steps of a strip of colours from one end of an interval to the other."""

_NEAR = 2.0  # an interval is drawn as far as this many times the span of starts and ends, and open beyond


@dataclass(frozen=True)
class Arrows:
    """Of one attribute: every picture from its start to its end, and where they are heading."""

    ways: tuple[tuple[float, float], ...]  # places of frame 0 and the last copy, a picture
    ticks: tuple[Tick, ...]
    middle: tuple[float, float]  # the medians of both
    place: float | None  # the fixed point, where it is known and near enough to draw
    band: tuple[float, float] | None  # its interval, cut off at the edge of the drawing
    open_low: bool  # whether the interval goes on beyond the drawing
    open_high: bool


@dataclass(frozen=True)
class Courses:
    """Of one attribute: the course of every picture over copies, its controls, and where they are heading."""

    pictures: tuple[str, ...]  # an SVG path each
    controls: tuple[str, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    place: float | None
    band: tuple[float, float] | None  # top and bottom


@dataclass(frozen=True)
class Swatch:
    """A colour and what it is of."""

    name: str
    colour: str
    lab: str


@dataclass(frozen=True)
class Strip:
    """The colours from one end of an interval to the other, in one of L*, a* and b*."""

    name: str
    interval: str
    colours: tuple[str, ...]


def arrows(pull: Pull) -> Arrows:
    """Draw starts above, ends below, and the fixed point with its interval at the foot."""
    ways = [(_known(course.values[0]), _known(course.values[-1])) for course in pull.courses]
    low, high = _reach([value for way in ways for value in way], pull.fixed_point)
    marks = ticks(low, high, 4)
    scale = _Scale(marks[0], marks[-1], INSET, RIGHT)
    band, interval = None, pull.fixed_point.interval
    open_low = open_high = False
    if placed(pull) and isinstance(interval, Interval) and interval.low < marks[-1] and interval.high > marks[0]:
        open_low, open_high = interval.low < marks[0], interval.high > marks[-1]
        band = (scale.at(max(interval.low, marks[0])), scale.at(min(interval.high, marks[-1])))
    value = pull.fixed_point.value
    drawn = placed(pull) and not isinstance(value, Undefined) and marks[0] <= value <= marks[-1]
    return Arrows(
        tuple((scale.at(start), scale.at(end)) for start, end in ways),
        tuple(Tick(scale.at(mark), tick_label(mark, marks[1] - marks[0])) for mark in marks),
        (scale.at(pull.start), scale.at(pull.end)),
        scale.at(_known(value)) if drawn else None,
        band,
        open_low,
        open_high,
    )


def courses(pull: Pull, last: int) -> Courses:
    """Draw every picture's course over copies, the controls beneath, and the interval of the fixed point behind."""
    lines = [course.values for course in pull.courses]
    beside = [values for course in pull.courses for values in course.controls.values()]
    seen = [value for line in [*lines, *beside] for value in line if not isinstance(value, Undefined)]
    low, high = _reach(seen, pull.fixed_point)
    marks = ticks(low, high)
    scale, across = _Scale(marks[0], marks[-1], BOTTOM, TOP), _Scale(0, last, LEFT, RIGHT)
    value, interval = pull.fixed_point.value, pull.fixed_point.interval
    band = None
    if placed(pull) and isinstance(interval, Interval) and interval.low < marks[-1] and interval.high > marks[0]:
        band = (scale.at(min(interval.high, marks[-1])), scale.at(max(interval.low, marks[0])))
    drawn = placed(pull) and not isinstance(value, Undefined) and marks[0] <= value <= marks[-1]
    return Courses(
        tuple(_path(line, across, scale) for line in lines),
        tuple(_path(line, across, scale) for line in beside),
        tuple(Tick(scale.at(mark), tick_label(mark, marks[1] - marks[0])) for mark in marks),
        tuple(Tick(across.at(copy), str(copy)) for copy in copy_ticks(last)),
        scale.at(_known(value)) if drawn else None,
        band,
    )


def swatches(found: Attractor) -> tuple[Swatch, ...]:
    """The mean colour of the pictures at first, at last, and, where it is known, at the fixed point."""
    pulls = _colour_pulls(found)
    if len(pulls) < len(LAB):
        return ()
    told = [
        Swatch("frame 0", *_colour([pull.start for pull in pulls])),
        Swatch(f"copy {found.copies}", *_colour([pull.end for pull in pulls])),
    ]
    places = [pull.fixed_point.value for pull in pulls]
    known = [place for place in places if not isinstance(place, Undefined)]
    if len(known) == len(LAB) and all(placed(pull) for pull in pulls):
        told.append(Swatch("heading for", *_colour(known)))
    return tuple(told)


def strips(found: Attractor) -> tuple[Strip, ...]:
    """The interval of the fixed point in each of L*, a* and b* as colours, the others held at their middle."""
    pulls = _colour_pulls(found)
    if len(pulls) < len(LAB):
        return ()
    centre = [pull.end if isinstance(pull.fixed_point.value, Undefined) else pull.fixed_point.value for pull in pulls]
    made = []
    for place, pull in enumerate(pulls):
        interval = pull.fixed_point.interval
        if isinstance(interval, Undefined) or not interval.bounded:
            continue
        colours = []
        for step in range(SHADES):
            lab = list(centre)
            lab[place] = interval.low + (interval.high - interval.low) * step / (SHADES - 1)
            colours.append(_colour(lab)[0])
        made.append(Strip(pull.measure.unit, str(interval), tuple(colours)))
    return tuple(made)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        return self.first + (self.last - self.first) * (value - self.low) / (self.high - self.low)


def _reach(values: Sequence[float], place: Estimate) -> tuple[float, float]:
    """What an axis must hold: all values, and the fixed point with its interval as far as they are near."""
    low, high = min(values), max(values)
    room = _NEAR * ((high - low) or 1.0)
    ends = [] if isinstance(place.interval, Undefined) else [place.interval.low, place.interval.high]
    ends += [] if isinstance(place.value, Undefined) else [place.value]
    near = [end for end in ends if isfinite(end) and low - room <= end <= high + room]
    return min([low, *near]), max([high, *near])


def _path(values: Series, across: _Scale, scale: _Scale) -> str:
    """A line through the values, broken where there is none."""
    parts, open_ = [], False
    for copy, value in enumerate(values):
        if isinstance(value, Undefined):
            open_ = False
            continue
        parts.append(f"{'L' if open_ else 'M'}{across.at(copy):.1f} {scale.at(value):.1f}")
        open_ = True
    return "".join(parts)


def _colour_pulls(found: Attractor) -> list[Pull]:
    by_name = {pull.measure.name: pull for pull in found.pulls}
    return [by_name[name] for name in LAB if name in by_name]


def _colour(lab: Sequence[float]) -> tuple[str, str]:
    """A CIELAB colour as hex, the nearest that a screen shows by clipping, and in words."""
    rgb = lab_to_srgb(torch.tensor(lab, dtype=torch.float64)[None, :, None, None]).flatten().clamp(0, 1)
    hexed = "".join(f"{round(float(value) * 255):02x}" for value in rgb)
    lightness, a, b = (f"{value:.0f}".replace("-", "−") for value in lab)
    return f"#{hexed}", f"L* {lightness}, a* {a}, b* {b}"


def _known(value: float | Undefined) -> float:
    if isinstance(value, Undefined):
        raise TypeError(f"a value is missing: {value.reason}")
    return value
