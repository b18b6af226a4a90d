from dataclasses import replace
from math import sqrt

import pytest

from simulacra import UserError
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.record import LoopRecord, Reading
from simulacra.reports.loop_groups import LoopGroup, grouped, measures, reading, settings, span, value

from .fabricated_loops import Loops, compared

ANY = (None, None)


def with_readings(record: LoopRecord, **readings: list[Reading]) -> LoopRecord:
    """The record with these readings alone, a value a generation."""
    rounds = [
        each.model_copy(
            update={
                "measured": each.measured.model_copy(
                    update={"readings": {name: row[t] for name, row in readings.items()}, "modes": {}}
                )
            }
        )
        for t, each in enumerate(record.rounds)
    ]
    return replace(record, rounds=tuple(rounds))


def group_of(*values: list[float], nulls: list[float] = (), **floors: float) -> LoopGroup:  # type: ignore[assignment]
    """One loop whose seeds have these recalls, and a null arm."""
    loops = Loops()
    records = [
        with_readings(
            loops.record(seed=seed, generations=len(row)), recall=[Reading(value=each, **floors) for each in row]
        )
        for seed, row in enumerate(values)
    ]
    if nulls:
        null = loops.record("null", generations=len(nulls))
        records.append(with_readings(null, recall=[Reading(value=each) for each in nulls]))
    (group,) = grouped(records)
    return group


def test_seeds_and_restarts_are_put_together_and_doubles_count_once() -> None:
    records = compared()
    groups = grouped([*records, *records])
    assert [group.label for group in groups] == ["fully-synthetic", "fresh-data"]
    assert [[record.seed for record in group.records] for group in groups] == [[0, 1, 2], [0, 1, 2]]
    assert [len(group.restarts) for group in groups] == [5, 5]  # both begin with as many real samples
    assert span(groups) == 6
    assert measures(groups)[:3] == ("frechet", "precision", "recall")


def test_a_null_arm_of_other_data_or_another_start_is_no_null() -> None:
    loops = Loops()
    strangers = [
        loops.record("null", data="faces"),
        loops.record("null", generator="gaussian", seed=1),
        loops.record("null", policy=Policy.of(initial=400, synthetic=400), seed=2),
        loops.record("null", policy=Policy.of(initial=500, synthetic=500, bias=0.5), seed=3),
        loops.record("null", details=("in digits", "200 measured"), seed=4),
    ]
    (group,) = grouped([loops.record(), *strangers])
    assert group.nulls == ()


def test_loops_are_named_by_what_tells_them_apart() -> None:
    loops = Loops()

    def labels(*records: LoopRecord) -> list[str]:
        return [group.label for group in grouped(records)]

    biased = Policy.of(initial=500, synthetic=500, bias=0.5)
    assert labels(loops.record(), loops.record(policy=biased)) == [
        "fully-synthetic, bias 1",
        "fully-synthetic, bias 0.5",
    ]
    assert labels(loops.record(), loops.record(data="faces")) == ["fully-synthetic, digits", "fully-synthetic, faces"]
    assert labels(loops.record()) == ["fully-synthetic"]
    short = loops.record(details=("5 steps", "in digits", "400 measured"))
    assert labels(loops.record(), short) == ["fully-synthetic", "fully-synthetic, 5 steps"]
    assert settings(grouped([loops.record(policy=biased)])[0])["bias"] == "0.5"


def test_of_a_loop_and_its_continuation_the_longer_counts() -> None:
    loops = Loops()
    (group,) = grouped([loops.record(generations=9), loops.record(generations=6), loops.record(seed=1)])
    assert [(record.seed, len(record.rounds)) for record in group.records] == [(0, 9), (1, 6)]


def test_loops_with_nothing_to_tell_them_apart_are_told_by_their_run() -> None:
    loops = Loops()
    other = replace(loops.record(), run="another-run", course="left another loop")
    assert [group.label for group in grouped([loops.record(), other])][1] == "fully-synthetic (another-run)"


def test_the_band_is_where_one_more_restart_would_lie() -> None:
    group = group_of([0.7, 0.3], nulls=[0.70, 0.72, 0.74])
    band = group.band(reading("recall"), ANY)
    # Student's 97.5 % point with 2 degrees of freedom is 4.302653.
    reach = 4.302653 * 0.02 * sqrt(1 + 1 / 3)
    assert band is not None
    assert (band.low, band.high) == pytest.approx((0.72 - reach, 0.72 + reach), rel=1e-6)  # its six digits
    assert not band.holds(0.3) and band.holds(0.7)
    assert band.distance(0.72 + 2 * reach) == pytest.approx(2, rel=1e-5)
    held = group.band(reading("recall"), (0.0, 0.75))
    assert held is not None and held.high == 0.75


def test_without_restarts_the_meters_own_band_stands_in() -> None:
    group = group_of([0.7, 0.3], low=0.6, high=0.8, floor=0.7)
    band = group.band(reading("recall"), ANY)
    assert band is not None and (band.low, band.high, band.restarts) == (0.6, 0.8, 0)
    assert group.floor(reading("recall")) == pytest.approx(0.7)
    assert group_of([0.7]).band(reading("recall"), ANY) is None
    assert group_of([0.7], nulls=[0.7]).band(reading("recall"), ANY) is None  # one restart has no spread
    assert group_of([0.7]).floor(reading("recall")) is None


def test_means_leave_out_what_stopped_and_end_where_a_seed_is_missing() -> None:
    group = group_of([0.8, 0.6, 0.4], [0.6, 0.4])
    assert group.mean(value("recall")) == pytest.approx([0.7, 0.5])
    stopped = replace(group, records=(group.records[0], replace(group.records[1], stopped="no data")))
    assert stopped.mean(value("recall")) == pytest.approx([0.8, 0.6, 0.4])
    assert stopped.last == 3
    assert group.mean(value("precision")) == [None, None]


def test_pages_without_a_generation_are_refused() -> None:
    loops = Loops()
    with pytest.raises(UserError, match="only null arms"):
        grouped([loops.record("null")])
    with pytest.raises(UserError, match="no loop given has a finished generation"):
        grouped([loops.record(generations=0)])
