from math import comb, inf
from pathlib import Path

import numpy as np
import pytest

from simulacra.copying.dynamics import Interval
from simulacra.copying.gains import Gain, Score, gain, remedied, score
from simulacra.copying.result import Chain, CopyResult, Ended, Ending, Frame
from simulacra.errors import UserError
from simulacra.measures.contract import Against, Better, Measure, Undefined, Value

DRIFT = Measure("drift", "ΔE00", Against.REFERENCE, Better.LOWER, "A distance.", "A paper")
SSIM = Measure("ssim", "1", Against.REFERENCE, Better.HIGHER, "A similarity.", "A paper")
MEAN = Measure("mean", "1", Against.NOTHING, Better.NEITHER, "Of the frame alone.", "A paper")


def line(slope: float, copies: int, start: float = 0.0) -> list[float]:
    return [start + slope * copy for copy in range(copies + 1)]


def gained(untreated: list[float], treated: list[float], least: float = 0.0) -> Gain:
    made = gain(untreated, treated, least)
    assert isinstance(made, Gain)
    return made


def test_a_chain_that_drifts_at_half_the_pace_gains_one_half_life() -> None:
    made = gained(line(2, 10), line(1, 10))
    assert (made.level, made.half_life, made.reached, made.at_least) == (10, 5, 10, False)
    assert made.half_lives == 1


def test_doing_nothing_gains_nothing_and_twice_the_pace_loses_a_half() -> None:
    assert gained(line(2, 10), line(2, 10)).half_lives == 0
    assert gained(line(2, 10), line(4, 10)).half_lives == -0.5


def test_a_level_that_is_never_reached_is_at_least_what_was_looked_at() -> None:
    made = gained(line(2, 10), line(0.5, 10))
    assert made.at_least
    assert (made.reached, made.half_lives) == (10, 1)


def test_both_ends_are_interpolated_between_copies() -> None:
    made = gained([0, 1, 4], [0, 0.5, 1, 3])
    assert (made.level, made.half_life, made.reached) == (2, 1 + 1 / 3, 2.5)


