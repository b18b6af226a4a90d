"""What a card asks of a copier: a fixed list of attributes, and how the course of each is read from a chain.

The list is short on purpose. Every attribute that is tested makes the others harder to show, and eight pictures can
show at most six at a time (`simulacra.copying.attractor.pictures.holm`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, isinf, log

from simulacra.copying.dynamics import Estimate, Interval
from simulacra.copying.dynamics.series import Series
from simulacra.copying.result import Chain, Reference
from simulacra.copying.settled import value_at
from simulacra.measures.contract import Undefined, Value


@dataclass(frozen=True)
class Attribute:
    """One attribute of a frame, and the scale on which its course is followed."""

    measure: str
    noticeable: float  # the least change worth a word, on the scale below: about what a person sees
    logarithm: bool = False  # the course is that of its logarithm, and a change is a factor
    reference: Reference = "frame"  # "previous": the steps of a chain, summed up to a course that starts at no change
    least: float = -inf  # of the scale: a fit that heads beyond its ends has not begun to settle
    most: float = inf

    def course(self, chain: Chain, last: int) -> Series:
        """The attribute on its scale by frame, 0 to `last`; a settled chain repeats itself."""
        values = [value_at(chain, self.reference, self.measure, copy) for copy in range(last + 1)]
        known = [Undefined("the chain has no such copy") if value is None else self._scaled(value) for value in values]
        return _summed(known) if self.reference == "previous" else known

    def shown(self, value: float) -> float:
        """A place on the scale as a reader knows it: in the measure's unit."""
        if not self.logarithm:
            return value
        return exp(value) if value < 700 else inf

    def shown_estimate(self, estimate: Estimate) -> Estimate:
        """A place on the scale and its interval, in the measure's unit."""
        value = estimate.value if isinstance(estimate.value, Undefined) else self.shown(estimate.value)
        if isinstance(estimate.interval, Undefined):
            return Estimate(value, estimate.interval)
        # An end that is not bounded stays so: that no factor lies below zero is no finding.
        low, high = (end if isinf(end) else self.shown(end) for end in (estimate.interval.low, estimate.interval.high))
        return Estimate(value, Interval(low, high, estimate.interval.level, estimate.interval.method))

    def _scaled(self, value: Value) -> Value:
        if isinstance(value, Undefined) or not self.logarithm:
            return value
        return log(value) if value > 0 else Undefined(f"{self.measure} is {value:g}, which has no logarithm")


ATTRIBUTES = (
    Attribute("lightness_mean", 1.0, least=0, most=100),
    Attribute("a_mean", 1.0, least=-128, most=128),
    Attribute("b_mean", 1.0, least=-128, most=128),
    Attribute("chroma_mean", 1.0, least=0, most=182),
    Attribute("sharpness_laplacian", log(1.1), logarithm=True),
    Attribute("zoom", log(1.01), logarithm=True, reference="previous"),
    Attribute("brow_height", 0.01),
    Attribute("brow_thickness", 0.01),
    Attribute("brow_darkness", 1.0),
    Attribute("brow_tilt", 1.0),
    Attribute("brow_eye_gap", 0.01),
    Attribute("face_width_to_height", 0.01),
    Attribute("skin_ita", 2.0),
)
"""Colour, detail, size, and the face. Thresholds: one unit of CIELAB, a tenth of the sharpness, 1 % of size; for brows
what unrelated changes do to them (docs/face.md)."""

LAB = ("lightness_mean", "a_mean", "b_mean")
"""The attributes that are one colour together."""


def mean_course(courses: Sequence[Series]) -> Series:
    """The mean over replicates at every frame; a gap where one of them has a gap."""
    return [_mean(values) for values in zip(*courses, strict=True)]


def _mean(values: tuple[Value, ...]) -> Value:
    known = [value for value in values if not isinstance(value, Undefined)]
    gaps = [value for value in values if isinstance(value, Undefined)]
    return gaps[0] if gaps else sum(known) / len(known)


def _summed(steps: Sequence[Value]) -> Series:
    """Steps, the one to frame 0 left out, as a course from 0; nothing is known after a step that is not."""
    course: list[Value] = [0.0]
    for step in steps[1:]:
        before = course[-1]
        if isinstance(before, Undefined):
            course.append(before)
        else:
            course.append(step if isinstance(step, Undefined) else before + step)
    return course
