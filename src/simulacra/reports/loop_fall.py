"""How a distribution falls away from the truth: projections, histograms, the spectrum of the covariance, lost modes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean

from simulacra.autophagy.record import Reading, Round
from simulacra.reports.axes import Axis, path
from simulacra.reports.curves import BOTTOM, LEFT, RIGHT, TOP
from simulacra.reports.loop_groups import LoopGroup, value_of
from simulacra.reports.pictures import evenly

BOX = 200
"""Side of the square a projection is drawn in."""

MOST_PANELS, MOST_RIDGES, MOST_SPECTRA, MOST_COLUMNS = 6, 12, 8, 16
"""Generations shown of each kind; more are sampled evenly, the first and the last among them."""

RIDGE = 26.0
"""Units from one ridge to the next."""

LEVELS = 10
"""Shades of the table of modes."""

_BEYOND = 0.15
"""Share of the real samples' reach that is shown around them."""

_TALLEST = 1.8
"""Height of the highest peak, in ridges."""

_CLIP = 3.0
"""Times the real density at which a peak is cut: a collapsed loop's would flatten all others."""

_LEAST = 1e-6
"""Share of the largest real eigenvalue below which an eigenvalue counts as nothing."""

Flat = tuple[int, ...]
"""Places of points in a box, x and y in turn."""


@dataclass(frozen=True)
class Panel:
    """Samples of one generation over the real ones."""

    generation: int
    points: str


@dataclass(frozen=True)
class Projection:
    """Samples of every generation and seed on the first two principal axes of the real ones."""

    real: str
    panels: tuple[Panel, ...]  # of the first seed
    places: tuple[tuple[Flat, ...], ...]  # a seed, a generation


@dataclass(frozen=True)
class Ridge:
    """The density of one generation, above its own line."""

    generation: int
    y: float
    outline: str
    real: str


@dataclass(frozen=True)
class Ridges:
    """The density of one-dimensional samples by generation, each over the real one."""

    height: float
    columns: Axis
    ridges: tuple[Ridge, ...]
    clipped: bool


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of the covariance by generation, largest first, on a logarithmic scale."""

    rows: Axis
    columns: Axis
    real: str
    lines: tuple[tuple[int, str], ...]  # generation and path, geometric mean over seeds
    clipped: bool


@dataclass(frozen=True)
class Cell:
    """Recall of one mode in one generation."""

    value: float | None
    level: int  # 0 where nothing is left, LEVELS where all is


@dataclass(frozen=True)
class Modes:
    """Recall of every mode by generation, mean over seeds."""

    generations: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], float | None], ...]  # mode, cells, what it is held against
    lost: tuple[str, ...]  # below half of that in the last generation
    against: str  # whose that is: "restarts" on real data or, where there are none, "generation 1"


def projection(group: LoopGroup) -> Projection | None:
    """Samples on two axes; None where none were kept."""
    real = group.first.reference.projection
    if not real or not any(each.measured.projection for record in group.records for each in record.rounds):
        return None
    middle = [(min(axis) + max(axis)) / 2 for axis in zip(*real, strict=True)]
    reach = max((max(axis) - min(axis)) / 2 for axis in zip(*real, strict=True)) * (1 + _BEYOND) or 1.0

    def flat(points: Sequence[tuple[float, float]]) -> Flat:
        places = []
        for x, y in points:
            across, up = (x - middle[0]) / reach, (middle[1] - y) / reach  # a drawing's heights run downwards
            places += [round(BOX / 2 * (1 + min(1.0, max(-1.0, share)))) for share in (across, up)]
        return tuple(places)

    places = tuple(tuple(flat(each.measured.projection) for each in record.rounds) for record in group.records)
    first = max(places, key=lambda generations: (len(generations) > 0, -places.index(generations)))
    return Projection(
        scattered(flat(real)),
        tuple(Panel(number + 1, scattered(first[number])) for number in evenly(len(first), MOST_PANELS)),
        places,
    )


def scattered(flat: Flat) -> str:
    """An SVG path of dots at these places, as the page's script writes it."""
    return "".join(f"M{x} {y}h0" for x, y in zip(flat[::2], flat[1::2], strict=True))


