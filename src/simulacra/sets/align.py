"""Cutting a face out of a photograph by its landmarks, upright and at one scale, as FFHQ and CelebA-HQ were made.

Source: Karras et al. 2018, "Progressive Growing of GANs", appendix C. With e0, e1 the eyes and m0, m1 the corners of
the mouth:

    x' = e1 - e0,  y' = (e0 + e1) / 2 - (m0 + m1) / 2,  c = (e0 + e1) / 2 - 0.1 y'
    s = max(4 |x'|, 3.6 |y'|),  x = normalise(x' - rotate90(y')),  y = rotate90(x)

the square has centre c, side s and axes x and y.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels

Points = NDArray[np.float64]
"""Landmarks of one face, (x, y) in pixels from the top left corner: (4, 2), the eyes and the corners of the mouth."""

SAMPLING = "bicubic samples no further apart than pixels, and their means"
"""What stands for the resize filter in a set of faces that were cut out."""

_OF_68 = (slice(36, 42), slice(42, 48), slice(48, 49), slice(54, 55))
_OF_5 = (slice(0, 1), slice(1, 2), slice(3, 4), slice(4, 5))
_OF_4 = (slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 4))
_SCHEMES = {68: _OF_68, 5: _OF_5, 4: _OF_4}
"""Points of the eyes and of the corners of the mouth, by how many points a scheme has."""


def four_points(points: Any, name: str) -> Points:
    """Left eye, right eye, left and right corner of the mouth, as seen in the picture, from a scheme of landmarks.

    Args:
        points: shape (68, 2), iBUG's order; (5, 2), eyes, nose, mouth; or (4, 2). Pixels from the top left corner.
        name: the picture, for messages.

    Returns:
        Shape (4, 2), float64.

    Raises:
        UserError: the points are not of a scheme, not finite, or all but one place.
    """
    try:
        array = np.array(points, dtype=np.float64)
    except (ValueError, TypeError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) not in _SCHEMES or not np.isfinite(array).all():
        raise UserError(
            f"the landmarks of {name} are no list of 4, 5 or 68 points [x, y]; "
            "give the eyes and the corners of the mouth"
        )
    four = np.stack([array[part].mean(axis=0) for part in _SCHEMES[len(array)]])
    if np.linalg.norm(four[1] - four[0]) < 1:
        raise UserError(f"the eyes of {name} are in one place, so the face has no scale; mend its landmarks")
    return four


def square_around(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre c, and half the sides of the square as vectors: to the right of the face, and downwards.

    Args:
        points: shape (4, 2), as `four_points` gives them.
    """
    eyes, mouth = points[:2].mean(axis=0), points[2:].mean(axis=0)
    across, up = points[1] - points[0], eyes - mouth
    # In pixels y points down, so the quarter turn that takes `up` to the left of the face is (x, y) -> (y, -x).
    axis = across - np.array([up[1], -up[0]])
    axis /= np.linalg.norm(axis)
    side = max(4.0 * np.linalg.norm(across), 3.6 * np.linalg.norm(up))
    right = axis * side / 2
    return eyes - 0.1 * up, right, np.array([-right[1], right[0]])


def cut_out(pixels: Pixels, points: Points, resolution: int, name: str) -> Pixels:
    """The face in its square, resampled to `resolution` pixels a side.

    Beyond the border of the picture its mirror image is taken.

    Args:
        pixels: shape (H, W, C), uint8.
        points: shape (4, 2), as `four_points` gives them.
        resolution: of the result in pixels.
        name: the picture, for messages.

    Returns:
        Shape (resolution, resolution, C), uint8.

    Raises:
        UserError: a point is further outside the picture than the picture is wide or high.
    """
    size = np.array(pixels.shape[1::-1])  # width, height
    if (points < -size).any() or (points > 2 * size).any():
        raise UserError(
            f"the landmarks of {name} lie far outside its {size[0]}x{size[1]} px; they belong to another file"
        )
    centre, right, down = square_around(points)
    corners = np.stack([centre + a * right + b * down for a in (-1, 1) for b in (-1, 1)])
    # A margin of one pixel for the interpolation between neighbours.
    first = np.floor(corners.min(axis=0)).astype(int) - 1
    last = np.ceil(corners.max(axis=0)).astype(int) + 1
    patch = _with_mirror(pixels, first, last)

    # As many samples along a pixel of the result as it takes for them to lie no further apart than those of the source.
    finer = max(1, int(np.ceil(2 * float(np.linalg.norm(right)) / resolution - 1e-9)))
    samples = resolution * finer
    origin = centre - right - down - first
    x, y = 2 * right / samples, 2 * down / samples
    # Pillow adds half a pixel itself: sample (i, j) is taken at x (i + 1/2) + y (j + 1/2) + origin.
    coefficients = (x[0], y[0], origin[0], x[1], y[1], origin[1])
    image = Image.fromarray(patch).transform(
        (samples, samples), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC
    )
    return np.asarray(image.reduce(finer) if finer > 1 else image)


def _with_mirror(pixels: Pixels, first: NDArray[np.int_], last: NDArray[np.int_]) -> Pixels:
    """The pixels from `first` (x, y) up to `last`, reflected at the border as often as it takes."""
    rows, columns = (_reflected(np.arange(first[axis], last[axis]), pixels.shape[1 - axis]) for axis in (1, 0))
    return np.ascontiguousarray(pixels[rows][:, columns])


def _reflected(places: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    period = places % (2 * length)
    return np.where(period < length, period, 2 * length - 1 - period)
