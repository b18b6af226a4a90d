import numpy as np
import pytest
import torch

from simulacra.measures.face_window import Window, look, similarity, whole


def ramp(width: int, height: int) -> torch.Tensor:
    """A picture whose red is the x of each pixel's centre and whose green is its y, in px."""
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([columns, rows, torch.ones_like(rows)])[None]


def test_outward_and_inward_are_inverse() -> None:
    window = Window(3 + 4j, 2 - 5j)
    points = np.array([0, 1, 1j, 0.3 + 0.8j])
    np.testing.assert_allclose(window.inward(window.outward(points)), points, atol=1e-12)  # rounding of doubles


@pytest.mark.parametrize("edge", [30, 30j, 20 + 15j, -12 + 5j])
def test_a_window_shows_the_points_it_says(edge: complex) -> None:
    # Bilinear sampling repeats a linear ramp exactly; 1e-3 px is float32 over 100 px.
    window = Window(50.3 + 41.7j, edge)
    seen = look(ramp(100, 80), window, 12)[0].double().numpy()
    inside = (np.arange(12) + 0.5) / 12
    expected = window.outward(inside[None, :] + 1j * inside[:, None])
    np.testing.assert_allclose(seen[0] + 1j * seen[1], expected, atol=1e-3)


def test_a_shrunken_view_averages_and_stays_in_place() -> None:
    # Blocks of a ramp average to the ramp at their middles, so a shrinking window shows the same points.
    window = Window(200 + 150j, 160)
    seen = look(ramp(400, 300), window, 20)[0, 0, 0].double().numpy()
    np.testing.assert_allclose(seen, 120 + 160 * (np.arange(20) + 0.5) / 20, atol=1e-3)
    stripes = torch.zeros(1, 3, 300, 400)
    stripes[..., ::2] = 1
    assert look(stripes, window, 20).std() < 1e-6  # stripes finer than the view blend into grey, without moire


def test_outside_the_picture_is_black() -> None:
    white = torch.ones(1, 3, 20, 30)
    assert look(white, Window(-100 - 100j, 10), 4).abs().max() == 0
    letterbox = look(white, whole(white), 30)[0, 0]
    assert (letterbox[5:25] == 1).all()
    assert letterbox[:4].abs().max() == 0


def test_similarity_is_found_exactly() -> None:
    points = np.array([0, 1, 1 + 2j, -3 + 0.5j])
    factor, shift = similarity(points, (0.6 - 1.1j) * points + (4 + 9j))
    assert factor == pytest.approx(0.6 - 1.1j, abs=1e-12)
    assert shift == pytest.approx(4 + 9j, abs=1e-12)


def test_similarity_does_not_mirror() -> None:
    points = np.array([0, 1, 1j])
    factor, shift = similarity(points, np.conj(points))
    assert np.abs(factor * points + shift - np.conj(points)).max() > 0.3
