"""One attribute over all pictures: where the copier takes it, how fast, and whether that is shown.

A pull is shown in one of two ways. Either every picture goes the same way, further than any control takes it, too often
for chance; or pictures that began apart end nearer to each other than any control brings them. Below the fewest
pictures for the first, the chains of each picture must show it by themselves: their slope's interval lies below 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, inf

import numpy as np

from simulacra.copying.attractor.attributes import Attribute, mean_course
from simulacra.copying.attractor.pictures import fewest_pictures, holm, hull, middle
from simulacra.copying.attractor.witness import Case, Witness
from simulacra.copying.dynamics import (
    Agreement,
    Autoregression,
    Estimate,
    Interval,
    agreement_over_pictures,
    autoregression,
    basin,
)
from simulacra.copying.dynamics.regression import DRAWS
from simulacra.copying.dynamics.series import Series
from simulacra.measures.contract import Measure, Undefined, Value

_DRAWS = 199  # where pictures give the interval, and only the value of each one's fit is asked for


@dataclass(frozen=True)
class Course:
    """One picture's way in one attribute, the mean over its replicates, in the measure's unit."""

    picture: str
    values: Series  # frame 0 to the last copy
    controls: Mapping[str, Series]  # by copier
    fixed_point: Estimate  # of this picture's own chains
    excess: float  # what of its change no control of it reaches; a factor where the pull's `factor` says so


@dataclass(frozen=True)
class Pull:
    """What a copier does to one attribute, in the measure's unit; numbers over pictures are medians."""

    measure: Measure
    attribute: Attribute
    start: float
    end: float
    change: Estimate  # from frame 0 to the last copy: a difference, or a factor
    excess: Estimate  # what of the change no control reaches
    agreeing: int  # pictures whose excess goes the way that most go
    pictures: int  # that have the attribute from frame 0 to the last copy
    p_value: float | Undefined  # chance of such an agreement, corrected for the number of attributes asked about
    fixed_point: Estimate  # where it is heading
    half_life: Estimate  # copies until half of the way is left
    noise: Estimate  # standard deviation of one copy's noise; a share where the change is a factor
    kept: Estimate  # variance over pictures at the last copy as a share of that at frame 0
    size: float  # of the change, whichever way, in steps that a person notices
    one_way: bool  # shown: pictures go the same way
    converges: bool  # shown: pictures end nearer to each other
    why_not: str  # empty where a pull is shown
    courses: tuple[Course, ...]

    @property
    def shown(self) -> bool:
        """Whether a pull is shown, whatever its size."""
        return self.one_way or self.converges

    @property
    def factor(self) -> bool:
        """Whether a change is a factor (1 is none) and not a difference."""
        return self.attribute.logarithm

    @property
    def upwards(self) -> bool:
        """Which way the pictures go beyond their controls."""
        if isinstance(self.excess.value, Undefined):
            return self.end > self.start
        return self.excess.value > (1 if self.factor else 0)


@dataclass(frozen=True)
class _Picture:
    """One picture in one attribute, on the attribute's scale."""

    label: str
    replicates: list[Series]
    mean: Series
    controls: dict[str, Series]
    change: float
    excesses: list[float]  # a replicate
    fit: Autoregression | Undefined


def pulls(case: Case, attributes: Sequence[tuple[Attribute, Measure]], level: float, seed: int) -> tuple[Pull, ...]:
    """The pull on every attribute that at least one picture has, with chances corrected over all of them.

    Args:
        case: the chains.
        attributes: those that were measured, with what their numbers mean.
        level: the rate of the intervals; the chance below which a pull is shown is 1 less it.
        seed: of the drawn chains and signs.
    """
    found = []
    for attribute, measure in attributes:
        draws = DRAWS if len(case.witnesses) < fewest_pictures(level) else _DRAWS
        pictures = [_picture(witness, attribute, case.copies, level, seed, draws) for witness in case.witnesses]
        seen = [picture for picture in pictures if picture is not None]
        if seen:
            found.append((attribute, measure, seen, _agreement(seen, level, seed)))
    # A question whose best possible answer could be chance is no question (Tarone 1990).
    asked = {
        measure.name: agreement.p_value
        for _, measure, seen, agreement in found
        if isinstance(agreement, Agreement) and len(_moved(seen)) >= fewest_pictures(level)
    }
    corrected = holm(asked)
    stricter = 1 - (1 - level) / max(1, len(found))
    alone = len(case.witnesses) < fewest_pictures(level)
    made = []
    for attribute, measure, seen, _ in found:
        p_value = corrected.get(measure.name, _unasked(seen, level))
        if alone:
            one_way = _go_one_way(seen, stricter, seed)
        else:
            one_way = not isinstance(p_value, Undefined) and p_value <= 1 - level
        why_not = _why_not(seen, p_value, alone)
        made.append(_pull(attribute, measure, seen, p_value, one_way, why_not, level, stricter))
    return tuple(made)


