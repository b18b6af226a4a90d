import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.sets.fitting import in_colour, resized, square

from .conftest import noise


@pytest.mark.parametrize(("height", "width", "top", "left"), [(5, 8, 0, 1), (9, 4, 2, 0), (6, 6, 0, 0)])
def test_a_crop_is_the_middle(height: int, width: int, top: int, left: int) -> None:
    pixels = noise(1, height, width, 3)[0]
    side = min(height, width)
    assert np.array_equal(square(pixels, "crop", "x"), pixels[top : top + side, left : left + side])


@pytest.mark.parametrize("channels", [3, 4])
def test_padding_is_black_and_clear_on_both_sides(channels: int) -> None:
    pixels = noise(1, 5, 8, channels)[0]
    padded = square(pixels, "pad", "x")
    assert np.array_equal(padded[1:6], pixels)
    assert not padded[:1].any()
    assert not padded[6:].any()
    assert padded.shape == (8, 8, channels)


def test_a_picture_that_is_not_square_is_refused_by_name_with_the_way_out() -> None:
    with pytest.raises(UserError, match=r"^cat\.png is 8x5 px and not square; say --fit crop or --fit pad$"):
        square(noise(1, 5, 8, 3)[0], "refuse", "cat.png")


def test_the_filter_is_antialiased() -> None:
    checks = np.indices((32, 32)).sum(axis=0)[..., None].repeat(3, axis=-1) % 2 * 255
    # A board of single pixels has no other mean than grey; 8 bits round 127.5 either way.
    assert np.abs(resized(checks.astype(np.uint8), 8, "box").astype(int) - 127.5).max() <= 0.5
    assert resized(checks.astype(np.uint8), 32, "box").max() == 255


def test_clear_pixels_do_not_bleed_into_colours() -> None:
    # Red that is seen beside green that is not: the mean colour is red at half the alpha.
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[:, 0] = (255, 0, 0, 255)
    pixels[:, 1] = (0, 255, 0, 0)
    assert resized(pixels, 1, "box")[0, 0].tolist() == [255, 0, 0, 128]
    assert resized(np.zeros((4, 4, 4), dtype=np.uint8), 2, "lanczos").max() == 0


def test_channels_come_first_and_grey_is_pillows_luma() -> None:
    pixels = noise(1, 4, 4, 3)[0]
    assert np.array_equal(in_colour(pixels, "rgb"), pixels.transpose(2, 0, 1))
    assert np.array_equal(in_colour(pixels, "grey"), np.asarray(Image.fromarray(pixels).convert("L"))[None])
