"""Excess drift against hand-made chains, and its intervals and places against other code and against chance."""

import numpy as np
import pytest
from scipy import stats

from simulacra.copying import Chain, Ended, Ending
from simulacra.copying.dynamics import Interval
from simulacra.copying.excess import YARDSTICKS, Yardstick, baseline, drift, excess, over_pictures, ranks
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value

from .made_up import chain

COLOUR, STRUCTURE, GEOMETRY, FACE = YARDSTICKS[:4]
SIZE = (200, 100)


def far(one: Chain, yardstick: Yardstick, copy: int) -> Value:
    return drift(one, yardstick, copy, SIZE)


def test_more_drift_is_more_whichever_way_the_measure_runs() -> None:
    one = chain("a", "jpeg", [0, 10, 20])
    assert far(one, COLOUR, 2) == 20
    assert far(one, STRUCTURE, 2) == pytest.approx(0.2, abs=1e-12)
    assert far(one, STRUCTURE, 0) == 0


def test_a_settled_chain_has_every_copy_and_a_refused_one_ends() -> None:
    settled = chain("a", "jpeg", [0, 3, 3], ending=Ending(Ended.FIXED_POINT, 2, 1, 1))
    assert far(settled, COLOUR, 101) == 3
    refused = chain("a", "jpeg", [0, 3], ending=Ending(Ended.REFUSED, 1, message="Not this one."))
    assert far(refused, COLOUR, 5) == Undefined("copy 2 was refused: Not this one")


def test_an_undefined_measure_gives_its_reason_and_an_absent_one_too() -> None:
    assert far(chain("a", "jpeg", [0, 1]), FACE, 1) == Undefined("no face found")
    assert far(chain("a", "jpeg", [0, 1]), GEOMETRY, 1) == Undefined("shift_x was not measured")


@pytest.mark.parametrize(
    "moved",
    [(0, 0, 1, 0, 1), (3, -4, 1, 0, 1), (0, 0, 1.1, 0, 1), (0, 0, 1, 7, 1), (0, 0, 1, 0, 1.2), (2, 1, 0.9, -12, 0.8)],
)
def test_displacement_is_the_root_mean_square_over_the_picture(moved: tuple[float, ...]) -> None:
    shift_x, shift_y, zoom, rotation, squash = moved
    width, height = SIZE
    x, y = np.meshgrid((np.arange(4 * width) + 0.5) / 4 - width / 2, (np.arange(4 * height) + 0.5) / 4 - height / 2)
    turn = np.radians(rotation)
    stretched = np.stack([x * zoom * np.sqrt(squash), y * zoom / np.sqrt(squash)])
    turned = np.stack(
        [
            np.cos(turn) * stretched[0] - np.sin(turn) * stretched[1] + shift_x,
            np.sin(turn) * stretched[0] + np.cos(turn) * stretched[1] + shift_y,
        ]
    )
    expected = 100 * np.sqrt(((turned - np.stack([x, y])) ** 2).sum(0).mean()) / width
    # The grid of quarter pixels sees a side's variance too small by a factor of 1 - 1 / (4 side)^2.
    assert GEOMETRY.drift(moved, SIZE) == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_the_baseline_is_the_copiers_own_resizing_however_it_is_written() -> None:
    own = chain("a", "resize:factor=4", [0, 1], control=True)
    codec = chain("a", "jpeg:quality=90", [0, 2], control=True)
    assert baseline(chain("a", "realesrgan", [0, 5]), [codec, own]) is own


def test_a_copier_that_resizes_nothing_has_nothing_taken_off() -> None:
    codec = chain("a", "jpeg:quality=90", [0, 2], control=True)
    one = chain("a", "ffdnet", [0, 5])
    assert baseline(one, [codec]) is None
    assert excess([one], None, COLOUR, 1, SIZE) == 5


def test_a_missing_baseline_is_no_zero() -> None:
    found = baseline(chain("a", "realesrgan", [0, 5]), [])
    assert isinstance(found, Undefined)
    assert "no control resize:factor=4" in found.reason
    assert excess([chain("a", "realesrgan", [0, 5])], found, COLOUR, 1, SIZE) == found
    unknown = baseline(chain("a", "somebodys-plugin", [0, 5]), [])
    assert isinstance(unknown, Undefined)
    assert "cannot be made here" in unknown.reason


