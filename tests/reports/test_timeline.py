from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from simulacra.copying.result import Ended, Ending
from simulacra.reports.timeline import BANDS, MOST_COLUMNS, SLIT_HEIGHT, palette, slit_column, timeline

from .conftest import Runs, melt, portrait


def _pixels(data: str) -> np.ndarray:
    with Image.open(BytesIO(b64decode(data))) as picture:
        return np.asarray(picture)


def test_the_slit_scan_holds_the_middle_column_of_every_frame(runs: Runs) -> None:
    frames = melt(portrait(32), 6)
    result = runs.result([runs.chain(frames)], 6)
    slit = _pixels(timeline(result, result.chains[0], 6).slit)
    assert np.array_equal(slit, np.stack([frame[:, 16] for frame in frames], axis=1))


def test_a_settled_chain_goes_on_and_a_refused_one_ends(runs: Runs) -> None:
    start = portrait(16)
    other = 255 - start
    cycle = runs.chain([start, other, start], ending=Ending(Ended.CYCLE, 2, 0, 2))
    refused = runs.chain([start, other], replicate=2, ending=Ending(Ended.REFUSED, 1, message="no"))
    result = runs.result([cycle, refused], 5)
    repeated, stopped = (_pixels(timeline(result, chain, 5).slit) for chain in result.chains)
    assert np.array_equal(repeated[:, 4], start[:, 8])
    assert np.array_equal(repeated[:, 5], other[:, 8])
    assert stopped[0, :, 3].tolist() == [255, 255, 0, 0, 0, 0]
    assert _pixels(timeline(result, result.chains[1], 5).ribbon)[0, :, 3].tolist() == [255, 255, 0, 0, 0, 0]


def test_a_palette_runs_from_light_to_dark_in_equal_parts() -> None:
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[:24] = 255  # one half white, one quarter red, one quarter black
    picture[24:, :24] = (255, 0, 0)
    bands = palette(picture)
    half, quarter = BANDS // 2, BANDS // 4
    assert bands.tolist() == [[255] * 3] * half + [[255, 0, 0]] * quarter + [[0] * 3] * quarter


def test_a_band_is_a_mean_in_linear_light() -> None:
    picture = np.zeros((1, 2 * BANDS, 3), np.uint8)
    picture[0, : BANDS + 1] = 255  # two pixels a band: one band has one of each
    bands = palette(picture)[:, 0].tolist()
    assert bands[BANDS // 2 - 1 : BANDS // 2 + 2] == [255, 188, 0]  # half the light of white


def test_a_picture_of_fewer_pixels_than_bands_repeats_them() -> None:
    assert palette(np.full((1, 1, 3), 90, np.uint8)).tolist() == [[90] * 3] * BANDS


def test_long_chains_and_high_pictures_are_sampled(runs: Runs) -> None:
    column = np.random.default_rng(20261121).integers(0, 256, (SLIT_HEIGHT + 40, 2, 3), dtype=np.uint8)
    result = runs.result([runs.chain([column, column], ending=Ending(Ended.FIXED_POINT, 1, 0, 1))], 900)
    drawn = timeline(result, result.chains[0], 900)
    assert _pixels(drawn.slit).shape == (SLIT_HEIGHT, MOST_COLUMNS, 3)
    assert (drawn.columns, drawn.slit_height) == (MOST_COLUMNS, SLIT_HEIGHT)


def test_the_column_of_a_narrow_picture_lies_in_it() -> None:
    assert [slit_column(width) for width in (1, 2, 3, 256)] == [0, 1, 1, 128]
