import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulacra.measures.face_mesh import POINTS
from simulacra.measures.face_shape import (
    FACE_CHIN,
    FACE_LEFT,
    FACE_RIGHT,
    FACE_TOP,
    LEFT,
    RIGHT,
    eye_vector,
    from_eye_frame,
    in_eye_frame,
    landmark_distance,
    lid_height,
    width_to_height,
)
from simulacra.measures.face_window import Points


def some_face(seed: int = 7) -> Points:
    """Points strewn at random, with the corners of two eyes laid out around 100 + 90j, 40 px apart, level."""
    rng = np.random.default_rng(seed)
    points = rng.normal(100, 50, POINTS) + 1j * rng.normal(90, 50, POINTS)
    points[[*RIGHT.corners]] = 72 + 90j, 88 + 90j
    points[[*LEFT.corners]] = 128 + 90j, 112 + 90j
    return points


def test_the_frame_of_the_eyes_by_hand() -> None:
    points = some_face()
    points[0] = 120 + 70j  # half an eye distance to the person's left, half an eye distance up
    assert eye_vector(points) == 40
    assert in_eye_frame(points)[0] == pytest.approx(0.5 + 0.5j)
    place, vector = from_eye_frame(0.5 + 0.5j, points)
    assert place == pytest.approx(120 + 70j)
    assert vector == 40


@given(size=st.floats(0.1, 10), turn=st.floats(-np.pi, np.pi), across=st.floats(-1e3, 1e3), down=st.floats(-1e3, 1e3))
def test_place_size_and_turn_drop_out(size: float, turn: float, across: float, down: float) -> None:
    points = some_face()
    moved = size * np.exp(1j * turn) * points + complex(across, down)
    # Doubles of up to 1e3 px divided by eye distances from 4 px on lose at most 1e-9.
    np.testing.assert_allclose(in_eye_frame(moved), in_eye_frame(points), atol=1e-9)
    assert landmark_distance(moved, points) == pytest.approx(0, abs=1e-9)
    assert lid_height(moved) == pytest.approx(lid_height(points), abs=1e-9)
    assert width_to_height(moved) == pytest.approx(width_to_height(points), rel=1e-9)


def test_equal_faces_differ_by_exactly_nothing() -> None:
    # Without care about one random face in five comes out at 1e-17.
    assert {landmark_distance(some_face(seed), some_face(seed)) for seed in range(50)} == {0.0}


def test_landmark_distance_by_hand() -> None:
    # On a circle a wave of the third order is orthogonal to shift, turn and scale and moves every point by its height;
    # what the fit can do against it is of the second order in that height.
    circle = np.exp(2j * np.pi * np.arange(POINTS) / POINTS)
    height = 1e-3
    distance = landmark_distance(100 * (circle + height * circle**3), 100 * circle)
    assert distance == pytest.approx(height / abs(eye_vector(circle)), rel=2 * height)


def test_width_to_height_by_hand() -> None:
    points = some_face()
    points[[FACE_RIGHT, FACE_LEFT, FACE_TOP, FACE_CHIN]] = 60 + 100j, 140 + 100j, 100 + 40j, 100 + 140j
    assert width_to_height(points) == pytest.approx(0.8)
