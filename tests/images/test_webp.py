import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulacra.images.webp import LARGEST_SIDE, decode, encode

PIXELS = st.tuples(st.integers(1, 17), st.integers(1, 17)).flatmap(lambda hw: arrays(np.uint8, (*hw, 3)))


@given(PIXELS)
def test_round_trips_exactly(pixels: np.ndarray) -> None:
    assert np.array_equal(decode(encode(pixels)), pixels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 301, 3), (257, 1, 3), (127, 255, 3)])
def test_round_trips_noise_of_odd_shapes(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(20261121).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decode(encode(pixels)), pixels)


def test_takes_the_largest_side_and_no_more() -> None:
    longest = np.zeros((1, LARGEST_SIDE, 3), dtype=np.uint8)
    assert decode(encode(longest)).shape == longest.shape
    with pytest.raises(ValueError, match="16383"):
        encode(np.zeros((1, LARGEST_SIDE + 1, 3), dtype=np.uint8))


def test_equal_pixels_give_equal_bytes() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (33, 21, 3), dtype=np.uint8)
    assert encode(pixels) == encode(np.asfortranarray(pixels)) == encode(pixels.copy())