def ridges(group: LoopGroup) -> Ridges | None:
    """Densities of one-dimensional samples, mean over the lasting seeds; None where there are none."""
    reference = group.first.reference
    rows = _means(group, lambda each: each.measured.histogram, fmean)
    if not reference.histogram or not rows:
        return None
    edges = reference.edges
    chosen = evenly(len(rows), MOST_RIDGES)
    across = Axis.linear(LEFT - 14, RIGHT, [edges[0], edges[-1]], 5)
    real_top = max(reference.histogram)
    top = max(real_top, *(min(max(rows[number]), _CLIP * real_top) for number in chosen))
    tall = _TALLEST * RIDGE
    first = TOP + tall

    def outline(density: Sequence[float], y: float) -> str:
        places = [f"M{across.kept(edges[0]):.1f} {y:.1f}"]
        for left, right, share in zip(edges, edges[1:], density, strict=False):
            height = y - tall * min(share, _CLIP * real_top) / top
            places.append(f"L{across.kept(left):.1f} {height:.1f}H{across.kept(right):.1f}")
        return "".join(places) + f"L{across.kept(edges[-1]):.1f} {y:.1f}"

    drawn = []
    for place, number in enumerate(chosen):
        y = first + place * RIDGE
        drawn.append(Ridge(number + 1, y, outline(rows[number], y), outline(reference.histogram, y)))
    return Ridges(
        drawn[-1].y + 24, across, tuple(drawn), any(max(rows[number]) > _CLIP * real_top for number in chosen)
    )


def spectrum(group: LoopGroup) -> Spectrum | None:
    """Eigenvalues by generation; None where none were kept."""
    real = group.first.reference.spectrum
    if not real or real[0] <= 0:
        return None
    least = _LEAST * real[0]

    def middle(found: Sequence[float]) -> float:
        return exp(fmean(log(max(number, least)) for number in found))

    rows = _means(group, lambda each: each.measured.spectrum, middle)
    if not rows:
        return None
    chosen = evenly(len(rows), MOST_SPECTRA)
    everything = [max(number, least) for row in (real, *(rows[number] for number in chosen)) for number in row]
    up = Axis.log(BOTTOM, TOP, everything)
    across = Axis.whole(LEFT, RIGHT, 1, max(2, *(len(rows[number]) for number in chosen), len(real)))

    def drawn(row: Sequence[float]) -> str:
        return path([(across.at(place), up.at(max(number, least))) for place, number in enumerate(row, 1)])

    return Spectrum(
        up,
        across,
        drawn(real),
        tuple((number + 1, drawn(rows[number])) for number in chosen),
        min(everything) < least * (1 + 1e-9),  # a mean of logarithms rounds
    )


def modes(group: LoopGroup) -> Modes | None:
    """Recall of every mode by generation; None where it was not measured."""
    names = list(
        dict.fromkeys(name for record in group.records for each in record.rounds for name in each.measured.modes)
    )
    if not names or not group.last:
        return None
    chosen = evenly(group.last, MOST_COLUMNS)
    rows, lost = [], []
    for name in names:
        read = _recall(name)
        course = group.mean(value_of(read))
        nulls = [found.value for each in group.restarts if (found := read(each))]
        whole = fmean(nulls) if nulls else course[0]
        rows.append((name, tuple(Cell(course[number], _level(course[number], whole)) for number in chosen), whole))
        if whole is not None and course[-1] is not None and course[-1] < whole / 2:
            lost.append(name)
    against = "restarts" if group.restarts else "generation 1"
    return Modes(tuple(number + 1 for number in chosen), tuple(rows), tuple(lost), against)


def _recall(mode: str) -> Callable[[Round], Reading | None]:
    return lambda each: each.measured.modes.get(mode)


def _level(found: float | None, whole: float | None) -> int:
    if found is None or whole is None:
        return 0
    return LEVELS if whole <= 0 else min(LEVELS, max(0, round(LEVELS * found / whole)))


def _means(
    group: LoopGroup,
    read: Callable[[Round], Sequence[float]],
    middle: Callable[[Sequence[float]], float],
) -> list[list[float]]:
    """Rows of numbers of each generation, averaged over the lasting seeds, up to where one has none."""
    rows: list[list[float]] = []
    for number in range(group.last):
        found = [read(record.rounds[number]) for record in group.lasting]
        if not all(found) or len({len(row) for row in found}) > 1:
            break
        rows.append([middle(column) for column in zip(*found, strict=True)])
    return rows
