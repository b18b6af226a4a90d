"""What a face mesh says of the shape of a face, and the frame of the eyes in which the rest of the channel looks.

In that frame the middle between the eyes is the origin, the line through their corners is level, up is positive, and
the unit is one eye distance, from the middle of one eye to the middle of the other. Size, place and tilt of the head in
the picture thus drop out. Right and left are the person's own.
"""

from typing import NamedTuple

import numpy as np

from simulacra.measures.face_window import Points, similarity


class Side(NamedTuple):
    """Mesh points of one half of a face."""

    corners: tuple[int, int]  # of the eye: outer, inner
    lid: tuple[int, ...]  # middle of the upper lid's edge
    brow: tuple[int, ...]  # its lower row, from the outer end to the inner
    outward: float  # the direction of the ear in the frame of the eyes
    cheek: tuple[int, ...]  # corners of a triangle on the cheek, below the eye and beside the nose


RIGHT = Side((33, 133), (160, 159, 158), (46, 53, 52, 65, 55), -1, (50, 101, 205))
LEFT = Side((263, 362), (387, 386, 385), (276, 283, 282, 295, 285), 1, (280, 330, 425))
SIDES = (RIGHT, LEFT)

FACE_RIGHT, FACE_LEFT, FACE_TOP, FACE_CHIN = 234, 454, 10, 152


def eye_vector(points: Points) -> complex:
    """From the middle of the right eye to the middle of the left one; its length is the eye distance.

    The middles are those of the corners: lids and irises move, corners hardly.
    """
    right, left = (points[list(side.corners)].mean() for side in SIDES)
    return complex(left - right)


def in_eye_frame(points: Points) -> Points:
    """Points in eye distances from the middle between the eyes; real towards the person's left, imaginary up."""
    upright: Points = np.conj((points - _between_eyes(points)) / eye_vector(points))  # pictures count downwards
    return upright


def from_eye_frame(place: complex, points: Points) -> tuple[complex, complex]:
    """A place in the frame of the eyes as a point of the picture, px, and the eye vector there."""
    vector = eye_vector(points)
    return _between_eyes(points) + place.conjugate() * vector, vector


def lid_height(points: Points) -> float:
    """Height of the middle of the upper lids above the line of the eye corners, eye distances."""
    framed = in_eye_frame(points)
    return float(np.mean([framed[list(side.lid)].imag.mean() for side in SIDES]))


def width_to_height(points: Points) -> float:
    """Width of the face, ear side to ear side, over its height, hairline to chin."""
    width = abs(points[FACE_LEFT] - points[FACE_RIGHT])
    return float(width / abs(points[FACE_CHIN] - points[FACE_TOP]))


def landmark_distance(points: Points, reference: Points) -> float:
    """Mean distance of the points after the best similarity onto the reference, eye distances of the reference.

    Source: Goodall 1991, "Procrustes methods in the statistical analysis of shape".
    """
    if np.array_equal(points, reference):
        return 0.0  # the fit would be good to rounding only, and equal faces differ by exactly nothing
    factor, shift = similarity(points, reference)
    return float(np.abs(factor * points + shift - reference).mean() / abs(eye_vector(reference)))


def _between_eyes(points: Points) -> complex:
    return complex(points[[*RIGHT.corners, *LEFT.corners]].mean())
