import numpy as np
import pytest

from simulacra.errors import UserError
from simulacra.sets.align import cut_out, four_points, square_around

from .conftest import noise

# An upright face by hand: eyes 32 px apart and 20 px above the mouth. x' = (32, 0), y' = (0, -20), so s = max(4 * 32,
# 3.6 * 20) = 128, and the centre lies a tenth of 20 px below the eyes.
EYES_AND_MOUTH = np.array([[84.0, 98.0], [116.0, 98.0], [90.0, 118.0], [110.0, 118.0]])
CENTRE, SIDE = (100.0, 100.0), 128


def test_the_square_is_the_papers() -> None:
    centre, right, down = square_around(EYES_AND_MOUTH)
    assert centre == pytest.approx(CENTRE)
    assert right == pytest.approx([64, 0])
    assert down == pytest.approx([0, 64])


def test_a_long_face_is_measured_by_its_length() -> None:
    # 60 px from eyes to mouth: 3.6 * 60 = 216 is more than 128.
    _, right, _ = square_around(EYES_AND_MOUTH + np.array([[0, 0], [0, 0], [0, 40], [0, 40]]))
    assert 2 * np.linalg.norm(right) == pytest.approx(216)


def test_a_square_on_the_grid_is_an_exact_crop() -> None:
    pixels = noise(1, 200, 210, 3)[0]
    assert np.array_equal(cut_out(pixels, EYES_AND_MOUTH, SIDE, "x"), pixels[36:164, 36:164])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_comes_out_upright(turns: int) -> None:
    pixels = noise(1, 200, 200, 3)[0]
    points = EYES_AND_MOUTH
    for _ in range(turns):  # a quarter turn against the clock takes (x, y) to (y, W - x)
        points = np.stack([points[:, 1], 200 - points[:, 0]], axis=1)
    assert np.array_equal(cut_out(np.rot90(pixels, turns), points, SIDE, "x"), pixels[36:164, 36:164])


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_shrinking_takes_the_mean_of_all_pixels(factor: int) -> None:
    pixels = noise(1, 200, 200, 3)[0]
    blocks = pixels[36:164, 36:164].reshape(SIDE // factor, factor, SIDE // factor, factor, 3).mean(axis=(1, 3))
    # Rounded to 8 bits.
    assert np.abs(cut_out(pixels, EYES_AND_MOUTH, SIDE // factor, "x") - blocks).max() <= 0.5


def test_a_slope_keeps_its_direction_at_any_angle() -> None:
    # x + 2y as brightness, face leant by 30 degrees: along the face's own axes the slope is the rotated one.
    y, x = np.mgrid[:200, :200]
    pixels = np.repeat((0.3 * (x + 2 * y))[..., None], 3, axis=-1).round().astype(np.uint8)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    leant = (EYES_AND_MOUTH - CENTRE) @ turn.T + CENTRE
    found = cut_out(pixels, leant, 64, "x").astype(float)[8:-8, 8:-8, 0]
    down, right = (np.diff(found, axis=axis).mean() for axis in (0, 1))
    expected = 0.3 * 2 * np.array([1, 2]) @ turn  # two pixels of the source in one of the result
    assert (right, down) == pytest.approx(expected, abs=0.01)  # the ends of 48 px are rounded to 8 bits: 1 / 48 / 2


def test_beyond_the_border_lies_the_mirror_image() -> None:
    pixels = noise(1, 200, 200, 3)[0]
    moved = cut_out(pixels, EYES_AND_MOUTH - [60, 0], SIDE, "x")  # 24 px beyond the left border
    assert np.array_equal(moved[:, 24:], pixels[36:164, :104])
    assert np.array_equal(moved[:, :24], pixels[36:164, 23::-1][:, :24])


def test_schemes_of_landmarks_agree() -> None:
    of_68 = np.full((68, 2), np.nan)
    of_68[:] = 0
    of_68[36:42] = EYES_AND_MOUTH[0] + noise(1, 3, 2)[0].astype(float).repeat(2, axis=0) * np.array([[1], [-1]] * 3)
    of_68[42:48] = EYES_AND_MOUTH[1]
    of_68[48], of_68[54] = EYES_AND_MOUTH[2], EYES_AND_MOUTH[3]
    of_5 = np.insert(EYES_AND_MOUTH, 2, [100, 108], axis=0)
    for points in (EYES_AND_MOUTH, of_5, of_68):
        assert four_points(points.tolist(), "x") == pytest.approx(EYES_AND_MOUTH)


@pytest.mark.parametrize("points", [[[1, 2]] * 3, "eyes", [[1, 2], [3]], [[float("nan"), 1]] * 4, None])
def test_what_is_no_face_is_told(points: object) -> None:
    with pytest.raises(UserError, match=r"the landmarks of a\.png are no list of 4, 5 or 68 points"):
        four_points(points, "a.png")


def test_a_face_without_width_is_told() -> None:
    with pytest.raises(UserError, match=r"the eyes of a\.png are in one place"):
        four_points([[5, 5]] * 4, "a.png")


def test_landmarks_of_another_file_are_told() -> None:
    with pytest.raises(
        UserError, match=r"the landmarks of a\.png lie far outside its 40x30 px; they belong to another"
    ):
        cut_out(noise(1, 30, 40, 3)[0], EYES_AND_MOUTH, 64, "a.png")
