"""BlazeFace: where the best face of a picture is, and how sure the network is of it.

A single-shot detector: at each anchor, a fixed point of a coarse grid, the network gives a logit and sixteen numbers in
pixels of its input: the centre of a box from the anchor, its size, and six points from the anchor (right eye, left eye,
nose, mouth, right and left ear; right and left are the person's own). MediaPipe trained two of them: "full range" for
faces that are a small part of the picture, "short range" for those that fill it.

Source: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", sections 3 and 4; the
anchors and thresholds are those MediaPipe publishes with the two networks.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simulacra.measures.face_network import network, sigmoid
from simulacra.measures.face_window import Points, Window, look, whole

OVERLAP = 0.3
"""Intersection over union above which two boxes are taken for the same face."""

WEIGHTS = "face-detection"


@dataclass(frozen=True)
class Model:
    """One of the two detectors."""

    file: str
    grids: tuple[tuple[int, int], ...]  # cells along a side, anchors a cell
    threshold: float  # the score from which a box counts as a face, as published with the network


FULL_RANGE = Model("face_detection_full_range.tflite", ((48, 1),), 0.6)
SHORT_RANGE = Model("face_detection_short_range.tflite", ((16, 2), (8, 6)), 0.5)


@dataclass(frozen=True)
class Detection:
    """The best box of a picture; whether its score makes it a face is the caller's question."""

    score: float  # in (0, 1)
    centre: complex  # px
    side: float  # the longer side of the box, px
    right_eye: complex  # px; the person's own right
    left_eye: complex

    def window(self, scale: float) -> Window:
        """The square around the box, `scale` times as long, turned so that the eyes are level."""
        eyes = self.left_eye - self.right_eye
        direction = eyes / abs(eyes) if eyes else 1.0
        return Window(self.centre, scale * self.side * direction)


def detect(picture: Tensor, model: Model) -> Detection:
    """The best-scored box of a picture, blended from all boxes that mean the same face.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1]; shown to the network whole, undistorted, on black.
        model: which of the two networks.

    Raises:
        MissingExtra, MissingWeights: the network cannot run here; the message says what to type.
    """
    net = network(WEIGHTS, model.file)
    window = whole(picture)
    logits, values = net(look(picture, window, net.size) * 2 - 1)
    scores = sigmoid(logits)  # (anchors,)
    best = int(scores.argmax())
    # Boxes too weak to count alone have no say in the blend either; the best one always has.
    strong = np.flatnonzero(scores >= min(model.threshold, scores[best]))
    offsets = values.reshape(-1, 8, 2)[strong] / net.size  # (strong, pair, xy), in windows
    pairs: Points = offsets[..., 0] + 1j * offsets[..., 1]  # (strong, 8): centre, size, six points
    pairs[:, [0, 2, 3]] += _anchors(model)[strong, None]

    same = _overlaps(pairs, pairs[strong == best][0]) > OVERLAP
    same |= strong == best  # even a box of no area
    votes = scores[strong][same]
    blend = (votes[:, None] * pairs[same]).sum(0) / votes.sum()

    centre, right_eye, left_eye = (complex(point) for point in window.outward(blend[[0, 2, 3]]))
    side = max(blend[1].real, blend[1].imag) * abs(window.edge)
    return Detection(float(scores[best]), centre, float(side), right_eye, left_eye)


@cache
def _anchors(model: Model) -> Points:
    """Anchors in the order of the network's outputs: grid by grid, row by row, those of a cell together."""
    grids = []
    for cells, anchors in model.grids:
        middles = (np.arange(cells) + 0.5) / cells
        grids.append(np.repeat((middles[None, :] + 1j * middles[:, None]).ravel(), anchors))
    return np.concatenate(grids)


def _overlaps(pairs: Points, other: Points) -> NDArray[np.float64]:
    """Intersection over union of each box with another one; a box is its centre, its size and what follows."""
    low, high = pairs[:, 0] - pairs[:, 1] / 2, pairs[:, 0] + pairs[:, 1] / 2
    other_low, other_high = other[0] - other[1] / 2, other[0] + other[1] / 2
    across = np.minimum(high.real, other_high.real) - np.maximum(low.real, other_low.real)
    down = np.minimum(high.imag, other_high.imag) - np.maximum(low.imag, other_low.imag)
    shared = np.maximum(across, 0) * np.maximum(down, 0)
    areas = pairs[:, 1].real * pairs[:, 1].imag + other[1].real * other[1].imag
    ratios: NDArray[np.float64] = shared / np.maximum(areas - shared, np.finfo(np.float64).tiny)
    return ratios
