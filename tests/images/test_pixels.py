from hashlib import sha256

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulacra.images.pixels import pixel_digest, to_picture, to_pixels

PIXELS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda hw: arrays(np.uint8, (*hw, 3)))


@given(PIXELS)
def test_pixels_survive_the_way_to_a_picture_and_back(pixels: np.ndarray) -> None:
    assert np.array_equal(to_pixels(to_picture(pixels)), pixels)


@given(PIXELS)
def test_a_picture_is_contiguous_and_independent_of_its_pixels(pixels: np.ndarray) -> None:
    pixels.flags.writeable = False  # as decoded pixels are; torch would warn of sharing them
    picture = to_picture(pixels)
    assert picture.shape == (1, 3, *pixels.shape[:2])
    assert picture.dtype == torch.float32
    assert picture.is_contiguous()
    assert torch.equal(picture, to_picture(np.asfortranarray(pixels)))


def test_rounds_to_the_nearest_level_and_clamps() -> None:
    levels = torch.tensor([-1.0, 0.49 / 255, 0.51 / 255, 254.49 / 255, 1.7]).expand(3, 1, 5)
    assert to_pixels(levels)[0, :, 0].tolist() == [0, 0, 1, 254, 255]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_values_that_are_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        to_pixels(torch.full((1, 3, 2, 2), value))


def test_the_digest_is_pinned() -> None:
    # A change here would orphan every stored frame: raise the version in the digest instead.
    pixels = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    assert pixel_digest(pixels) == "p1:74ccaa4f3b802763511515082cccf21ffa4198d2e6e0219e8ffbb277d1442a10"


def test_the_digest_is_that_of_the_documented_bytes() -> None:
    pixels = np.full((1, 2, 3), 7, dtype=np.uint8)
    assert pixel_digest(pixels) == "p1:" + sha256(b"p1 uint8 1x2x3 sRGB " + bytes([7] * 6)).hexdigest()


@given(PIXELS, PIXELS)
def test_two_pictures_share_a_digest_only_when_equal(a: np.ndarray, b: np.ndarray) -> None:
    assert (pixel_digest(a) == pixel_digest(b)) == (a.shape == b.shape and np.array_equal(a, b))


def test_the_digest_sees_the_shape_and_not_the_layout() -> None:
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    assert pixel_digest(pixels) != pixel_digest(pixels.reshape(4, 3, 3))
    assert pixel_digest(pixels) == pixel_digest(np.asfortranarray(pixels))
