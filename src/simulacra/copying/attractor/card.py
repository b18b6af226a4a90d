"""Everything a card says of one copier, from the measures of stored chains: no picture is copied again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.copying.attractor.attributes import ATTRIBUTES, LAB, mean_course
from simulacra.copying.attractor.pictures import fewest_pictures, holm, middle
from simulacra.copying.attractor.pull import Pull, pulls
from simulacra.copying.attractor.witness import Case, Witness, open_case
from simulacra.copying.dynamics import (
    LEVEL,
    Agreement,
    Decomposition,
    EndStates,
    Estimate,
    Growth,
    LeadLag,
    agreement_over_pictures,
    bias_and_variance,
    contraction,
    end_states,
    forecast,
    growth,
    idempotence,
    lead_lag,
)
from simulacra.copying.dynamics.estimate import check_level
from simulacra.copying.dynamics.series import Series
from simulacra.copying.dynamics.variance import FEWEST
from simulacra.copying.result import Chain, CopyResult, Reference
from simulacra.copying.settled import number_at, value_at
from simulacra.measures.contract import Undefined, Value

DISTANCE = "delta_e00_pixel_mean"
"""How far a frame is from another, where one number is needed."""
FROM = 15
"""Copies from which the last one is forecast, to see how well that would have gone."""
FEWEST_AHEAD = 10
"""Copies that must lie between them."""

_TINT: tuple[Reference, str] = ("origin", "delta_e00_of_mean")
_LATER: Mapping[str, tuple[Reference, str]] = {
    "detail": ("frame", "sharpness_laplacian"),
    "the face": ("origin", "landmark_distance"),
}
_FURTHEST = 10


@dataclass(frozen=True)
class Luck:
    """The squared drift of the mean colour at the last copy, split; in squared CIELAB units, over pictures."""

    bias_squared: Estimate
    variance: Estimate
    replicates: int  # the fewest of a picture


@dataclass(frozen=True)
class Lead:
    """Whether the tint moves before something else does."""

    later: str  # "detail", "the face"
    found: LeadLag
    p_value: float  # corrected for the number of pairs


@dataclass(frozen=True)
class Foreseen:
    """How the forecasts of the last copy from the first few would have gone."""

    first: int  # copies they were made from
    last: int
    held: int  # values that fell into their interval
    made: int


@dataclass(frozen=True)
class Attractor:
    """Where a copier takes a picture, as far as these runs show it."""

    copier: str
    copies: int  # the last copy that all chains have
    pictures: tuple[str, ...]
    chains: int
    replicates: int  # of the picture that has the fewest
    controls: tuple[str, ...]  # copiers of the control chains
    runs: tuple[str, ...]  # ids
    left_out: tuple[str, ...]  # chains that were refused too early
    level: float  # the rate of the intervals
    distance: Estimate  # ΔE00 from frame 0 to the last copy, over pictures
    harness: Estimate  # that of the control that goes furthest, over pictures
    pulls: tuple[Pull, ...]  # of every attribute that was measured, the shown and strongest first
    tint: Agreement | Undefined  # of the directions in which the pictures' mean colours moved
    growth: Growth
    contraction: Estimate  # a step over the one before
    idempotence: Estimate  # the second step over the first
    luck: Luck | Undefined
    ends: EndStates | Undefined  # distances of the ends' mean colours, where a picture has several
    leads: tuple[Lead, ...]
    foreseen: Foreseen | Undefined

    @property
    def of_the_model(self) -> bool:
        """Whether the pictures are enough to speak of the copier; with fewer, only of these pictures."""
        return len(self.pictures) >= fewest_pictures(self.level)

    @property
    def claims(self) -> tuple[Pull, ...]:
        """The pulls that are shown and large enough for a person to notice."""
        return tuple(pull for pull in self.pulls if pull.shown and pull.size >= 1)


def attractor(results: Sequence[CopyResult], *, level: float = LEVEL, seed: int = 0) -> Attractor:
    """What runs of one copier say of where it takes a picture.

    Chains with a remedy are left out, control chains are what a drift is held against. A chain that is the beginning
    of another, as in a shorter run, counts once.

    Args:
        results: runs of one copier, each as `simulacra.copying.read_run` gives it; pictures may differ.
        level: the rate of every interval; a pull is shown where chance is below 1 less it.
        seed: of the drawn chains, signs and blocks.

    Raises:
        UserError: there is no run or no untreated chain, the chains are of several copiers, a run was forked, no chain
            has a copy, or the level is not between 0 and 1.
    """
    check_level(level)
    case = open_case(results)
    measures = {measure.name: measure for result in results for measure in result.measures}
    asked = [(attribute, measures[attribute.measure]) for attribute in ATTRIBUTES if attribute.measure in measures]
    found = pulls(case, asked, level, seed)
    chains = [chain for witness in case.witnesses for chain in witness.chains]
    steps = [_distances(witness, "previous", case.copies) for witness in case.witnesses]
    return Attractor(
        copier=case.copier,
        copies=case.copies,
        pictures=tuple(witness.label for witness in case.witnesses),
        chains=len(chains),
        replicates=min(len(witness.chains) for witness in case.witnesses),
        controls=tuple(dict.fromkeys(chain.copier for witness in case.witnesses for chain in witness.controls)),
        runs=tuple(dict.fromkeys(result.folder.name for result in results)),
        left_out=case.left_out,
        level=level,
        distance=middle(_far(case), level),
        harness=middle(_far_controls(case), level),
        pulls=tuple(sorted(found, key=lambda pull: (not pull.shown, -pull.size))),
        tint=_tint(case, level, seed),
        growth=growth([_distances(witness, "origin", case.copies) for witness in case.witnesses], level),
        contraction=contraction(steps, level),
        idempotence=idempotence(steps, level),
        luck=_luck(case, level),
        ends=_ends(case, seed),
        leads=_leads(case, level, seed),
        foreseen=_foreseen(case, found, level),
    )


def _distances(witness: Witness, reference: Reference, last: int) -> Series:
    """The mean over replicates of the distance by frame."""
    return mean_course(
        [[_value(chain, reference, DISTANCE, copy) for copy in range(last + 1)] for chain in witness.chains]
    )


def _value(chain: Chain, reference: Reference, measure: str, copy: int) -> Value:
    value = value_at(chain, reference, measure, copy)
    return Undefined("not measured") if value is None else value


def _far(case: Case) -> list[float]:
    """How far the last copy is from frame 0, one a picture."""
    return _known([_distances(witness, "origin", case.copies)[-1] for witness in case.witnesses])


def _far_controls(case: Case) -> list[float]:
    """How far the control went that went furthest, one a picture that has one."""
    far = [
        [number_at(chain, "origin", DISTANCE, case.copies) for chain in witness.controls] for witness in case.witnesses
    ]
    return [max(known) for each in far if (known := [value for value in each if value is not None])]


def _known(values: Sequence[Value]) -> list[float]:
    return [value for value in values if not isinstance(value, Undefined)]


def _colours(chain: Chain, copy: int) -> list[float] | None:
    """The mean colour of a copy in CIELAB, or None where it was not measured."""
    values = [number_at(chain, "frame", name, copy) for name in LAB]
    known = [value for value in values if value is not None]
    return known if len(known) == len(LAB) else None


def _drifts(case: Case) -> list[list[list[float]]]:
    """How the mean colour moved, by picture and replicate; pictures without it are left out."""
    pictures = []
    for witness in case.witnesses:
        pairs = [(_colours(chain, 0), _colours(chain, case.copies)) for chain in witness.chains]
        drifts = [
            [after - before for before, after in zip(start, end, strict=True)]
            for start, end in pairs
            if start is not None and end is not None
        ]
        if drifts:
            pictures.append(drifts)
    return pictures


def _tint(case: Case, level: float, seed: int) -> Agreement | Undefined:
    return agreement_over_pictures(_drifts(case), level, seed)


def _luck(case: Case, level: float) -> Luck | Undefined:
    """Bias and variance of the mean colour's drift over replicates, then over pictures."""
    fewest = min(len(witness.chains) for witness in case.witnesses)
    if fewest < FEWEST:
        return Undefined(f"{fewest} chain{'' if fewest == 1 else 's'} a picture; {FEWEST} replicates are the fewest")
    splits = [bias_and_variance([0.0] * len(LAB), drifts, level) for drifts in _drifts(case)]
    made = [split for split in splits if isinstance(split, Decomposition)]
    if not made:
        return next((split for split in splits if isinstance(split, Undefined)), Undefined("no colour was measured"))
    if len(made) == 1:
        return Luck(made[0].bias_squared, made[0].variance, made[0].replicates)
    return Luck(
        middle(_known([split.bias_squared.value for split in made]), level),
        middle(_known([split.variance.value for split in made]), level),
        min(split.replicates for split in made),
    )


