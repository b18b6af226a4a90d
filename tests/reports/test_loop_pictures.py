from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from simulacra.reports.loop_groups import grouped
from simulacra.reports.loop_pictures import Sheet, _apart, sheets

from .fabricated_loops import Loops, compared


def test_sheets_are_carried_without_loss_and_with_gaps_while_they_are_small() -> None:
    records = compared()
    found = sheets(grouped(records))
    assert found.any and not found.lossy
    assert [[len(seed) for seed in group] for group in found.loops] == [[6, 6, 3], [6, 6, 6]]
    sheet = found.loops[0][0][2]
    assert sheet is not None and sheet.generation == 3 and sheet.small
    stored = records[0].blob(records[0].rounds[2].shown or "")
    side = 12
    with Image.open(BytesIO(stored)) as one, Image.open(BytesIO(_data(sheet))) as other:
        touching, apart = np.asarray(one), np.asarray(other)
    assert (sheet.height, sheet.width) == apart.shape == (8 * side + 7, 8 * side + 7)
    places = np.arange(8 * side) // side + np.arange(8 * side)
    assert np.array_equal(apart[np.ix_(places, places)], touching)
    gaps = np.setdiff1d(np.arange(len(apart)), places)
    assert not apart[gaps].any() and not apart[:, gaps].any()
    assert found.restart is not None and found.restart.generation == 1


def test_sheets_in_colour_are_set_apart_alike() -> None:
    stored = np.random.default_rng(0).integers(0, 256, (8 * 32, 8 * 32, 3), dtype=np.uint8)
    apart = np.asarray(_apart(Image.fromarray(stored)))
    assert apart.shape == (8 * 32 + 7 * 2,) * 2 + (3,)
    places = np.arange(8 * 32) // 32 * 2 + np.arange(8 * 32)
    assert np.array_equal(apart[np.ix_(places, places)], stored)


def _data(sheet: Sheet) -> bytes:
    return b64decode(sheet.data.removeprefix("data:image/png;base64,"))


def test_above_the_budget_they_are_lossy() -> None:
    found = sheets(grouped(compared()), budget=1000)
    assert found.lossy
    assert all(
        sheet.data.startswith("data:image/webp;") for group in found.loops for seed in group for sheet in seed if sheet
    )


def test_rows_of_numbers_have_none() -> None:
    found = sheets(grouped([Loops("line").record()]))
    assert not found.any and found.restart is None
