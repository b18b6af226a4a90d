"""MediaPipe Face Mesh: 468 points on a face, and how sure the network is that there is one.

The network looks at a square window whose eyes are level and which is 1.5 times the face. The detector's window is only
roughly that, and the points depend a little on the window; so the window is laid again around the points it gave, some
rounds, as MediaPipe's tracker does from one film frame to the next. The rounds settle: after them the astronaut's brow
height, started from windows that differ by some pixels, agrees to about a thousandth of the distance between the eyes.

Source: Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs".
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from simulacra.measures.face_network import network, sigmoid
from simulacra.measures.face_window import Points, Window, look

POINTS = 468
THRESHOLD = 0.5
"""The presence from which MediaPipe's tracker believes in a face; each round must reach it."""

SCALE = 1.5
"""Window over face, as the network was trained."""

ROUNDS = 4

WEIGHTS, FILE = "face-mesh", "face_landmark.tflite"

RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263
"""The outer corners; right and left are the person's own."""


@dataclass(frozen=True)
class Mesh:
    """The points of one face."""

    presence: float  # the lowest of the rounds, in (0, 1)
    points: Points | None  # (468,), px of the picture; None when the network sees no face


def trace(picture: Tensor, window: Window) -> Mesh:
    """Lay the mesh on the face in a window.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        window: around the face, eyes level.

    Raises:
        MissingExtra, MissingWeights: the network cannot run here; the message says what to type.
    """
    net = network(WEIGHTS, FILE)
    presence = 1.0
    for _ in range(ROUNDS):
        logits, values = net(look(picture, window, net.size))
        presence = min(presence, float(sigmoid(logits)[0]))
        if presence < THRESHOLD:
            return Mesh(presence, None)
        x, y, _depth = values.reshape(POINTS, 3).T / net.size
        points = window.outward(x + 1j * y)
        window = _around(points)
    return Mesh(presence, points)


def _around(points: Points) -> Window:
    """The window around a mesh: eyes level, `SCALE` times the longer side of the upright box of the points."""
    eyes = points[LEFT_EYE_CORNER] - points[RIGHT_EYE_CORNER]
    direction = eyes / abs(eyes) if eyes else 1.0
    upright = points / direction
    lengths = np.ptp(upright.real), np.ptp(upright.imag)
    middle = complex(upright.real.min() + lengths[0] / 2, upright.imag.min() + lengths[1] / 2)
    return Window(complex(middle * direction), complex(SCALE * max(lengths) * direction))
