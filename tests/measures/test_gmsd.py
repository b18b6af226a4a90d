import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.measures import gmsd
from simulacra.measures.grey import luma


@pytest.mark.parametrize("which", ["cast", "shift", "zoom", "blur", "noise"])
def test_agrees_with_the_paper_worked_out_pixel_by_pixel(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    one, other = (luma(distortions["chelsea"][each])[:, :50, :61] for each in ("none", which))
    value = gmsd.deviation(gmsd.gradients(one), gmsd.gradients(other))
    expected = _reference(one[0].double().numpy() * 255, other[0].double().numpy() * 255)
    assert value.item() == pytest.approx(expected, abs=1e-6)  # float32 against float64


def test_a_change_of_level_alone_is_not_seen() -> None:
    picture = torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(8)) / 2
    value = gmsd.deviation(gmsd.gradients(picture), gmsd.gradients(picture + 0.25))
    assert value.item() == pytest.approx(0, abs=1e-5)  # rounding of the sums


def _reference(one: np.ndarray, other: np.ndarray) -> float:
    """Xue et al. 2014, equations 1 to 6, for levels of 0 to 255, with loops in place of filters."""
    magnitudes = []
    for picture in (one, other):
        rows, columns = picture.shape[0] // 2, picture.shape[1] // 2
        half = np.array(
            [[picture[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(columns)] for i in range(rows)]
        )
        prewitt = np.array([[1, 0, -1]] * 3) / 3
        magnitudes.append(
            [
                [
                    np.hypot(
                        (half[i : i + 3, j : j + 3] * prewitt).sum(), (half[i : i + 3, j : j + 3] * prewitt.T).sum()
                    )
                    for j in range(columns - 2)
                ]
                for i in range(rows - 2)
            ]
        )
    first, second = np.array(magnitudes)
    similarity = (2 * first * second + 170) / (first**2 + second**2 + 170)
    return float(np.sqrt(((similarity - similarity.mean()) ** 2).mean()))
