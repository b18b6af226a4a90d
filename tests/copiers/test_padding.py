import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulacra.copiers.padding import reflect, to_multiple


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)
)
def test_agrees_with_numpy_at_every_size(width: int, height: int, left: int, right: int, top: int, bottom: int) -> None:
    values = np.arange(3 * height * width, dtype=np.float32).reshape(1, 3, height, width)
    padded = reflect(torch.from_numpy(values), left, right, top, bottom)
    expected = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)), mode="reflect")
    assert np.array_equal(padded.numpy(), expected)


@pytest.mark.parametrize(("side", "multiple", "padded"), [(1, 4, 4), (8, 4, 8), (9, 4, 12), (37, 16, 48), (5, 1, 5)])
def test_pads_to_the_next_multiple_and_keeps_the_picture_in_place(side: int, multiple: int, padded: int) -> None:
    picture = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    wide = to_multiple(picture, multiple)
    assert wide.shape == (2, 3, padded, padded)
    assert torch.equal(wide[..., :side, :side], picture)
