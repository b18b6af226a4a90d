from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from simulacra.images.pixels import Pixels
from simulacra.stylegan.use.png import PngWriter

PICTURES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


def written(pixels: Pixels, cuts: list[int], text: str = "{}") -> bytes:
    file = BytesIO()
    writer = PngWriter(file, *pixels.shape)
    for band in np.split(pixels, cuts):
        writer.band(band)
    writer.end(text)
    return file.getvalue()


@given(PICTURES, st.data())
def test_pillow_reads_what_was_written_in_any_bands(pixels: Pixels, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pixels)), max_size=4)))
    with Image.open(BytesIO(written(pixels, cuts))) as image:
        assert np.array_equal(np.array(image), pixels)


@pytest.mark.parametrize("channels", [3, 4])
def test_smooth_pictures_are_as_small_as_pillow_makes_them(channels: int) -> None:
    y, x = np.mgrid[:200, :200]
    pixels = np.stack([(128 + 90 * np.sin(x / (9 + k) + y / 17)).astype(np.uint8) for k in range(channels)], axis=2)
    theirs = BytesIO()
    Image.fromarray(pixels).save(theirs, "PNG")
    # Both choose filters by the same rule; Pillow's compressor knows of them, which is worth a tenth at most.
    assert len(written(pixels, [50])) < 1.1 * len(theirs.getvalue())


def test_the_text_is_where_other_programs_find_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(written(np.zeros((3, 4, 3), np.uint8), [], '{"a": "ü"}'))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.text == {"simulacra": '{"a": "ü"}'}  # type: ignore[attr-defined]
