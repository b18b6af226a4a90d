"""Brows, measured on the picture itself: the dark ridge over each eye, near the place where the mesh expects it.

The mesh alone will not do: it knows what faces look like and gives a raised brow only a quarter of its rise. So it says
where to look, and the pixels say where the brow is. The frame is that of the eyes (`face_shape.in_eye_frame`), lengths
are in eye distances. In each column over the eye the brow is the place that is darkest against the lighter skin both
above and below it; a fringe of hair, dark up to the edge of the band, has no skin above it and does not count.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.images.colour import srgb_to_lab
from simulacra.measures.face_shape import SIDES, Side, from_eye_frame, in_eye_frame, lid_height
from simulacra.measures.face_window import Points, Window, look

REACH = (0.28, 0.76)
"""Columns over each eye: from here to there sideways from the middle of the face, eye distances; the eye is at 0.5."""

PROMINENCE = 3.0
"""How much darker than the skin on both sides a brow must be, in L*."""

_SIZE = 96  # samples along a side of the window on one brow
_MIDDLE = 0.5 + 0.35j  # of that window, whose side is one eye distance
_LID_SHARE = 0.35  # the band starts this far from the lid to the expected place, which keeps out the crease of the lid
_ABOVE = 0.25  # and ends this far above the expected place, eye distances
_SPREAD = 0.12  # standard deviation of the true place around the expected one, eye distances
_GAP = 0.03  # between a brow and the skin it is compared with, eye distances: single hairs and blur
_BESIDE = 0.06  # height of that strip of skin, above and below, eye distances

_AXIS = (np.arange(_SIZE) + 0.5) / _SIZE - 0.5
_SIDEWAYS = _AXIS + _MIDDLE.real
_UPWARDS = _MIDDLE.imag - _AXIS
_USED = np.abs(_SIDEWAYS - sum(REACH) / 2) <= (REACH[1] - REACH[0]) / 2

COLUMNS = int(_USED.sum())


def trace_brows(picture: Tensor, points: Points) -> Tensor:
    """Height, thickness and darkness of both brows, column by column.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        points: the mesh, 468 points of the picture, px.

    Returns:
        Shape (2, 3, COLUMNS), float64: side (right, left); height above the eye corners, thickness, and how much darker
        than the skin in L*; columns from the inner end outwards, NaN where nothing stands out.
    """
    return torch.from_numpy(np.stack([_trace_side(picture, points, side) for side in SIDES]))


def brow_height(brows: Tensor) -> float | None:
    """Median height of the brows above the line through the eye corners, eye distances; None where they do not show."""
    return _mean_of_sides(brows, 0)


def brow_thickness(brows: Tensor) -> float | None:
    """Median thickness of the brows, eye distances; None where they do not show."""
    return _mean_of_sides(brows, 1)


def brow_darkness(brows: Tensor) -> float | None:
    """How much darker the brows are than the skin beside them, L*; None where they do not show."""
    darkness = _mean_of_sides(brows, 2)
    return None if darkness is None or np.isnan(darkness) else darkness  # a brow may fill the band and leave no skin


def brow_eye_gap(brows: Tensor, points: Points) -> float | None:
    """Median height of the brows above the middle of the upper lids, eye distances; None where they do not show."""
    height = brow_height(brows)
    return None if height is None else height - lid_height(points)


def brow_tilt(brows: Tensor) -> float | None:
    """Slope from the inner to the outer third of the brows, degrees, positive where the outer one is the higher."""
    if not visible(brows):
        return None
    third = COLUMNS // 3
    inner, outer = brows[:, 0, :third].nanmedian(dim=1).values, brows[:, 0, -third:].nanmedian(dim=1).values  # (2,)
    run = float(_SIDEWAYS[_USED][-third:].mean() - _SIDEWAYS[_USED][:third].mean())
    tilt = float(torch.atan2(outer - inner, torch.tensor(run)).rad2deg().mean())
    return tilt if np.isfinite(tilt) else None  # a third may be hidden where the whole is not


def brow_change(brows: Tensor, reference: Tensor) -> float | None:
    """Mean difference of the brows' heights in the columns where both show, eye distances."""
    if not (visible(brows) and visible(reference)):
        return None
    change = float((brows[:, 0] - reference[:, 0]).abs().nanmean())
    return change if np.isfinite(change) else None


