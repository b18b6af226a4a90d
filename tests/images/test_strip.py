from itertools import pairwise
from math import exp, inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulacra.images.strip import contact_sheet, drift_spaced, film_strip

DRIFTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=120)


def test_even_drift_is_spaced_evenly() -> None:
    assert drift_spaced([2.0 * k for k in range(101)], 5) == [0, 25, 50, 75, 100]


def test_no_drift_is_spaced_evenly_in_time() -> None:
    assert drift_spaced([0.0] * 101, 5) == [0, 25, 50, 75, 100]


def test_frames_stand_where_the_drift_is() -> None:
    # 1 - exp(-k/20) reaches 1/4, 1/2 and 3/4 of its way at k = -20 ln(3/4), ...: 5.8, 13.9, 27.7.
    drift = [1 - exp(-k / 20) for k in range(1001)]
    assert drift_spaced(drift, 5) == [0, 6, 14, 28, 1000]


def test_a_leap_takes_one_tile_and_leaves_the_rest_to_the_others() -> None:
    leap = [0.0, 90.0] + [90.0 + 0.1 * k for k in range(1, 100)]
    assert drift_spaced(leap, 12) == [0, 1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]


def test_a_cycle_takes_no_tiles_after_its_first_round() -> None:
    drift = [float(k) for k in range(50)] + [49.0, 40.0] * 25
    assert drift_spaced(drift, 6) == [0, 10, 20, 30, 40, 99]


@given(DRIFTS, st.integers(2, 40))
def test_always_first_and_last_without_repeats(drift: list[float], tiles: int) -> None:
    chosen = drift_spaced(drift, tiles)
    assert len(chosen) == min(tiles, len(drift))
    assert chosen[0] == 0
    assert chosen[-1] == len(drift) - 1
    assert all(a < b for a, b in pairwise(chosen))


@given(DRIFTS, st.integers(2, 40), st.integers(-8, 8))
def test_the_unit_of_drift_does_not_matter(drift: list[float], tiles: int, power: int) -> None:
    # Powers of two scale floats exactly; without denormal numbers every comparison comes out the same.
    drift = [value if value > 1e-200 else 0.0 for value in drift]
    assert drift_spaced([value * 2.0**power for value in drift], tiles) == drift_spaced(drift, tiles)


@pytest.mark.parametrize(("drift", "tiles"), [([], 5), ([0.0, 1.0], 1), ([0.0, nan], 2), ([0.0, inf, 1.0], 2)])
def test_refuses_what_has_no_spacing(drift: list[float], tiles: int) -> None:
    with pytest.raises(ValueError, match=r"tiles of|not finite"):
        drift_spaced(drift, tiles)


def test_a_strip_shows_each_picture_in_order_above_its_label() -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    strip = film_strip([_flat(40, 60, c) for c in colours], ["one", "two", "three"], tile_height=80)
    row = strip[strip.shape[0] // 3]
    seen = [tuple(p) for p, q in pairwise(row.tolist()) if p != q]
    assert [c for c in seen if c in colours] == colours
    assert _ink_below(strip, rows=80 + 6)


def test_tiles_of_a_strip_share_their_height_and_keep_their_aspect() -> None:
    wide, high = _flat(50, 200, (255, 0, 0)), _flat(200, 50, (0, 255, 0))
    strip = film_strip([wide, high], ["", ""], tile_height=100)
    red, green = (strip[..., 0] > 200, strip[..., 1] > 200)
    # Rounded corners of 2 px take nothing from the middle row and column.
    assert (red.any(1).sum(), red.any(0).sum()) == (100, 400)
    assert (green.any(1).sum(), green.any(0).sum()) == (100, 25)


def test_enlarging_repeats_pixels_and_shrinking_averages_them() -> None:
    checks = np.zeros((20, 20, 3), dtype=np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    enlarged = film_strip([checks], [""], tile_height=80)[20:70, 20:70]
    assert set(np.unique(enlarged)) == {0, 255}
    shrunk = film_strip([np.tile(checks, (16, 16, 1))], [""], tile_height=40)[16:36, 16:36]
    # Lanczos at a scale of 8 passes almost nothing of a period of 2 px.
    assert np.abs(shrunk.astype(int) - 127).max() <= 3


def test_a_sheet_has_the_columns_asked_for() -> None:
    pictures = [_flat(30, 30, (200, 200, 0))] * 7
    labels = [str(i) for i in range(7)]
    narrow, wide = (contact_sheet(pictures, labels, columns=c, tile_height=48) for c in (2, 7))
    assert _bands(narrow, axis=0) == 4  # rows of 2, 2, 2, 1
    assert _bands(narrow, axis=1) == 2
    assert _bands(wide, axis=0) == 1
    assert _bands(wide, axis=1) == 7
    assert np.array_equal(contact_sheet(pictures, labels, columns=50, tile_height=48), wide)


def test_labels_shorten_to_their_tile_and_take_any_characters() -> None:
    picture = _flat(32, 32, (9, 9, 9))
    endless = film_strip([picture], ["no room for all of this " * 9], tile_height=64)
    assert endless.shape == film_strip([picture], [""], tile_height=64).shape
    same = [film_strip([picture], [label], tile_height=96) for label in ("café", "cafe\n")]
    assert np.array_equal(*same)
    assert np.array_equal(
        film_strip([picture], ["日本"], tile_height=96), film_strip([picture], ["??"], tile_height=96)
    )


def test_refuses_labels_that_are_not_as_many_as_pictures() -> None:
    with pytest.raises(ValueError, match="2 pictures have 1 labels"):
        film_strip([_flat(8, 8, (0, 0, 0))] * 2, ["one"])
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([], [])
    with pytest.raises(ValueError, match="tile_height is 4"):
        film_strip([_flat(8, 8, (0, 0, 0))], ["x"], tile_height=4)


def _flat(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def _bands(sheet: np.ndarray, axis: int) -> int:
    """How many separate rows (0) or columns (1) of yellow there are."""
    yellow = (sheet[..., 0] > 150) & (sheet[..., 2] < 90)
    along = np.concatenate([[False], yellow.any(axis=1 - axis), [False]])
    return int((np.diff(along.astype(int)) == 1).sum())


def _ink_below(strip: np.ndarray, rows: int) -> bool:
    return bool((strip[rows:] > 100).all(-1).any())
