"""Deals of one reference, brought to the counts of generations: right on average and in spread."""

from math import sqrt

import numpy as np
import pytest

from simulacra.autophagy.floors import DEALS, Deals, Floor, Kind
from simulacra.measures.of_sets.distances import Integers


@pytest.mark.parametrize(
    ("pool", "count", "sides"), [(100, 100, (50, 50)), (100, 30, (70, 30)), (101, 500, (51, 50)), (12, 12, (6, 6))]
)
def test_a_generation_is_stood_in_for_by_half_at_most(pool: int, count: int, sides: tuple[int, int]) -> None:
    deals = Deals.of(pool, reference=pool, count=count, seed=0)
    assert (deals.held, deals.stand_in) == sides
    assert deals.scale == pytest.approx((1 / pool + 1 / count) / (1 / sides[0] + 1 / sides[1]))


def test_both_sides_share_the_pool_anew_in_every_deal() -> None:
    seen = []

    def measured(real: Integers, made: Integers) -> dict[str, float]:
        assert sorted([*real, *made]) == list(range(20))
        seen.append(tuple(made))
        return {"x": 0.0}

    Deals.of(20, reference=20, count=5, seed=1).floors(measured, {"x": Kind.SHARE}, {})
    assert len(set(seen)) == len(seen) == DEALS
    assert {len(each) for each in seen} == {5}


def test_counts_enter_as_theory_says() -> None:
    # of normal numbers: the squared gap of two means, the gap itself, and the mean of one side
    lines = np.random.default_rng(3)
    reference, count, trials = 400, 250, 60
    kinds = {"square": Kind.SQUARE, "gap": Kind.SIGNED, "alone": Kind.POSITIVE}
    floors: dict[str, list[Floor]] = {"square": [], "alone": []}
    for trial in range(trials):
        pool = lines.normal(5, 1, size=reference)

        def measured(real: Integers, made: Integers, pool: np.ndarray = pool) -> dict[str, float]:
            gap = pool[real].mean() - pool[made].mean()
            return {"square": float(gap**2), "alone": float(pool[made].mean())}

        deals = Deals.of(reference, reference=reference, count=count, seed=trial)
        found = deals.floors(measured, kinds, {"alone": (deals.stand_in, count)})
        for name, floor in found.items():
            floors[name].append(floor)
    variance = 1 / reference + 1 / count
    squares = np.array([floor.mean for floor in floors["square"]])
    assert abs(squares.mean() - variance) < 4 * squares.std() / sqrt(trials)
    # The square of a normal number deviates by the root of two; a deviation of 40 deals is known to 20 %, of 60 to 3 %.
    spreads = np.array([floor.deviation for floor in floors["square"]])
    assert spreads.mean() == pytest.approx(sqrt(2) * variance, rel=0.12)
    alone = np.array([floor.deviation for floor in floors["alone"]])
    assert alone.mean() == pytest.approx(sqrt(variance), rel=0.06)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(Kind.SHARE, 0.0, 1.0), (Kind.SQUARE, 0.0, 1.48), (Kind.SIGNED, -0.48, 1.48), (Kind.POSITIVE, 0.0, 1.48)],
)
def test_bands_end_where_values_do(kind: Kind, low: float, high: float) -> None:
    reading = Floor(0.5, 0.5, kind).reading(0.3)
    assert (reading.value, reading.floor) == (0.3, 0.5)
    assert (reading.low, reading.high) == (pytest.approx(low), pytest.approx(high))


def test_a_name_that_most_deals_leave_out_has_no_floor() -> None:
    calls = iter(range(DEALS))

    def measured(real: Integers, made: Integers) -> dict[str, float]:
        return {"rare": 1.0} if next(calls) == 0 else {"usual": 1.0}

    kinds = dict.fromkeys(("rare", "usual"), Kind.SHARE)
    assert set(Deals.of(20, reference=20, count=5, seed=1).floors(measured, kinds, {})) == {"usual"}