def _ends(case: Case, seed: int) -> EndStates | Undefined:
    """Whether ends of one picture lie nearer to each other than to those of others, in mean colour."""
    ends = [
        (colour, witness.label)
        for witness in case.witnesses
        for chain in witness.chains
        if (colour := _colours(chain, case.copies)) is not None
    ]
    if len(ends) == len({label for _, label in ends}):
        return Undefined("each picture has one chain; several show whether ends still know their start")
    return end_states([colour for colour, _ in ends], [label for _, label in ends], seed)


def _leads(case: Case, level: float, seed: int) -> tuple[Lead, ...]:
    """The tint against everything that may follow it, over all chains; chances corrected for the number of pairs."""
    furthest = min(_FURTHEST, case.copies // 4)
    if furthest < 1:
        return ()
    chains = [chain for witness in case.witnesses for chain in witness.chains]
    first = [_centred(chain, _TINT, case.copies) for chain in chains]
    found = {}
    for name, place in _LATER.items():
        made = lead_lag(first, [_centred(chain, place, case.copies) for chain in chains], furthest, level, seed)
        if isinstance(made, LeadLag):
            found[name] = made
    corrected = holm({name: made.p_value for name, made in found.items()})
    return tuple(Lead(name, made, corrected[name]) for name, made in found.items())


def _centred(chain: Chain, place: tuple[Reference, str], last: int) -> Series:
    """One measure of a chain less its mean, so that pictures at different levels are no common movement."""
    values = [_value(chain, *place, copy) for copy in range(last + 1)]
    known = _known(values)
    mean = float(np.mean(known)) if known else 0.0
    return [value if isinstance(value, Undefined) else value - mean for value in values]


def _foreseen(case: Case, found: Sequence[Pull], level: float) -> Foreseen | Undefined:
    """Forecasts of the last copy from the first `FROM`, held against what came, over shown pulls and pictures."""
    if case.copies < FROM + FEWEST_AHEAD:
        return Undefined(f"{case.copies} copies; {FROM + FEWEST_AHEAD} are the fewest that show how a forecast went")
    held = made = 0
    for pull in found:
        for course in pull.courses if pull.shown else ():
            came, foreseen = course.values[-1], forecast(course.values[: FROM + 1], case.copies, level)
            if isinstance(foreseen, Undefined) or isinstance(came, Undefined):
                continue
            if isinstance(foreseen.value.interval, Undefined):
                continue
            made += 1
            held += came in foreseen.value.interval
    return Foreseen(FROM, case.copies, held, made) if made else Undefined("no pull is shown")
