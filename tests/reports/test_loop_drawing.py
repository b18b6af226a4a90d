import re
from itertools import pairwise

import pytest

from simulacra.reports.curves import BOTTOM, LEFT, RIGHT, TOP
from simulacra.reports.loop_drawing import PATH_BOTTOM, chart, plane, pools
from simulacra.reports.loop_groups import Band, grouped, value

from .fabricated_loops import Loops, compared
from .test_loop_groups import group_of


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_a_chart_places_every_seed_the_mean_the_band_and_the_floor() -> None:
    group = group_of([1.0, 0.5], [0.0, 0.5])
    band = Band(0.25, 0.75, 5, 0.5)
    drawn = chart([group], value("recall"), bands=[band], floors=[0.5], bounds=(0, 1))
    assert drawn is not None
    half = (TOP + BOTTOM) / 2
    (line,) = drawn.lines
    assert [points(seed) for seed in line.seeds] == [[(LEFT, TOP), (RIGHT, half)], [(LEFT, BOTTOM), (RIGHT, half)]]
    assert points(line.mean) == [(LEFT, half), (RIGHT, half)]
    assert line.places == (half, half)
    quarter = (BOTTOM - TOP) / 4
    assert drawn.bands == ((None, f"M{LEFT} {BOTTOM - quarter}H{RIGHT}V{TOP + quarter}H{LEFT}Z"),)
    assert drawn.floors == ((None, f"M{LEFT} {half}H{RIGHT}"),)


def test_loops_share_one_band_or_have_each_their_own() -> None:
    groups = [group_of([0.5, 0.5])] * 2
    one, other = Band(0.2, 0.4, 5, 0.3), Band(0.6, 0.8, 5, 0.7)

    def owners(*bands: Band | None) -> list[int | None]:
        drawn = chart(groups, value("recall"), bands=bands)
        assert drawn is not None
        return [owner for owner, _ in drawn.bands]

    assert owners(one, one) == [None]
    assert owners(one, other) == [0, 1]
    assert owners(None, None) == []


def test_numbers_that_explode_are_drawn_by_their_logarithm() -> None:
    drawn = chart([group_of([1.0, 1000.0])], value("recall"))
    assert drawn is not None and drawn.rows.logarithmic
    shares = chart([group_of([0.001, 0.9])], value("recall"), bounds=(0.0, 1.0))
    assert shares is not None and not shares.rows.logarithmic
    assert chart([group_of([1.0])], value("vendi")) is None


def test_a_path_goes_through_the_generations_with_the_restarts_as_a_cloud() -> None:
    groups = grouped(compared())
    drawn = plane(groups, "recall", "precision")
    assert drawn is not None
    first, second = drawn.courses
    assert [step.generation for step in first.steps] == [1, 2, 3, 4, 5, 6]
    assert all(after.x < before.x for before, after in pairwise(first.steps))  # recall falls
    assert drawn.cloud.count("h0") == 5  # the null arm stands beside both loops, and is drawn once
    assert drawn.floor is not None
    assert len(first.seeds) == len(second.seeds) == 3
    for step in (*first.steps, *second.steps):
        assert LEFT <= step.x <= RIGHT and TOP <= step.y <= PATH_BOTTOM
    assert plane([group_of([0.5])], "recall", "precision") is None


def test_pools_stack_what_they_hold() -> None:
    (group,) = grouped([Loops().record(name="fresh-data", generations=3)])
    drawn = pools(group)
    assert [part for part, _ in drawn.parts] == ["fixed", "fresh", "synthetic"]
    assert [path.count("M") for _, path in drawn.parts] == [1, 2, 2]
    fresh, synthetic = (points(path.split("Z")[0])[0][1] for _, path in drawn.parts[1:])
    assert fresh == BOTTOM
    assert synthetic == pytest.approx(drawn.rows.at(50), abs=0.05)  # one decimal; on top of the 50 fresh ones