def brow_rise(brows: Tensor, reference: Tensor) -> float | None:
    """How much higher the brows are than they were, eye distances; negative when they came down."""
    now, before = brow_height(brows), brow_height(reference)
    return None if now is None or before is None else now - before


def visible(brows: Tensor) -> bool:
    """Whether both brows show in at least half of their columns."""
    return bool((brows[:, 0].isfinite().double().mean(dim=1) >= 0.5).all())


def _mean_of_sides(brows: Tensor, row: int) -> float | None:
    return float(brows[:, row].nanmedian(dim=1).values.mean()) if visible(brows) else None


def _trace_side(picture: Tensor, points: Points, side: Side) -> NDArray[np.float64]:
    """Height, thickness and darkness of one brow, shape (3, COLUMNS)."""
    framed = in_eye_frame(points)
    outward = framed.real * side.outward + 1j * framed.imag  # both sides as if they were the left one
    row = np.sort_complex(outward[list(side.brow)])  # from the inner end outwards
    expected = np.interp(_SIDEWAYS[_USED], row.real, row.imag)  # (columns,)
    lid = outward[list(side.lid)].imag.mean()

    middle, edge = from_eye_frame(complex(side.outward * _MIDDLE.real, _MIDDLE.imag), points)
    patch = look(picture, Window(middle, edge), _SIZE)
    lightness = srgb_to_lab(patch.double())[0, 0].numpy()  # (rows, columns), upper row first
    lightness = (lightness if side.outward > 0 else lightness[:, ::-1])[:, _USED]

    height = _UPWARDS[:, None]
    band = (height > lid + _LID_SHARE * (expected - lid)) & (height < expected + _ABOVE)  # (rows, columns)
    lightest = np.where(band, lightness, -np.inf)
    above = np.maximum.accumulate(lightest, axis=0)
    below = np.maximum.accumulate(lightest[::-1], axis=0)[::-1]
    prominence = np.where(band, np.minimum(above, below) - np.where(band, lightness, 0), 0)

    likely = np.exp(-(((height - expected) / _SPREAD) ** 2) / 2)
    peak = (prominence * likely).argmax(axis=0)[None]  # (1, columns)
    depth = np.take_along_axis(prominence, peak, axis=0)
    # The brow is the run of rows around the peak with at least half its depth.
    deep = prominence > depth / 2
    run = np.cumsum(~deep, axis=0)
    brow = deep & (run == np.take_along_axis(run, peak, axis=0))
    excess = np.where(brow, prominence - depth / 2, 0)
    shown = depth[0] >= PROMINENCE
    weight = np.where(shown, excess.sum(axis=0), 1)
    centre = (excess * height).sum(axis=0) / weight
    # The width of a box as deep that exceeds half its depth by as much: unlike a count of rows, it moves smoothly.
    thickness = 2 * excess.sum(axis=0) / np.where(shown, depth[0], 1) / _SIZE
    darkness = _darkness(lightness, brow, band)
    return np.where(shown, np.stack([centre, thickness, darkness]), np.nan)


def _darkness(lightness: NDArray[np.float64], brow: NDArray[np.bool_], band: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median L* of the skin beside a brow minus that of the brow, shape (columns,); NaN where there is no such skin."""
    upper = np.where(brow, _UPWARDS[:, None], -np.inf).max(axis=0)
    lower = np.where(brow, _UPWARDS[:, None], np.inf).min(axis=0)
    away = np.maximum(_UPWARDS[:, None] - upper, lower - _UPWARDS[:, None])  # (rows, columns), positive outside
    beside = band & (away > _GAP) & (away < _GAP + _BESIDE)
    return _median(lightness, beside) - _median(lightness, brow)


def _median(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The median of each column's chosen values, NaN where none is chosen."""
    count = where.sum(axis=0)
    ordered = np.sort(np.where(where, values, np.inf), axis=0)
    middle = [
        np.take_along_axis(ordered, np.maximum(each, 0)[None], axis=0)[0] for each in ((count - 1) // 2, count // 2)
    ]
    return np.where(count > 0, np.mean(middle, axis=0), np.nan)
