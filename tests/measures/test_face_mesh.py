import numpy as np
import torch
from numpy.typing import NDArray

from simulacra.images.pixels import to_picture
from simulacra.measures.face_detector import FULL_RANGE, detect
from simulacra.measures.face_mesh import LEFT_EYE_CORNER, POINTS, RIGHT_EYE_CORNER, SCALE, trace
from simulacra.measures.face_shape import eye_vector
from simulacra.measures.face_window import Window

# Outer eye corners and the base of the nose of the 512 px astronaut, read off the picture by eye, to about 2 px.
RIGHT_CORNER, LEFT_CORNER, NOSE_BASE = 194 + 101j, 256 + 104j, 223 + 133j


def test_lays_the_mesh_on_the_astronaut(astronaut: NDArray[np.uint8]) -> None:
    picture = to_picture(astronaut.copy())
    mesh = trace(picture, detect(picture, FULL_RANGE).window(SCALE))
    assert mesh.presence > 0.99
    assert mesh.points is not None
    assert mesh.points.shape == (POINTS,)
    for index, place in ((RIGHT_EYE_CORNER, RIGHT_CORNER), (LEFT_EYE_CORNER, LEFT_CORNER), (2, NOSE_BASE)):
        assert abs(mesh.points[index] - place) < 4  # a tenth of the distance between the eyes


def test_the_rounds_forget_the_first_window(astronaut: NDArray[np.uint8]) -> None:
    picture = to_picture(astronaut.copy())
    window = detect(picture, FULL_RANGE).window(SCALE)
    points = trace(picture, window).points
    moved = trace(picture, Window(window.centre + 6 - 4j, window.edge * np.exp(0.08j))).points
    assert points is not None
    assert moved is not None
    # A shift of 0.17 eye distances and a turn of 5 degrees are forgotten to a hundredth of an eye distance.
    assert np.abs(points - moved).mean() / abs(eye_vector(points)) < 0.01


def test_sees_no_face_in_a_wall() -> None:
    mesh = trace(torch.full((1, 3, 200, 200), 0.5), Window(100 + 100j, 150))
    assert mesh.points is None
    assert mesh.presence < 0.5