def _picture(witness: Witness, attribute: Attribute, last: int, level: float, seed: int, draws: int) -> _Picture | None:
    """One picture, or None where a chain of it lacks the attribute at frame 0 or at the last copy."""
    replicates = [attribute.course(chain, last) for chain in witness.chains]
    changes = [_change(course) for course in replicates]
    known = [change for change in changes if change is not None]
    if len(known) < len(changes):
        return None
    controls = {chain.copier: attribute.course(chain, last) for chain in witness.controls}
    beside = [0.0, *(change for course in controls.values() if (change := _change(course)) is not None)]
    fit = autoregression(replicates, level, seed, draws)
    excesses = [_beyond(change, min(beside), max(beside)) for change in known]
    return _Picture(witness.label, replicates, mean_course(replicates), controls, float(np.mean(known)), excesses, fit)


def _change(course: Series) -> float | None:
    start, end = course[0], course[-1]
    return None if isinstance(start, Undefined) or isinstance(end, Undefined) else end - start


def _beyond(change: float, low: float, high: float) -> float:
    """The part of a change outside of what the controls reach; a change within their reach may be the harness's."""
    return change - min(max(change, low), high)


def _agreement(seen: Sequence[_Picture], level: float, seed: int) -> Agreement | Undefined:
    return agreement_over_pictures([[[excess] for excess in picture.excesses] for picture in seen], level, seed)


def _moved(seen: Sequence[_Picture]) -> list[float]:
    """The excess of every picture that has one, the mean over its replicates."""
    return [mean for picture in seen if (mean := float(np.mean(picture.excesses))) != 0]


def _unasked(seen: Sequence[_Picture], level: float) -> Undefined:
    fewest, moved = fewest_pictures(level), len(_moved(seen))
    if len(seen) < fewest:
        return Undefined(f"{_counted(len(seen))}; {fewest} are the fewest that could tell a direction from chance")
    return Undefined(f"{moved} of {len(seen)} pictures go further than their controls; {fewest} are the fewest")


def _pull(
    attribute: Attribute,
    measure: Measure,
    seen: Sequence[_Picture],
    p_value: float | Undefined,
    one_way: bool,
    why_not: str,
    level: float,
    stricter: float,
) -> Pull:
    starts, ends = ([_number(picture.mean[place]) for picture in seen] for place in (0, -1))
    moved = _moved(seen)
    up = sum(excess > 0 for excess in moved)
    few = len(seen) < fewest_pictures(level)
    converges = not few and _converges(seen, stricter)
    shown = attribute.shown
    fixed_point, half_life, noise = _fits(seen, attribute, level, few)
    return Pull(
        measure=measure,
        attribute=attribute,
        start=shown(float(np.median(starts))),
        end=shown(float(np.median(ends))),
        change=attribute.shown_estimate(middle([picture.change for picture in seen], level)),
        excess=attribute.shown_estimate(middle([float(np.mean(picture.excesses)) for picture in seen], level)),
        agreeing=max(up, len(moved) - up),
        pictures=len(seen),
        p_value=p_value,
        fixed_point=attribute.shown_estimate(fixed_point),
        half_life=half_life,
        noise=noise,
        kept=_kept([picture.mean for picture in seen], level),
        size=float(np.median([abs(picture.change) for picture in seen])) / attribute.noticeable,
        one_way=one_way,
        converges=converges,
        why_not="" if one_way or converges else why_not,
        courses=tuple(_course(picture, attribute) for picture in seen),
    )


def _go_one_way(seen: Sequence[_Picture], stricter: float, seed: int) -> bool:
    """Whether all of a few pictures go one way, and the chains of each show by themselves that something pulls."""
    moved = _moved(seen)
    up = sum(excess > 0 for excess in moved)
    return up in (0, len(seen)) and len(moved) == len(seen) and all(_pulled(each, stricter, seed) for each in seen)