def test_excess_is_the_mean_over_replicates_minus_the_baseline() -> None:
    replicates = [chain("a", "realesrgan", [0, 4, far_away], replicate=n) for n, far_away in enumerate((8, 10), 1)]
    beside = chain("a", "resize:factor=4", [0, 1, 3], control=True)
    assert excess(replicates, beside, COLOUR, 2, SIZE) == 6


def test_a_replicate_without_a_face_leaves_the_picture_without_a_value() -> None:
    faces = [[0, 0.1], [0, Undefined("no face found")]]
    replicates = [chain("a", "jpeg", [0, 1], faces=each) for each in faces]
    assert excess(replicates, None, FACE, 1, SIZE) == Undefined("in 1 of 2 replicates: no face found")


def test_the_interval_over_pictures_is_students() -> None:
    values = [3.0, 5.5, 4.0, 9.0]
    found = over_pictures([*values, Undefined("no face found")])
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert isinstance(found.interval, Interval)
    # Both are solved to about 1e-12.
    assert (found.value, found.interval.low, found.interval.high) == pytest.approx(
        (np.mean(values), low, high), rel=1e-9
    )


def test_one_picture_has_no_interval_and_none_no_value() -> None:
    one = over_pictures([2.0])
    assert one.value == 2.0
    assert one.interval == Undefined("one picture does not tell how another would fare")
    assert over_pictures([Undefined("no face found")]).value == Undefined("no face found")


def test_places_follow_differences_that_every_picture_shows() -> None:
    base = np.array([1.0, 5.0, 3.0, 8.0, 2.0, 6.0])
    wobble = np.array([0.1, -0.1, 0.05, 0.0, -0.05, 0.1])
    table = {0: list(base + 2), 1: list(base), 2: list(base + 4 + wobble)}
    assert ranks(table) == {1: (1, 1), 0: (2, 2), 2: (3, 3)}  # though the pictures differ more than the copiers


def test_places_that_the_pictures_do_not_settle_are_shared() -> None:
    assert ranks({0: [1.0, 5.0, 3.0], 1: [2.0, 4.0, 3.5], 2: [1.0, 5.0, 3.0]}) == {0: (1, 3), 1: (1, 3), 2: (1, 3)}
    assert ranks({0: [1.0], 1: [9.0]}) == {0: (1, 2), 1: (1, 2)}  # one picture shows no order


def test_whoever_has_no_value_has_no_place() -> None:
    lost = Undefined("no face found")
    assert ranks({0: [1.0, 2.0], 1: [lost, lost]}) == {0: (1, 1)}


def test_the_places_are_those_of_paired_tests_with_few_wrong_among_them() -> None:
    draw = np.random.default_rng(5)
    table = {who: list(draw.normal(who, 1.0, 8)) for who in range(4)}
    pairs = [(one, other) for one in range(4) for other in range(one + 1, 4)]
    p_values = [stats.ttest_rel(table[one], table[other]).pvalue for one, other in pairs]
    shown = []
    for (one, other), p_value in zip(pairs, stats.false_discovery_control(p_values), strict=True):
        if p_value <= 0.05:
            shown.append((one, other) if np.mean(table[one]) < np.mean(table[other]) else (other, one))
    expected = {
        who: (1 + sum(other == who for _, other in shown), 4 - sum(one == who for one, _ in shown)) for who in range(4)
    }
    assert 0 < len(shown) < 6
    assert ranks(table) == expected


def test_equal_copiers_are_rarely_put_in_an_order() -> None:
    draw = np.random.default_rng(1)
    pictures = draw.normal(0, 5, 8)
    ordered = 0
    for _ in range(200):
        table = {who: list(pictures + draw.normal(0, 1, 8)) for who in range(5)}
        ordered += any(place != (1, 5) for place in ranks(table).values())
    # Where all are equal, any order is wrong: at most 5 % in truth; of 200 trials, above 9 % has a chance below 1 %.
    assert ordered / 200 <= 0.09


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="level is 95"):
        over_pictures([1.0, 2.0], 95)
