"""The drawings of the theory page: charts of closed forms as lines and runs as points, and maps of n_e / n_r."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, sqrt

from simulacra.reports.axes import Axis, area, path
from simulacra.reports.numbers import shown
from simulacra.reports.theory_figures import Mean, Panel, Remembered, Way

WIDTH, HEIGHT = 360.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 350.0, 10.0, 214.0
"""Frame of a chart inside its drawing."""

SIDE, MAP_LEFT, MAP_TOP = 250.0, 52.0, 10.0
"""Of a map: its frame is a square."""

MAP_WIDTH, MAP_HEIGHT = MAP_LEFT + SIDE + 12.0, MAP_TOP + SIDE + 38.0

SHADES = 6
"""Shades on either side of 1; the outermost stands for 2^1.5 and more, or its inverse."""

_STEP = 1.5 / SHADES


@dataclass(frozen=True)
class Point:
    """What was run, with a bar of one standard error on either side."""

    x: float
    y: float
    bar: str
    told: str


@dataclass(frozen=True)
class Series:
    """One closed form and what was run beside it."""

    colour: int
    hollow: bool
    line: str
    points: tuple[Point, ...]
    radius: float = 2.6


@dataclass(frozen=True)
class Chart:
    """A chart of several series."""

    rows: Axis
    columns: Axis
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Circle:
    """One loop that was run, on a map."""

    x: float
    y: float
    shade: int
    told: str


@dataclass(frozen=True)
class Map:
    """A panel: shaded cells, the boundary, and circles in the same shades."""

    title: str
    rows: Axis
    columns: Axis
    shades: tuple[tuple[int, str], ...]
    boundary: str
    circles: tuple[Circle, ...]


def distances(ways: Sequence[Way]) -> Chart:
    """Squared distance by generation, with its second-order expansion."""
    return _by_generation(ways, [way.wasserstein for way in ways], [way.second_order for way in ways])


def mean_errors(ways: Sequence[Way]) -> Chart:
    """The squared error of the mean by generation, with its exact expectation."""
    return _by_generation(ways, [way.mean_error for way in ways], [way.exact_mean_error for way in ways])


def traces(ways: Sequence[Way]) -> Chart:
    """The variance a dimension by generation, with its exact expectation."""
    return _by_generation(ways, [way.trace for way in ways], [way.exact_trace for way in ways])


def memory(found: Sequence[Remembered], line: Sequence[tuple[float, float]]) -> Chart:
    """n_e / n_r by the number of models that are remembered.

    Args:
        found: exact and run, at some numbers of models.
        line: the closed form, at many.
    """
    across = Axis.log(LEFT, RIGHT, [found[0].memory, found[-1].memory])
    up = Axis.linear(BOTTOM, TOP, [0.0, *(each.formula for each in found)], 5)
    drawn_line = path([(across.at(number), up.at(value)) for number, value in line])

    def points(rows: Sequence[tuple[int, Mean]], what: str) -> tuple[Point, ...]:
        return tuple(_point(across.at(number), mean, up, f"K = {number}, {what}") for number, mean in rows)

    exact = [(each.memory, Mean(each.exact, 0.0)) for each in found]
    drawn = [(each.memory, each.drawn) for each in found if each.drawn is not None]
    return Chart(
        up,
        across,
        (
            Series(1, False, drawn_line, ()),
            Series(1, True, "", points(exact, "exact"), 4.4),
            Series(0, False, "", points(drawn, "run")),
        ),
    )


def mapped(panel: Panel, *, logarithmic: bool) -> Map:
    """Draw a map; its heights are samples on a logarithmic scale.

    Args:
        panel: what is shown.
        logarithmic: whether the other axis is one of samples too.
    """
    right, bottom = MAP_LEFT + SIDE, MAP_TOP + SIDE
    if logarithmic:
        across = Axis.log(MAP_LEFT, right, panel.across)
        edges = [value * (panel.across[1] / panel.across[0]) ** 0.5 for value in panel.across]
    else:
        across = Axis.linear(MAP_LEFT, right, panel.across, 5)
        edges = [value + (panel.across[1] - panel.across[0]) / 2 for value in panel.across]
    up = Axis.log(bottom, MAP_TOP, panel.up)
    heights = [value * sqrt(panel.up[1] / panel.up[0]) for value in panel.up]
    boxes: dict[int, list[str]] = {}
    for low, high, row in zip([panel.up[0], *heights], heights, panel.gains, strict=False):
        for left, end, found in zip([panel.across[0], *edges], edges, row, strict=False):
            box = area(across.kept(left), across.kept(end), up.kept(low), up.kept(high))
            boxes.setdefault(shade(found), []).append(box)
    return Map(
        panel.title,
        up,
        across,
        tuple((number, "".join(parts)) for number, parts in sorted(boxes.items())),
        path([(across.at(x), up.at(y)) for x, y in panel.boundary]),
        tuple(
            Circle(
                across.at(spot.across),
                up.at(spot.up),
                shade(spot.drawn.value),
                f"run {shown(spot.drawn.value)} ± {shown(spot.drawn.error)}, formula {shown(spot.formula)}",
            )
            for spot in panel.spots
        ),
    )


def shade(found: float) -> int:
    """Which shade stands for n_e / n_r: 0 where it is 1, above 0 where the loop helps, below where it costs."""
    return max(-SHADES, min(SHADES, round(log2(max(found, 1e-9)) / _STEP)))


def scale() -> list[tuple[int, str]]:
    """The shades from cost to help, each with the number that it stands for."""
    return [(number, f"{2 ** (number * _STEP):.2g}") for number in range(-SHADES, SHADES + 1)]


def _by_generation(ways: Sequence[Way], drawn: Sequence[Sequence[Mean]], theory: Sequence[Sequence[float]]) -> Chart:
    across = Axis.whole(LEFT, RIGHT, 1, len(drawn[0]))
    values = [mean.value for row in drawn for mean in row] + [value for row in theory for value in row]
    up = Axis.linear(BOTTOM, TOP, [0.0, *values], 5)
    biases = list(dict.fromkeys(way.bias for way in ways))
    return Chart(
        up,
        across,
        tuple(
            Series(
                biases.index(way.bias),
                way.start != max(each.start for each in ways),
                path([(across.at(t), up.at(value)) for t, value in enumerate(line, 1)]),
                tuple(
                    _point(across.at(t), mean, up, f"λ {way.bias:g}, from {way.start}, generation {t}")
                    for t, mean in enumerate(row, 1)
                    if t <= 6 or t % 3 == 0
                ),
            )
            for way, row, line in zip(ways, drawn, theory, strict=True)
        ),
    )


def _point(x: float, mean: Mean, up: Axis, what: str) -> Point:
    low, high = up.kept(mean.value - mean.error), up.kept(mean.value + mean.error)
    told = f"{what}: {shown(mean.value)}" + (f" ± {shown(mean.error)}" if mean.error else "")
    return Point(x, up.at(mean.value), f"M{x:.1f} {low:.1f}V{high:.1f}", told)
