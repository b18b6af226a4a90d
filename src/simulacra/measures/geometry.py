"""The geometry channel: has the picture moved, grown, turned or been squashed, and what is left once that is undone?"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulacra.measures import registration, ssim
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value
from simulacra.measures.grey import luma, psnr

STILL = 0.05
"""Pixels: a map that moves no corner further is not undone, for interpolation would cost more than it brings."""

_SOURCE = "Reddy and Chatterji 1996, refined as Baker and Matthews 2004"


class Geometry(Channel):
    """One affine map from the reference to the frame, in parts, and the pair's scores after it is undone."""

    name = "geometry"
    version: ClassVar[int] = 2
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "shift_x",
            "px",
            Against.REFERENCE,
            Better.NEITHER,
            "How far the content at the centre moved right.",
            _SOURCE,
        ),
        Measure(
            "shift_y", "px", Against.REFERENCE, Better.NEITHER, "How far the content at the centre moved down.", _SOURCE
        ),
        Measure(
            "zoom",
            "1",
            Against.REFERENCE,
            Better.NEITHER,
            "Size of the content over its size in the reference, by the square root of the area; 1 is unchanged.",
            _SOURCE,
        ),
        Measure("rotation", "°", Against.REFERENCE, Better.NEITHER, "How far the content turned clockwise.", _SOURCE),
        Measure(
            "squash",
            "1",
            Against.REFERENCE,
            Better.NEITHER,
            "Width over height of what is square in the reference; above 1 is widened.",
            _SOURCE,
        ),
        Measure(
            "aligned_psnr_grey",
            "dB",
            Against.REFERENCE,
            Better.HIGHER,
            "PSNR of grey where both pictures overlap, after the affine map is undone by cubic interpolation.",
            "ITU-T J.340",
        ),
        Measure(
            "aligned_ssim",
            "1",
            Against.REFERENCE,
            Better.HIGHER,
            "SSIM as in `ssim` where both pictures overlap, after the affine map is undone by cubic interpolation.",
            "Wang, Bovik, Sheikh and Simoncelli 2004",
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """Grey with its moments, and what registration needs."""
        grey = luma(pictures)
        shortest = min(grey.shape[-2:])
        features: Features = {"grey": grey}
        if shortest >= ssim.SMALLEST:
            features |= ssim.local(grey)._asdict()
        if shortest >= registration.SMALLEST:
            prepared = registration.prepare(grey)
            features |= prepared._asdict() | {"contrast": registration.contrast(prepared)}
        return features

    def describe(self, features: Features) -> Columns:
        """Nothing: a frame alone has not moved."""
        return {}

    def compare(self, features: Features, reference: Features) -> Columns:
        """The map of each pair, and the pair's scores after it is undone."""
        count = len(features["grey"])
        rows = [
            _compare_one(_row(features, i), _row(reference, i if len(reference["grey"]) == count else 0))
            for i in range(count)
        ]
        return {measure.name: [row[measure.name] for row in rows] for measure in self.measures}


def _compare_one(frame: Features, reference: Features) -> dict[str, Value]:
    height, width = frame["grey"].shape[-2:]
    half = max(height, width) / 2
    names = [measure.name for measure in Geometry.measures]
    if torch.equal(frame["grey"], reference["grey"]):
        still: dict[str, Value] = dict(zip(names, (0.0, 0.0, 1.0, 0.0, 1.0), strict=False))
        return still | _scores(frame, reference, np.eye(3))
    fit = _fit(frame, reference)
    if isinstance(fit, Undefined):
        return dict.fromkeys(names, fit)
    motion = registration.motion(fit)
    moved = (motion.shift_x * half, motion.shift_y * half, motion.zoom, motion.rotation, motion.squash)
    return dict(zip(names, moved, strict=False)) | _scores(frame, reference, fit.map)


def _fit(frame: Features, reference: Features) -> registration.Fit | Undefined:
    """The map, or why there is none."""
    if "band" not in frame:
        height, width = frame["grey"].shape[-2:]
        least = registration.SMALLEST
        return Undefined(f"a picture of {width}x{height} px is too small: each side must be {least} px or more")
    for which, each in (("frame", frame), ("reference", reference)):
        if float(each["contrast"]) < registration.LEAST_CONTRAST:
            return Undefined(f"the {which} is too flat to be aligned")
    fit = registration.register(*(_prepared(each) for each in (frame, reference)))
    if fit.correlation < registration.LEAST_CORRELATION:
        return Undefined(
            f"too little of the reference is left to align: correlation {fit.correlation:.2f}, "
            f"below {registration.LEAST_CORRELATION}"
        )
    return fit


def _scores(frame: Features, reference: Features, map: registration.Map) -> dict[str, Value]:
    height, width = frame["grey"].shape[-2:]
    one, rows, columns = frame["grey"], slice(0, height), slice(0, width)
    moves = registration.displacement(map, height, width) > STILL
    if moves:
        one, (rows, columns) = registration.undo(one, map)
    one, other = one[:, rows, columns], reference["grey"][:, rows, columns]
    if min(one.shape[-2:]) < ssim.SMALLEST:
        small = Undefined(f"the pictures overlap by less than {ssim.SMALLEST} px")
        return {"aligned_psnr_grey": small, "aligned_ssim": small}
    error = (one - other).square().mean(dtype=torch.float64)
    moments = ssim.local(one) if moves else _moments(frame, rows, columns)
    similarity = ssim.similarity(moments, _moments(reference, rows, columns))[0]
    return {"aligned_psnr_grey": psnr(float(error)), "aligned_ssim": float(similarity)}


def _moments(features: Features, rows: slice, columns: slice) -> ssim.Local:
    """The moments of a part of a picture, from those of the whole: windows know nothing of what lies beside them."""
    windows = slice(rows.start, rows.stop - ssim.SMALLEST + 1), slice(columns.start, columns.stop - ssim.SMALLEST + 1)
    mean, variance = (features[which][:, *windows] for which in ("mean", "variance"))
    return ssim.Local(features["grey"][:, rows, columns], mean, variance)


def _prepared(features: Features) -> registration.Prepared:
    return registration.Prepared(*(features[name] for name in registration.Prepared._fields))


def _row(features: Features, index: int) -> Features:
    return {key: value[index : index + 1] for key, value in features.items()}