def test_the_first_time_counts_and_the_largest_drift_is_that_of_any_copy() -> None:
    made = gained([0, 6, 8, 2, 0], [0, 2, 3, 5, 1])
    assert (made.level, made.half_life, made.reached) == (4, 2 / 3, 2.5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_drift_is_the_distance_from_frame_0_whichever_way_it_goes(sign: int, start: float) -> None:
    # The values of a similarity fall from 1; those of a signed difference may go either way from 0.
    made = gained(line(2 * sign, 10, start), line(-sign, 10, start))
    assert (made.level, made.half_life, made.half_lives) == (10, 5, 1)


def test_a_series_ends_at_its_first_gap() -> None:
    made = gain([0, 1, 2, 3, 4], [0, 1, 1.5, None, 9])
    assert isinstance(made, Gain)
    assert (made.reached, made.at_least) == (2, True)


def test_what_hardly_drifts_or_was_not_measured_is_not_scored() -> None:
    assert gain(line(0.09, 10), line(0.01, 10), 1.0) == Undefined("the untreated chain never drifts by more than 1")
    assert gain([0, 0, 0], [0, 0, 0]) == Undefined("the untreated chain never drifts by more than 0")
    for unmeasured in ([], [None, 1.0], [0.0]):
        assert isinstance(gain(unmeasured, line(1, 3)), Undefined)
        assert isinstance(gain(line(1, 3), unmeasured), Undefined)


def one(half_lives: float, at_least: bool = False) -> Gain:
    return Gain(1.0, 1.0, half_lives + 1, at_least)


def scored(groups: list[list[Gain]], level: float = 0.95) -> Score:
    made = score(groups, level)
    assert isinstance(made, Score)
    return made


def test_the_picture_is_the_unit_and_replicates_count_by_their_median() -> None:
    made = scored([[one(1), one(2), one(9)], [one(4)], [one(3), one(5)]])
    assert (made.half_lives, made.count) == (4, 3)


def test_five_units_can_give_no_interval_at_95_percent_and_six_can() -> None:
    five, six = ([[one(value)] for value in range(count)] for count in (5, 6))
    assert scored(five).interval == Undefined("5 pictures cannot give an interval at 95 %; that takes 6")
    interval = scored(six).interval
    assert interval == Interval(0, 5, 0.95, "order statistics over 6 pictures")  # 1 - 2 / 64 = 0.97
    assert scored(five, 0.9).interval == Interval(0, 4, 0.9, "order statistics over 5 pictures")
    assert scored([[one(3)]]).interval == Undefined("1 picture cannot give an interval at 95 %; that takes 6")


def test_replicates_of_the_only_picture_are_units_of_their_own() -> None:
    made = scored([[one(value) for value in range(8)]])
    assert (made.count, made.half_lives) == (8, 3.5)
    assert made.interval == Interval(0, 7, 0.95, "order statistics over 8 replicates")


def test_gains_that_are_only_known_as_at_least_bound_the_interval_from_below_only() -> None:
    groups = [[one(value)] for value in (1, 2, 3)] + [[one(value, at_least=True)] for value in (4, 5, 6, 7)]
    made = scored(groups)
    assert (made.half_lives, made.at_least) == (4, True)
    assert made.interval == Interval(1, inf, 0.95, "order statistics over 7 pictures")
    two = scored([[one(value)] for value in (1, 2, 3, 4, 5)] + [[one(0.5, at_least=True)]])
    assert (two.half_lives, two.at_least) == (2.5, True)  # the last one may lie anywhere above 0.5
    above = scored([[one(value)] for value in (1, 2, 3)] + [[one(9, at_least=True)]] * 2)
    assert (above.half_lives, above.at_least) == (3, False)  # wherever those two lie, the middle stays


@pytest.mark.parametrize("count", [6, 9, 14])
def test_intervals_hold_the_median_at_the_rate_they_state(count: int) -> None:
    generator = np.random.default_rng(count)
    trials = 1500
    held = 0
    for _ in range(trials):
        # Skewed, and censored at 2: every gain above is only known to be at least 2. The true median is 1.
        values = np.exp(generator.normal(0, 1, count))
        interval = scored([[one(min(value, 2), bool(value > 2))] for value in values]).interval
        assert isinstance(interval, Interval)
        held += 1 in interval
    # Tolerance: three standard deviations of a rate of 0.95 over so many trials, 0.017. It may hold more often: the
    # rates that order statistics can have are steps.
    assert held / trials > 0.95 - 0.017
    depth = max(j for j in range(1, count) if 2 * sum(comb(count, i) for i in range(j)) / 2**count <= 0.05)
    exact = 1 - 2 * sum(comb(count, i) for i in range(depth)) / 2**count
    assert abs(held / trials - exact) < 0.02


def test_a_level_that_is_no_rate_is_refused() -> None:
    with pytest.raises(UserError, match="level is 95"):
        score([[one(1)]], 95)


def chain(
    picture: str,
    values: list[float],
    *,
    remedy: str | None = None,
    ending: Ending | None = None,
    cost: float | None = None,
    control: bool = False,
) -> Chain:
    receipt = {} if cost is None else {"cost_usd": cost}
    frames = tuple(
        Frame(index, f"s1:{index}", "p1:", "", 0.0, False, receipt if index else {}) for index in range(len(values))
    )
    columns: dict[str, tuple[Value, ...]] = {
        "drift": tuple(values),
        "ssim": tuple(1 - value / 100 for value in values),
    }
    return Chain(
        name=f"{picture}/toy/1 with {remedy}",
        picture=picture,
        copier="toy",
        control=control,
        replicate=1,
        frames=frames,
        ending=ending or Ending(Ended.TIMES, len(values) - 1),
        values={"origin": columns, "frame": {"mean": tuple(values)}, "previous": {}},
        remedy=remedy,
    )


def run(chains: list[Chain], times: int = 10) -> CopyResult:
    return CopyResult(
        identity="s1:0",
        folder=Path(),
        command="",
        spec={},
        manifest={},
        size=(8, 8),
        times=times,
        chains=tuple(chains),
        measures=(DRIFT, SSIM, MEAN),
        channels={"toy": ("drift", "ssim", "mean")},
        absent={},
        blobs=Path(),
    )


def test_every_remedy_is_scored_against_the_chain_left_alone_of_its_own_picture() -> None:
    found = remedied(
        run(
            [
                chain("a", line(2, 10)),
                chain("b", line(4, 10)),
                chain("a", line(1, 10), remedy="lock"),
                chain("b", line(4, 10), remedy="lock"),
                chain("a", line(8, 10), remedy="worse"),
                chain("a", line(0, 10), control=True),
            ]
        ),
        ["drift", "mean", "ssim", "absent"],
    )
    assert [one.remedy for one in found] == ["lock", "worse"]
    lock, worse = (one.scores["drift"] for one in found)
    assert isinstance(lock, Score) and isinstance(worse, Score)
    assert (lock.half_lives, lock.count) == (0.5, 2)  # the median of 1 and 0
    assert (worse.half_lives, worse.count) == (-0.75, 1)
    assert list(found[0].scores) == ["drift", "ssim"]  # of measures against a reference, those the run has
    similar = found[0].scores["ssim"]
    assert isinstance(similar, Score)
    assert (similar.half_lives, similar.level) == (pytest.approx(0.5), pytest.approx(0.15))  # a hundredth of the drift


def test_a_settled_chain_goes_on_repeating_itself() -> None:
    settled = chain("a", [0, 3, 3], remedy="lock", ending=Ending(Ended.FIXED_POINT, 2, 1, 1))
    (found,) = remedied(run([chain("a", line(2, 10)), settled]), ["drift"])
    scored = found.scores["drift"]
    assert isinstance(scored, Score)
    assert (scored.reached, scored.at_least) == (10, True)


def test_a_refused_chain_counts_up_to_there() -> None:
    refused = chain("a", [0, 3, 3], remedy="lock", ending=Ending(Ended.REFUSED, 2, message="no"))
    (found,) = remedied(run([chain("a", line(2, 10)), refused]), ["drift"])
    scored = found.scores["drift"]
    assert isinstance(scored, Score)
    assert (scored.reached, scored.half_lives, scored.at_least) == (2, -0.6, True)


def test_prices_are_what_the_remedy_adds_to_a_whole_chain() -> None:
    alone = chain("a", line(2, 10), cost=0.04)
    prices = (("dear", 0.09), ("free", 0.04), ("unknown", None))
    dear, free, unknown = (chain("a", line(1, 10), remedy=name, cost=cost) for name, cost in prices)
    found = {one.remedy: one for one in remedied(run([alone, dear, free, unknown]), ["drift"])}
    assert found["dear"].extra_usd == pytest.approx(0.5)
    assert found["dear"].per_dollar("drift") == pytest.approx(2)
    assert (found["free"].extra_usd, found["free"].per_dollar("drift")) == (0, None)
    assert (found["unknown"].extra_usd, found["unknown"].per_dollar("drift")) == (None, None)


def test_a_run_without_remedies_has_nothing_to_score() -> None:
    assert remedied(run([chain("a", line(2, 10))]), ["drift"]) == ()
