import re

from simulacra.copying.result import Ended, Ending
from simulacra.reports.curves import BOTTOM, LEFT, RIGHT, TOP, Plot, copy_ticks, plot
from simulacra.reports.subjects import subjects

from .conftest import FACE_LOST, Runs, melt, melting, portrait


def _drawn(runs: Runs, measure: str = "delta_e00_pixel_mean") -> Plot:
    result = melting(runs)
    made = plot(subjects(result)[0], "origin", measure, result.times, from_zero=True)
    assert made is not None
    return made


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_a_line_runs_from_the_first_copy_to_the_last_at_the_values_heights(runs: Runs) -> None:
    drawn = _drawn(runs)
    values = melting(runs).chains[0].values["origin"]["delta_e00_pixel_mean"]
    points = _points(drawn.lines[0].made)
    assert (points[0][0], points[-1][0]) == (LEFT, RIGHT)
    for (_, y), value in zip(points, values, strict=True):
        share = (value - drawn.low) / (drawn.high - drawn.low)
        assert abs(y - (BOTTOM - share * (BOTTOM - TOP))) <= 0.05  # paths keep one decimal


def test_a_settled_chain_goes_on_dashed_and_holds_its_value(runs: Runs) -> None:
    identity = _drawn(runs).lines[1]
    assert identity.control
    assert {y for _, y in _points(identity.repeated)} == {BOTTOM}
    assert _points(identity.repeated)[-1][0] == RIGHT
    assert _drawn(runs).lines[0].repeated == ""


def test_the_band_spans_the_controls_at_every_copy(runs: Runs) -> None:
    drawn = _drawn(runs)
    points = _points(drawn.band)
    highs, lows = points[:21], points[:20:-1]  # there along the highs, back along the lows
    assert [x for x, _ in highs] == [x for x, _ in lows]
    assert {y for _, y in lows} == {BOTTOM}  # identity stays at nothing
    # The highest control, at each copy, from the lines themselves; settled ones by their repeats.
    resize = _points(drawn.lines[3].made)
    assert all(high <= y + 1e-9 for (_, high), (_, y) in zip(highs, resize, strict=True))


def test_undefined_values_are_gaps(runs: Runs) -> None:
    drawn = _drawn(runs, "identity_distance")
    assert len(_points(drawn.lines[0].made)) == FACE_LOST


def test_a_lone_value_is_a_dot(runs: Runs) -> None:
    result = runs.result([runs.chain([portrait(16)], ending=Ending(Ended.REFUSED, 0, message="no"))], 5)
    drawn = plot(subjects(result)[0], "origin", "ssim", 5, from_zero=False)
    assert drawn is not None
    assert re.fullmatch(r"M[\d.]+ [\d.]+h0", drawn.lines[0].made)
    assert drawn.band == ""


def test_nothing_defined_is_no_chart(runs: Runs) -> None:
    result = runs.result([runs.chain(melt(portrait(16), 0))], 1)
    assert plot(subjects(result)[0], "previous", "ssim", 1, from_zero=False) is None


def test_the_zero_line_stands_where_a_measure_takes_both_signs(runs: Runs) -> None:
    result = runs.result([runs.chain(melt(portrait(16), 3, (0.98, 1, 1.02)))], 3)
    drawn = plot(subjects(result)[0], "origin", "lightness_mean", 3, from_zero=False)
    assert drawn is None  # mean lightness is about the frame alone
    signed = plot(subjects(result)[0], "origin", "delta_b_mean", 3, from_zero=False)
    assert signed is not None
    assert signed.high == 0 or signed.zero is not None


def test_copies_are_counted_in_round_numbers() -> None:
    assert copy_ticks(101) == [0, 20, 40, 60, 80, 100]
    assert copy_ticks(1) == [0, 1]
