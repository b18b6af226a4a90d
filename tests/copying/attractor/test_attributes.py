from math import exp, inf, log

import pytest

from simulacra.copying.attractor.attributes import ATTRIBUTES, mean_course
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.copying.result import Ended, Ending
from simulacra.measures.contract import Undefined

from .byhand import chain

BY_NAME = {attribute.measure: attribute for attribute in ATTRIBUTES}


def test_a_settled_chain_repeats_itself() -> None:
    settled = chain("a", {"b_mean": [1.0, 2.0, 3.0, 2.0]}, ending=Ending(Ended.CYCLE, 3, 1, 2))
    assert list(BY_NAME["b_mean"].course(settled, 6)) == [1.0, 2.0, 3.0, 2.0, 3.0, 2.0, 3.0]


def test_sharpness_is_followed_on_its_logarithm() -> None:
    sharpness = BY_NAME["sharpness_laplacian"]
    course = sharpness.course(chain("a", {"sharpness_laplacian": [0.5, 0.25, 0.0]}), 2)
    assert course[:2] == pytest.approx([log(0.5), log(0.25)])
    assert isinstance(course[2], Undefined)
    assert sharpness.shown(log(0.25)) == pytest.approx(0.25)


def test_steps_of_size_are_summed_and_nothing_is_known_after_one_that_is_not() -> None:
    lost = Undefined("too little is left to align")
    zoom = BY_NAME["zoom"]
    course = zoom.course(chain("a", {"zoom": [Undefined("none before"), 1.01, 1.02, lost, 1.01]}), 4)
    assert [zoom.shown(value) for value in course[:3]] == pytest.approx([1, 1.01, 1.01 * 1.02])  # type: ignore[arg-type]
    assert list(course[3:]) == [lost, lost]


def test_the_mean_over_replicates_has_their_gaps() -> None:
    gap = Undefined("no face found")
    assert list(mean_course([[1.0, 2.0, gap], [3.0, gap, gap]])) == [2.0, gap, gap]


def test_an_end_that_is_not_bounded_stays_so_as_a_factor() -> None:
    zoom = BY_NAME["zoom"]
    shown = zoom.shown_estimate(Estimate(0.0, Interval(-inf, log(2), 0.95, "by hand")))
    assert (shown.value, str(shown.interval)) == (1.0, "below 2")


def test_thresholds_are_on_the_scale_of_the_course() -> None:
    assert exp(BY_NAME["sharpness_laplacian"].noticeable) == pytest.approx(1.1)
    assert BY_NAME["b_mean"].noticeable == 1.0
