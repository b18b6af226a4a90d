from math import comb, inf

import pytest

from simulacra.copying.attractor.pictures import fewest_pictures, holm, hull, middle
from simulacra.copying.dynamics import Interval
from simulacra.measures.contract import Undefined


def test_six_pictures_are_the_fewest_for_95_percent() -> None:
    assert fewest_pictures(0.95) == 6  # both ends miss with probability 2 / 2^6 = 3.1 %; five would miss with 6.3 %
    assert fewest_pictures(0.99) == 8


@pytest.mark.parametrize("count", [6, 8, 9, 16, 25])
def test_the_interval_is_the_shortest_pair_of_ordered_values_that_is_sure_enough(count: int) -> None:
    interval = middle(list(range(count)), 0.95).interval
    assert isinstance(interval, Interval)
    below = int(interval.low)  # so many values lie below the interval, as many above
    assert interval.high == count - 1 - below

    def coverage(outside: int) -> float:
        return 1 - 2 * sum(comb(count, rank) for rank in range(outside + 1)) / 2**count

    assert coverage(below) >= 0.95 > coverage(below + 1)


def test_an_infinite_value_is_as_good_as_any_other() -> None:
    estimate = middle([1.0, 2.0, 3.0, 4.0, 5.0, inf], 0.95)
    assert estimate.value == 3.5
    assert str(estimate.interval) == "above 1"


def test_nothing_is_bounded_where_no_picture_is() -> None:
    estimate = middle([inf] * 6, 0.95)
    assert isinstance(estimate.value, Undefined)
    assert estimate.interval == Undefined("it is not bounded for any picture")


def test_too_few_pictures_have_a_middle_without_an_interval() -> None:
    estimate = middle([3.0, 1.0], 0.95)
    assert estimate.value == 2.0
    assert estimate.interval == Undefined("2 pictures; 6 are the fewest for an interval over pictures")


def test_of_few_pictures_the_interval_holds_every_one_of_their_own() -> None:
    estimate = hull([1.0, 5.0], [Interval(0, 2, 0.95, "one"), Interval(4, 9, 0.95, "other")], 0.95)
    assert (estimate.value, str(estimate.interval)) == (3.0, "0 to 9")


def test_holm_worked_by_hand() -> None:
    # Ordered: 0.01 x 3, 0.03 x 2, 0.04 x 1; the last may not fall below the one before it.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}
