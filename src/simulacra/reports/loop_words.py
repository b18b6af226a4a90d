"""What a page says of loops: names of measures, the plain answer, what stopped, and what it all was."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any

from simulacra.autophagy.lineage import half_life
from simulacra.autophagy.record import LoopRecord
from simulacra.reports.comparison_words import counted, listed
from simulacra.reports.loop_fall import modes
from simulacra.reports.loop_groups import LEVEL, Band, LoopGroup, grouped, measures, reading, settings, span, value
from simulacra.reports.numbers import shown

MOST_CLAIMS = 4
"""Measures told in words of one loop; all are in the charts."""


@dataclass(frozen=True)
class Meaning:
    """How a reader is told of a measure."""

    label: str
    unit: str = ""
    bounds: tuple[float | None, float | None] = (None, None)
    from_zero: bool = False


_SHARE: dict[str, Any] = {"bounds": (0.0, 1.0)}

MEANINGS = {
    "frechet": Meaning("Fréchet distance", "lower is nearer", (0.0, None), True),
    "kernel": Meaning("kernel distance", "lower is nearer; 0 in expectation for equal sets"),
    "precision": Meaning("precision", "share of samples that look real", **_SHARE),
    "recall": Meaning("recall", "share of the real that is reached", **_SHARE),
    "density": Meaning("density", "1 in expectation for equal sets", (0.0, None)),
    "coverage": Meaning("coverage", "share of real samples with a sample near", **_SHARE),
    "vendi": Meaning("Vendi score", "effective number of different samples", (0.0, None)),
    "ancestry": Meaning("real ancestry", "real samples the pool is worth, over those of generation 1", **_SHARE),
    "authenticity": Meaning("authenticity", "share of samples that are no copies", **_SHARE),
    "spread": Meaning("spread", "trace of the covariance over that of the real", (0.0, None), True),
    "wasserstein": Meaning("squared Wasserstein distance", "lower is nearer", (0.0, None), True),
    "shift": Meaning("shift of the mean", "squared, over the trace of the real covariance", (0.0, None), True),
    "classes": Meaning("effective classes", "classes that the samples are spread over", (0.0, None)),
    "agreement": Meaning("agreement", "share of samples seen as the class they were made as", **_SHARE),
    "nearest": Meaning("nearest training sample", "distance over that of training samples; 0 is a copy", (0.0, None)),
}
"""Family of a measure -> what its chart is headed with; the others show their names."""

_FIRST = ("recall", "coverage", "precision")
"""What the plain answer speaks of first, where it left its band: diversity, then quality."""


@dataclass(frozen=True)
class Change:
    """What became of one measure from the first to the last generation of a loop."""

    measure: str
    first: float
    last: float
    band: Band | None

    @property
    def left(self) -> bool:
        """Whether the last generation lies outside the null band."""
        return self.band is not None and not self.band.holds(self.last)

    @property
    def verb(self) -> str:
        """Which way it went."""
        return "fell" if self.last < self.first else "rose" if self.last > self.first else "stayed"


def meaning(measure: str) -> Meaning:
    """How to tell of a measure, by its name or by the family its name begins with."""
    for family, found in MEANINGS.items():
        if measure == family or measure.startswith((f"{family}_", f"{family}-")):
            rest = measure[len(family) + 1 :].replace("_", " ")
            return Meaning(f"{found.label}, {rest}" if rest else found.label, found.unit, found.bounds, found.from_zero)
    return Meaning(measure.replace("_", " "))


def title(groups: Sequence[LoopGroup]) -> str:
    """What the page is of."""
    first = groups[0].first
    generators = list(dict.fromkeys(group.first.generator for group in groups))
    data = list(dict.fromkeys(group.first.data for group in groups))
    ends = counted(span(groups), "generation")
    if len(groups) == 1:
        return f"{groups[0].label}: {ends} of {first.generator} on {first.data}"
    made = generators[0] if len(generators) == 1 else counted(len(generators), "generator")
    on = data[0] if len(data) == 1 else counted(len(data), "set")
    return f"{counted(len(groups), 'loop')} of {made} on {on}"


def changes(group: LoopGroup) -> list[Change]:
    """Every measure of a loop, from its first to its last generation, the one farthest out of its band first."""
    found = []
    for measure in measures([group]):
        means = group.mean(value(measure))
        if means and means[0] is not None and means[-1] is not None:
            band = group.band(reading(measure), meaning(measure).bounds)
            found.append(Change(measure, means[0], means[-1], band))

    def order(change: Change) -> tuple[int, float]:
        family = change.measure.split("_")[0]
        place = _FIRST.index(family) if change.left and family in _FIRST else len(_FIRST)
        return place, -(change.band.distance(change.last) if change.band else 0.0)

    return sorted(found, key=order)


def answer(group: LoopGroup) -> str:
    """The plain answer for one loop: what moved, how far, against which band."""
    found = changes(group)
    if not found:
        return "Nothing was measured yet."
    out = [change for change in found if change.left]
    known = {each.measure.split("_")[0]: each for each in found}
    told = out[0] if out else next((known[family] for family in _FIRST if family in known), found[0])
    return _sentence(told, group.last)


def lead(groups: Sequence[LoopGroup]) -> str:
    """The plain answer of the page; of several loops, one measure side by side."""
    if len(groups) == 1:
        return answer(groups[0])
    found = [(group, changes(group)) for group in groups]
    measure = next((rows[0].measure for _, rows in found if rows and rows[0].left), None)
    if measure is None:
        return "No loop has a measure outside its null band."
    last = [
        f"{shown(change.last)} with {group.label}"
        + (f" at its generation {group.last}" if group.last != span(groups) else "")
        for group, rows in found
        for change in rows
        if change.measure == measure
    ]
    bands = {change.band for _, rows in found for change in rows if change.measure == measure}
    band = bands.pop() if len(bands) == 1 else None
    told = f"After {counted(span(groups), 'generation')} {meaning(measure).label} is {listed(last)}"
    return f"{told}{f'; {_whose(band)}' if band else ''}."


def claims(group: LoopGroup) -> list[str]:
    """What is told of a loop beside the plain answer."""
    found = changes(group)
    out = [change for change in found if change.left]
    known = [change for change in found if change.band]
    told = [_sentence(change, 0) for change in out[1:MOST_CLAIMS]]
    if known and out:
        told.append(_counted_out(len(out), len(known), group))
    elif known:
        told.append(f"None of {counted(len(known), 'measure')} has left its null band by generation {group.last}.")
    lost = modes(group)
    if lost and lost.lost:
        whose = "restarts on real data have" if lost.against == "restarts" else "they had in generation 1"
        who = f"{len(lost.lost)} of {counted(len(lost.rows), 'mode')} {'has' if len(lost.lost) == 1 else 'have'}"
        if len(lost.lost) == len(lost.rows) > 1:
            told.append(f"All {len(lost.rows)} modes have less than half of the recall that {whose}.")
        else:
            told.append(f"{who} less than half of the recall that {whose}: {listed(lost.lost)}.")
    return told


def told(records: Sequence[LoopRecord]) -> dict[str, list[str]]:
    """Of every loop the plain answer, and what else the page says of it in words.

    Raises:
        UserError: there is no generation to tell of.
    """
    return {group.label: [answer(group), *claims(group)] for group in grouped(records)}


def stops(groups: Sequence[LoopGroup]) -> list[str]:
    """Loops that ended before their time and why, and those that are not at their end yet."""
    told = []
    several = len(groups) > 1
    for group in groups:
        for record in group.records:
            who = f"{group.label}, seed {record.seed}" if several else f"Seed {record.seed}"
            made = len(record.rounds)
            if record.stopped is not None:
                kept = f"generations 1 to {made} are whole" if made > 1 else "generation 1 is whole" if made else ""
                told.append(f"{who} stopped in generation {made + 1}: {record.stopped}{'; ' if kept else ''}{kept}.")
            elif made < record.planned:
                told.append(f"{who} has {made} of {counted(record.planned, 'generation')} so far.")
    for record in {each.run: each for group in groups for each in group.nulls}.values():
        if record.stopped is not None:
            told.append(
                f"The null arm of seed {record.seed} stopped in restart {len(record.rounds) + 1}: {record.stopped}."
            )
    return told


def reading_guide(groups: Sequence[LoopGroup]) -> str:
    """How the charts are to be read."""
    restarts = {len(group.restarts) for group in groups}
    bands = (
        "The grey band is where one more fit from scratch to the first real samples would lie at 95 %, "
        f"from {listed([counted(number, 'restart') for number in sorted(restarts)])}. "
        if restarts - {0, 1}
        else "Without two restarts on real data the grey band is that of real samples measured alike, at 95 %. "
    )
    floors = "The dashed line is what as many real samples would measure."
    return f"A thin line is one seed, the thick one their mean. {bands}{floors}"


def seeds(groups: Sequence[LoopGroup]) -> list[int]:
    """Every seed of the page."""
    return sorted({record.seed for group in groups for record in group.records})


def lived(record: LoopRecord) -> str:
    """The half-life of real information, in words."""
    if not record.rounds:
        return "unknown"
    found = half_life([each.ancestry for each in record.rounds])
    reached = len(record.rounds) - 1
    return f"above {counted(reached, 'generation')}" if isinf(found) else counted(round(found), "generation")


def policies(groups: Sequence[LoopGroup]) -> list[tuple[str, list[str]]]:
    """Settings of the policies side by side: setting, and its value in each loop."""
    found = [settings(group) for group in groups]
    names = dict.fromkeys(name for each in found for name in each)
    return [(name, [each.get(name, "–") for each in found]) for name in names]


def seconds(group: LoopGroup) -> list[tuple[str, float]]:
    """Where the time of a loop went: seconds a generation by part, mean over all generations and seeds."""
    rounds = [each for record in group.records for each in record.rounds]
    parts = dict.fromkeys(part for each in rounds for part in each.seconds)
    return [(part, sum(each.seconds.get(part, 0.0) for each in rounds) / max(1, len(rounds))) for part in parts]


def _counted_out(out: int, known: int, group: LoopGroup) -> str:
    """How many measures lie outside their bands, and what that is worth."""
    told = f"At generation {group.last}, {out} of {counted(known, 'measure')} {'lies' if out == 1 else 'lie'} outside"
    if len(group.restarts) < 2:
        doubt = "without restarts the loop's part cannot be told from the generator's own"
        return f"{told} the band of real samples; {doubt}."
    return f"{told} the null band; chance alone would put {(1 - LEVEL) * known:.1g} there."


def _sentence(change: Change, generations: int) -> str:
    label = meaning(change.measure).label
    when = f"After {counted(generations, 'generation')} " if generations > 1 else ""
    if generations == 1:
        moved = f"After one generation {label} is {shown(change.last)}"
    else:
        went = (
            f"{change.verb} from {shown(change.first)} to {shown(change.last)}"
            if change.verb != "stayed"
            else f"stayed at {shown(change.last)}"
        )
        moved = f"{when}{label} {went}" if when else f"{label[0].upper()}{label[1:]} {went}"
    if change.band is None:
        return f"{moved}; nothing tells what chance alone would give."
    return f"{moved}; {_whose(change.band)}{'' if change.left else ', so chance alone would do'}."


def _whose(band: Band) -> str:
    whose = "restarts on real data give" if band.restarts else "as many real samples would measure"
    return f"{whose} {shown(band.low)} to {shown(band.high)}"