def _pulled(picture: _Picture, stricter: float, seed: int) -> bool:
    fit = autoregression(picture.replicates, stricter, seed)
    return isinstance(fit, Autoregression) and _bounds(fit.slope)[1] < 1


def _converges(seen: Sequence[_Picture], stricter: float) -> bool:
    """Whether pictures end nearer to each other than they began, and than any control brings them."""
    high = _bounds(_kept([picture.mean for picture in seen], stricter))[1]
    copiers = [copier for copier in seen[0].controls if all(copier in picture.controls for picture in seen)]
    beside = [_kept([picture.controls[copier] for picture in seen], stricter).value for copier in copiers]
    return high < min([1.0, *(each for each in beside if not isinstance(each, Undefined))])


def _kept(courses: Sequence[Series], level: float) -> Estimate:
    """Variance over pictures at the last copy as a share of that at frame 0."""
    found = basin([[[course[0], course[-1]]] for course in courses], level)
    return Estimate(found, found) if isinstance(found, Undefined) else found.kept


def _fits(
    seen: Sequence[_Picture], attribute: Attribute, level: float, few: bool
) -> tuple[Estimate, Estimate, Estimate]:
    """Fixed point, half-life and noise over pictures."""
    fits = [(picture, picture.fit) for picture in seen if isinstance(picture.fit, Autoregression)]
    places = [place for picture in seen if (place := _place(picture, attribute)) is not None]
    lives = [_life(fit) for _, fit in fits]
    noises = [_number(fit.noise.value) for _, fit in fits]
    if not few:
        return middle(places, level), middle(lives, level), middle(noises, level)
    return (
        hull(places, _intervals(fit.fixed_point for _, fit in fits), level),
        hull(lives, _intervals(fit.half_life for _, fit in fits), level),
        hull(noises, _intervals(fit.noise for _, fit in fits), level),
    )


def _place(picture: _Picture, attribute: Attribute) -> float | None:
    """A picture's fixed point: infinite where nothing on the scale pulls it back, its start where it never moves."""
    if isinstance(picture.fit, Undefined):
        return _number(picture.mean[0]) if picture.change == 0 else None
    value = picture.fit.fixed_point.value
    if not isinstance(value, Undefined) and attribute.least <= value <= attribute.most:
        return value
    return copysign(inf, picture.change) if picture.change else None


def _life(fit: Autoregression) -> float:
    """A picture's half-life: infinite where nothing pulls it back, none where it jumps across its fixed point."""
    if not isinstance(fit.half_life.value, Undefined):
        return fit.half_life.value
    return inf if _number(fit.slope.value) > 0 else 0.0


def _course(picture: _Picture, attribute: Attribute) -> Course:
    fit = picture.fit
    return Course(
        picture.label,
        _shown(picture.mean, attribute),
        {copier: _shown(course, attribute) for copier, course in picture.controls.items()},
        Estimate(fit, fit) if isinstance(fit, Undefined) else attribute.shown_estimate(fit.fixed_point),
        attribute.shown(float(np.mean(picture.excesses))),
    )


def _shown(course: Series, attribute: Attribute) -> Series:
    return [value if isinstance(value, Undefined) else attribute.shown(value) for value in course]


def _why_not(seen: Sequence[_Picture], p_value: float | Undefined, alone: bool) -> str:
    moved = _moved(seen)
    up = sum(excess > 0 for excess in moved)
    if not moved:
        return "it goes no further than its controls"
    if not alone and isinstance(p_value, Undefined):
        return p_value.reason
    if up not in (0, len(seen)):
        return f"{up} of {_counted(len(seen))} up, {len(moved) - up} down"
    return "a walk without any pull would look alike" if alone else "chance might do as much"


def _intervals(estimates: Iterable[Estimate]) -> list[Interval]:
    return [each.interval for each in estimates if isinstance(each.interval, Interval)]


def _bounds(estimate: Estimate) -> tuple[float, float]:
    """The ends of an interval; nothing is excluded where there is none."""
    interval = estimate.interval
    return (-inf, inf) if isinstance(interval, Undefined) else (interval.low, interval.high)


def _number(value: Value) -> float:
    """A value that is known to be there."""
    if isinstance(value, Undefined):
        raise TypeError(f"a value is missing: {value.reason}")
    return value


def _counted(pictures: int) -> str:
    return "1 picture" if pictures == 1 else f"{pictures} pictures"
