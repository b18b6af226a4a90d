"""The drawings of a loop's numbers: a chart a measure, what pools are made of, and the path of precision and recall."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import TypeVar

from simulacra.autophagy.record import Round
from simulacra.reports.axes import Axis, Numbers, area, dots, path
from simulacra.reports.curves import BOTTOM, LEFT, RIGHT, TOP
from simulacra.reports.loop_groups import Band, LoopGroup, reading, span, value

PATH_HEIGHT = 300.0
PATH_BOTTOM = 272.0
"""Of the drawing of a path through two measures; its width is that of a chart."""

_RATIO = 60.0
"""Values that differ by more than this factor are drawn by their logarithm."""

_HEAD = 5.0
"""Length of the head of an arrow, in units of the drawing."""

PARTS = ("fixed", "fresh", "synthetic", "kept")
"""What a pool is made of, in the order of `Counts`."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Line:
    """One loop in a chart: each seed, and the mean of the seeds that lasted."""

    seeds: tuple[str, ...]
    mean: str
    places: tuple[float | None, ...]  # height of the mean, a generation


@dataclass(frozen=True)
class Chart:
    """One number of every loop by generation, as SVG paths."""

    rows: Axis
    columns: Axis
    bands: tuple[tuple[int | None, str], ...]  # group whose band it is, None where all share it
    floors: tuple[tuple[int | None, str], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Step:
    """One generation of a path."""

    generation: int
    x: float
    y: float


@dataclass(frozen=True)
class Course:
    """One loop's way through two measures."""

    seeds: tuple[str, ...]
    mean: str
    heads: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plane:
    """Every loop's way through two measures, from generation to generation, with the null arm as a cloud."""

    across: str
    up: str
    columns: Axis
    rows: Axis
    cloud: str
    floor: tuple[float, float] | None
    courses: tuple[Course, ...]


@dataclass(frozen=True)
class Pools:
    """What each generation of a loop learnt from, as stacked columns."""

    rows: Axis
    columns: tuple[tuple[float, str], ...]  # place and number of some generations
    parts: tuple[tuple[str, str], ...]  # name and path


def chart(
    groups: Sequence[LoopGroup],
    read: Callable[[Round], float | None],
    *,
    bands: Sequence[Band | None] | None = None,
    floors: Sequence[float | None] | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
    from_zero: bool = False,
) -> Chart | None:
    """Draw one number by generation.

    Args:
        groups: the loops.
        read: the number of a generation.
        bands: of each loop, its null band.
        floors: of each loop, what real samples give.
        bounds: ends that the number cannot exceed.
        from_zero: whether the axis has to hold 0.

    Returns:
        The chart; None where no generation has the number.
    """
    bands = bands or [None] * len(groups)
    floors = floors or [None] * len(groups)
    rows = [[group.values(record, read) for record in group.records] for group in groups]
    means = [group.mean(read) for group in groups]
    known = [number for group in rows for row in group for number in row if number is not None]
    if not known:
        return None
    beside = [end for band in bands if band for end in (band.low, band.high)] + [each for each in floors if each]
    least = min([*known, *beside])
    if least > 0 and max(known) > _RATIO * least and bounds[1] is None:
        up = Axis.log(BOTTOM, TOP, [*known, *beside])
    else:
        up = Axis.linear(BOTTOM, TOP, [*known, *beside, *([0.0] if from_zero else [])])
    across = Axis.whole(LEFT, RIGHT, 1, span(groups))

    def drawn(row: Numbers) -> str:
        return path([None if y is None else (across.at(t), up.at(y)) for t, y in enumerate(row, 1)])

    return Chart(
        up,
        across,
        tuple((owner, area(LEFT, RIGHT, up.kept(band.low), up.kept(band.high))) for owner, band in _shared(bands)),
        tuple((owner, f"M{LEFT} {up.kept(floor):.1f}H{RIGHT}") for owner, floor in _shared(floors)),
        tuple(
            Line(
                tuple(drawn(row) for row in group),
                drawn(mean),
                tuple(None if y is None else round(up.at(y), 1) for y in mean),
            )
            for group, mean in zip(rows, means, strict=True)
        ),
    )


def plane(groups: Sequence[LoopGroup], across: str, up: str) -> Plane | None:
    """Draw the way of every loop through two measures; None where no generation has both."""
    rows = [
        [_points(group.values(record, value(across)), group.values(record, value(up))) for record in group.records]
        for group in groups
    ]
    means = [_points(group.mean(value(across)), group.mean(value(up))) for group in groups]
    nulls = list({id(each): each for group in groups for each in group.restarts}.values())
    cloud = [
        (x.value, y.value) for each in nulls if (x := reading(across)(each)) and (y := reading(up)(each)) is not None
    ]
    floor = _pair(groups[0].floor(reading(across)), groups[0].floor(reading(up)))
    known = [point for group in rows for row in group for point in row if point] + cloud + ([floor] if floor else [])
    if not any(point for group in rows for row in group for point in row):
        return None
    columns = Axis.linear(LEFT, RIGHT, [x for x, _ in known], 4)
    heights = Axis.linear(PATH_BOTTOM, TOP, [y for _, y in known], 4)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return columns.at(point[0]), heights.at(point[1])

    courses = []
    for group, mean in zip(rows, means, strict=True):
        steps = [(t, *place(point)) for t, point in enumerate(mean, 1) if point]
        courses.append(
            Course(
                tuple(path([place(point) if point else None for point in row]) for row in group),
                path([place(point) if point else None for point in mean]),
                "".join(_head(before[1:], after[1:]) for before, after in pairwise(steps)),
                tuple(Step(*step) for step in steps),
            )
        )
    return Plane(
        across, up, columns, heights, dots([place(point) for point in cloud]), floor and place(floor), tuple(courses)
    )


def pools(group: LoopGroup) -> Pools:
    """Draw what each generation of a loop learnt from."""
    rounds = max((record.rounds for record in group.records), key=len)
    totals = [sum(getattr(each, part) for part in PARTS) for each in rounds]
    up = Axis.linear(BOTTOM, TOP, [0, *totals])
    width = (RIGHT - LEFT) / len(rounds)
    gap = min(3.0, width / 5)
    under = [0] * len(rounds)
    parts = []
    for part in PARTS:
        boxes = []
        for number, each in enumerate(rounds):
            size = getattr(each, part)
            left = LEFT + number * width
            if size:
                boxes.append(
                    area(left + gap / 2, left + width - gap / 2, up.at(under[number]), up.at(under[number] + size))
                )
            under[number] += size
        if boxes:
            parts.append((part, "".join(boxes)))
    ends = Axis.whole(LEFT + width / 2, RIGHT - width / 2, 1, len(rounds))
    return Pools(up, tuple((mark.place, mark.label) for mark in ends.marks), tuple(parts))


def _shared(found: Sequence[_T | None]) -> list[tuple[int | None, _T]]:
    """What loops have each, once where all have the same."""
    known = [(owner, one) for owner, one in enumerate(found) if one is not None]
    if len({repr(one) for _, one in known}) == 1:
        return [(None, known[0][1])]
    return list(known)


def _pair(x: float | None, y: float | None) -> tuple[float, float] | None:
    return None if x is None or y is None else (x, y)


def _points(across: Numbers, up: Numbers) -> list[tuple[float, float] | None]:
    return [_pair(x, y) for x, y in zip(across, up, strict=True)]


def _head(before: tuple[float, float], after: tuple[float, float]) -> str:
    """The head of an arrow between two places, where there is room for one."""
    dx, dy = after[0] - before[0], after[1] - before[1]
    length = hypot(dx, dy)
    if length < 2.5 * _HEAD:
        return ""
    x, y = before[0] + dx * 0.6, before[1] + dy * 0.6
    ux, uy = dx / length * _HEAD, dy / length * _HEAD
    left, right = (x - ux - uy / 2, y - uy + ux / 2), (x - ux + uy / 2, y - uy - ux / 2)
    return f"M{x:.1f} {y:.1f}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}Z"
