import numpy as np
import pytest

from simulacra.images.pixels import Pixels
from simulacra.stylegan.use.sheet import Row, on_white, sheet

from .toys import GAP, LINE, MARGIN, PLAIN, TILE, maker, tile


def flat(value: int) -> Pixels:
    return np.full((16, 16, 3), value, np.uint8)


def test_bands_add_up_to_the_canvas_and_empty_places_stay_white() -> None:
    rows = [Row([None, lambda: flat(10)], "first"), Row([lambda: flat(20)], captions=["below"])]
    canvas = sheet(maker(PLAIN), rows, ["a", "b"])
    bands = list(canvas.bands)
    assert [len(band) for band in bands] == [MARGIN + LINE, TILE + GAP, TILE + LINE + GAP, MARGIN - GAP]
    pixels = np.concatenate(bands)
    assert pixels.shape == (canvas.height, canvas.width, 3)
    assert (tile(pixels, 0, 0, columns=2, heads=True) == 255).all()
    assert (tile(pixels, 0, 1, columns=2, heads=True) == 10).all()
    assert (tile(pixels, 1, 0, columns=2, heads=True) == 20).all()


@pytest.mark.parametrize("place", ["head", "label", "caption"])
def test_words_leave_ink_where_they_belong(place: str) -> None:
    row = Row([lambda: flat(255)], "word" if place == "label" else "", ["word"] if place == "caption" else [])
    pixels = np.concatenate(list(sheet(maker(PLAIN), [row], ["word"] if place == "head" else []).bands))
    rows, columns = np.nonzero(pixels.min(axis=2) < 200)
    top = MARGIN + (LINE if place == "head" else 0)
    left = pixels.shape[1] - MARGIN - TILE
    assert len(rows) > 20
    if place == "head":
        assert rows.max() < top and columns.min() >= left
    elif place == "label":
        assert columns.max() < left and top <= rows.min() and rows.max() < top + TILE
    else:
        assert rows.min() >= top + TILE and columns.min() >= left


def test_a_sheet_holds_one_row_at_a_time() -> None:
    made = 0

    def count() -> Pixels:
        nonlocal made
        made += 1
        return flat(0)

    canvas = sheet(maker(PLAIN), [Row([count] * 16) for _ in range(500)])
    for _ in range(4):  # the margin and three rows
        next(canvas.bands)
    assert 48 <= made < 160


def test_transparency_is_placed_on_white() -> None:
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 255, 128]]], np.uint8)
    # 255 (1 - 128/255) = 127, and 100 of 255 at the share 128/255 add 50.2.
    assert on_white(pixels).tolist() == [[[10, 20, 30], [255, 255, 255], [127, 177, 255]]]
    assert on_white(flat(7)) is not None and (on_white(flat(7)) == 7).all()
