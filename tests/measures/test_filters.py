from typing import Literal

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from simulacra.measures.filters import correlate, gaussian, smooth


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("size", [7, 64, 65, 200])  # below, at and above one block
@pytest.mark.parametrize("kernel", [(0.5, -1.0, 2.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)])
def test_agrees_with_scipy(axis: Literal[-1, -2], size: int, kernel: tuple[float, ...]) -> None:
    shape = (2, 3, size, 9) if axis == -2 else (2, 3, 9, size)
    planes = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
    expected = torch.from_numpy(correlate1d(planes.numpy(), kernel, axis, mode="nearest"))
    # Rounding of a float64 sum.
    torch.testing.assert_close(correlate(planes, kernel, axis, "replicate"), expected, rtol=1e-12, atol=1e-12)
    radius = len(kernel) // 2
    whole = expected.narrow(axis, radius, size - 2 * radius)
    torch.testing.assert_close(correlate(planes, kernel, axis, "valid"), whole, rtol=1e-12, atol=1e-12)


def test_a_window_wider_than_the_picture_repeats_its_border() -> None:
    planes = torch.tensor([[1.0, 3.0]])
    assert correlate(planes, (1, 1, 1, 1, 1, 1, 1), -1, "replicate").tolist() == [[13.0, 15.0]]  # 4x1+3x3 and 3x1+4x3


def test_a_gaussian_has_unit_sum_and_the_asked_width() -> None:
    kernel = np.array(gaussian(2.0, radius=12))
    offsets = np.arange(-12, 13)
    assert kernel.sum() == pytest.approx(1)
    assert (kernel * offsets**2).sum() == pytest.approx(4, rel=1e-6)  # what lies beyond six sigma


def test_smoothing_leaves_a_constant_alone() -> None:
    flat = torch.full((1, 30, 90), 0.25, dtype=torch.float64)
    torch.testing.assert_close(smooth(flat, gaussian(1.5), "replicate"), flat)
