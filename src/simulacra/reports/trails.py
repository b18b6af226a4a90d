"""Where the points of a face go: brows, eyes and mouth through the chain, drawn over frame 0."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulacra.copying.result import Chain, CopyResult
from simulacra.errors import UserError
from simulacra.images.pixels import to_picture
from simulacra.measures.contract import Channel, Undefined
from simulacra.measures.face_shape import SIDES
from simulacra.registry import registry
from simulacra.reports.pictures import evenly, fitted, webp_bytes
from simulacra.reports.subjects import number_at
from simulacra.reports.words import FACE

MOUTH = (61, 0, 291, 17)
"""Mesh points of the mouth: right corner, middle of the upper lip, left corner, middle of the lower lip.

Source: Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs".
"""

TRACED = (*(point for side in SIDES for point in (*side.brow, *side.corners, side.lid[1])), *MOUTH)
"""Mesh points that leave a trail."""

MOST_FRAMES = 48
"""Frames a face is looked for in, evenly over those that have one; each takes a network some 25 ms."""

COLOURS = ("#fff3d6", "#ffdf9e", "#ffc163", "#ff9c3d", "#f26a1b", "#c93a08")
"""Of the stages of a trail, from frame 0, pale, to the last face."""

MARGIN = 0.35
"""What is shown around the points, as a share of their extent."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One stretch of time in all trails."""

    colour: str
    d: str  # an SVG path


@dataclass(frozen=True)
class Trails:
    """The trails of one chain, in pixels of frame 0."""

    picture: str  # frame 0 as WebP, base64
    size: tuple[int, int]  # width and height of frame 0
    box: tuple[float, float, float, float]  # what is shown of it: left, top, width, height
    stages: tuple[Stage, ...]  # from frame 0 on
    copies: tuple[int, ...]  # the frames that were traced
    places: tuple[tuple[float, ...], ...]  # of each: x and y of every point in turn


def trails(result: CopyResult, chain: Chain) -> Trails | Undefined | None:
    """Trace the face of a chain through its frames, with the networks of the face channel.

    Returns:
        The trails; why there are none; or None where frame 0 has no face or nobody looked for one.
    """
    present = [number_at(chain, "frame", FACE, frame.index) == 1 for frame in chain.frames]
    if not present[0]:
        return None
    with_face = [index for index, there in enumerate(present) if there]
    chosen = [with_face[place] for place in evenly(len(with_face), MOST_FRAMES)]
    try:
        points = _traced(result, chain, chosen) if len(chosen) > 1 else {}
    except UserError as error:  # a missing extra, missing weights
        return Undefined(str(error))
    if len(points) < 2 or 0 not in points:
        return Undefined("the face is lost before it leaves a trail")
    return _drawn(result, chain, points, present)


def _traced(result: CopyResult, chain: Chain, frames: Sequence[int]) -> dict[int, Points]:
    """The points of each frame whose face the networks find, shape (points, 2), px."""
    channel: Channel = registry("measure")["face"]()
    if reason := channel.unavailable():
        raise UserError(reason)
    found = {}
    for index in frames:
        mesh = channel.prepare(to_picture(result.frame_pixels(chain.frames[index])))["points"][0, list(TRACED)]
        if bool(mesh.isfinite().all()):
            found[index] = mesh.numpy()
    return found


def _drawn(result: CopyResult, chain: Chain, points: Mapping[int, Points], present: Sequence[bool]) -> Trails:
    origin = Image.fromarray(result.frame_pixels(chain.frames[0]))
    return Trails(
        picture=b64encode(webp_bytes(fitted(origin, 768, 768), 85)).decode(),
        size=origin.size,
        box=_box(points, origin.size),
        stages=_stages(points, present),
        copies=tuple(points),
        places=tuple(tuple(round(float(value), 1) for value in mesh.flat) for mesh in points.values()),
    )


def _box(points: Mapping[int, Points], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The part of frame 0 that holds every trail with a margin, within the picture."""
    every = np.concatenate(list(points.values()))
    low, high = every.min(0), every.max(0)
    margin = MARGIN * (high - low).max()
    left, top = np.floor(np.clip(low - margin, 0, size))
    right, bottom = np.ceil(np.clip(high + margin, 0, size))
    return float(left), float(top), float(right - left), float(bottom - top)


def _stages(points: Mapping[int, Points], present: Sequence[bool]) -> tuple[Stage, ...]:
    """The trails cut into stages of about equal numbers of steps; no line crosses a frame without a face."""
    paths: dict[str, str] = {}
    steps = list(pairwise(points))
    for number, (one, other) in enumerate(steps, 1):
        if all(present[one:other]):
            colour = COLOURS[ceil(number * len(COLOURS) / len(steps)) - 1]
            paths[colour] = paths.get(colour, "") + "".join(
                f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
                for (x0, y0), (x1, y1) in zip(points[one], points[other], strict=True)
            )
    return tuple(Stage(colour, path) for colour, path in paths.items())
