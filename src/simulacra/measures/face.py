"""The face channel: is there still a face, how do brows, proportions and skin change, is it still the same person.

One face a picture, the one the detector is surest of. A frame without a face is a result, not a failure: `face_present`
is 0 there and everything else is undefined with the reason.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import atan2, degrees, isnan
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulacra import weights
from simulacra.errors import MissingExtra, MissingWeights
from simulacra.extras import require
from simulacra.images.colour import srgb_to_lab
from simulacra.measures import face_brows as brow
from simulacra.measures import face_shape as shape
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value
from simulacra.measures.face_brows import COLUMNS
from simulacra.measures.face_detector import FULL_RANGE, SHORT_RANGE, detect
from simulacra.measures.face_detector import WEIGHTS as DETECTION
from simulacra.measures.face_identity import WEIGHTS as IDENTITY
from simulacra.measures.face_identity import describe_face
from simulacra.measures.face_mesh import POINTS, SCALE, trace
from simulacra.measures.face_mesh import WEIGHTS as MESH
from simulacra.measures.face_network import RUNTIME
from simulacra.measures.face_window import Points, Window, look

EYE_DISTANCE = "eye distances"

NO_FACE = Undefined("no face found")
NO_REFERENCE_FACE = Undefined("no face found in the reference")
PREPARED_WITHOUT = "the frame was prepared without the identity network"
NO_BROWS = Undefined("the brows do not stand out from the skin")

CHEEK_SIDE = 0.25
"""Side of the skin patch on each cheek, eye distances."""
CHEEK_PIXELS = 8
"""Samples along that side."""

_MESH_PAPER = "Kartynnik et al. 2019, Face Mesh, for the points"
_BROWS = "this project, docs/face.md; the place to look is from Kartynnik et al. 2019, Face Mesh"


def _attribute(name: str, unit: str, definition: str, source: str = _MESH_PAPER) -> Measure:
    return Measure(name, unit, Against.NOTHING, Better.NEITHER, definition, source)


class Face(Channel):
    """Presence, shape, skin tone and identity of the best face of a picture."""

    name: ClassVar[str] = "face"
    version: ClassVar[int] = 2
    measures: ClassVar[tuple[Measure, ...]] = (
        _attribute(
            "face_present",
            "1",
            "1 when a detector and then every round of the mesh network see a face, else 0.",
            "Bazarevsky et al. 2019, BlazeFace; Kartynnik et al. 2019, Face Mesh; thresholds as published with them",
        ),
        _attribute(
            "face_detector_score",
            "1",
            "The highest score that a detector gave to a box of the picture, in (0, 1).",
            "Bazarevsky et al. 2019, BlazeFace",
        ),
        _attribute(
            "face_mesh_score",
            "1",
            "The lowest presence that a round of the mesh network gave to the detected face, in (0, 1).",
            "Kartynnik et al. 2019, Face Mesh",
        ),
        _attribute(
            "brow_height",
            EYE_DISTANCE,
            "Median height of the brows' dark ridge above the line through the eye corners, mean of both sides.",
            _BROWS,
        ),
        _attribute(
            "brow_thickness",
            EYE_DISTANCE,
            "Median thickness of the brows' dark ridge at half its depth in L*, mean of both sides.",
            _BROWS,
        ),
        _attribute(
            "brow_darkness",
            "L*",
            "Median L* of the skin just above and below the brows minus that of the brows, mean of both sides.",
            _BROWS,
        ),
        _attribute(
            "brow_tilt",
            "°",
            "Slope from the inner to the outer third of the brows, mean of both; positive where the outer is higher.",
            _BROWS,
        ),
        _attribute(
            "brow_eye_gap",
            EYE_DISTANCE,
            "Brow height minus the height of the middle of the upper lids.",
            _BROWS,
        ),
        _attribute("face_width_to_height", "1", "Width from ear side to ear side over height from hairline to chin."),
        _attribute(
            "skin_ita",
            "°",
            "Individual typology angle atan2(L* - 50, b*) of the mean CIELAB colour of a patch on each cheek.",
            "Chardon, Cretois, Hourseau 1991, Skin colour typology and suntanning pathways",
        ),
        Measure(
            "identity_distance",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "Euclidean distance of the two faces' 128-d descriptors; about 0.6 and above is another person.",
            "King 2017, High Quality Face Recognition with Deep Metric Learning (dlib)",
        ),
        Measure(
            "landmark_distance",
            EYE_DISTANCE,
            Against.REFERENCE,
            Better.LOWER,
            "Mean distance of the 468 points after the best similarity onto the reference.",
            "Goodall 1991, Procrustes methods in the statistical analysis of shape",
        ),
        Measure(
            "brow_change",
            EYE_DISTANCE,
            Against.REFERENCE,
            Better.LOWER,
            "Mean difference of the brows' heights from the reference, column by column in the frame of the eyes.",
            _BROWS,
        ),
        Measure(
            "brow_rise",
            EYE_DISTANCE,
            Against.REFERENCE,
            Better.NEITHER,
            "Brow height minus that of the reference; positive where the brows went up.",
            _BROWS,
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """Find, trace and describe the face of each picture; what is not there is NaN.

        Each picture goes through the networks alone, so no value depends on its neighbours in the batch.

        Args:
            pictures: shape (N, 3, H, W), float32, sRGB in [0, 1].

        Returns:
            `detector` (N,), `mesh` (N,), `points` (N, 468, 2) in px, `brows` (N, 2, 3, columns) in eye distances
            and L*, `skin` (N, 3) in CIELAB, `identity` (N, 128).

        Raises:
            MissingExtra, MissingWeights: the channel cannot run here; see `unavailable`.
        """
        identify = _identity_absent() is None
        rows = [_prepare(picture, identify) for picture in torch.split(pictures.detach().cpu(), 1)]
        return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}

    def describe(self, features: Features) -> Columns:
        """The measures of each frame alone; without a face all but presence and the scores are undefined."""
        names = [measure.name for measure in self.measures if measure.against is Against.NOTHING]
        return _columns(names, [_describe(frame) for frame in _frames(features)])

    def compare(self, features: Features, reference: Features) -> Columns:
        """The measures of each frame against its reference; undefined where either has no face."""
        names = [measure.name for measure in self.measures if measure.against is Against.REFERENCE]
        frames, references = _frames(features), _frames(reference)
        if len(references) == 1:
            references *= len(frames)
        return _columns(names, [_compare(*pair) for pair in zip(frames, references, strict=True)])

    def weights(self) -> dict[str, str]:
        """Digests of the detectors, of the mesh, and of the identity network where it is present."""
        names = [DETECTION, MESH]
        if _identity_absent() is None:
            names.append(IDENTITY)
        return {file: digest for name in names for file, digest in weights.digest(name).items()}

    def unavailable(self) -> str | None:
        """Why there can be no face values here; a missing identity network only leaves identity undefined."""
        try:
            require(RUNTIME, "faces", "the face channel")
            for name in (DETECTION, MESH):
                for file in weights.network(name).files:
                    weights.find(name, file.name)
        except MissingExtra as error:
            return str(error)
        except MissingWeights as error:
            absent = [n for n in (DETECTION, MESH, IDENTITY) if weights.state(n) is not weights.State.READY]
            reason = str(error).partition(";")[0]
            return f"{reason}; type: simulacra weights get {' '.join(absent)}"
        return None


def _prepare(picture: Tensor, identify: bool) -> Features:
    """The features of one picture, shape (1, 3, H, W)."""
    detector, presence, points = _find(picture)
    row = {
        "detector": torch.tensor(detector, dtype=torch.float64),
        "mesh": torch.tensor(presence, dtype=torch.float64),
        "points": torch.full((POINTS, 2), torch.nan, dtype=torch.float64),
        "brows": torch.full((2, 3, COLUMNS), torch.nan, dtype=torch.float64),
        "skin": torch.full((3,), torch.nan, dtype=torch.float64),
        "identity": torch.full((128,), torch.nan, dtype=torch.float32),
    }
    if points is not None:
        row["points"] = torch.view_as_real(torch.from_numpy(points))
        row["brows"] = brow.trace_brows(picture, points)
        row["skin"] = _skin(picture, points)
        if identify:
            row["identity"] = describe_face(picture, points)
    return row


def _find(picture: Tensor) -> tuple[float, float, Points | None]:
    """Highest detector score, mesh presence or NaN, and the points or None.

    The full-range detector comes first: it is the calmer one on pictures without a face. The short-range one is asked
    about faces too close for it.
    """
    best, presence = 0.0, np.nan
    for model in (FULL_RANGE, SHORT_RANGE):
        detection = detect(picture, model)
        best = max(best, detection.score)
        if detection.score < model.threshold:
            continue
        mesh = trace(picture, detection.window(SCALE))
        if mesh.points is not None:
            return best, mesh.presence, mesh.points
        presence = np.fmax(presence, mesh.presence)
    return best, float(presence), None


def _skin(picture: Tensor, points: Points) -> Tensor:
    """Mean CIELAB colour of the cheeks, shape (3,), float64."""
    edge = CHEEK_SIDE * shape.eye_vector(points)
    windows = [Window(complex(points[list(side.cheek)].mean()), edge) for side in shape.SIDES]
    patches = torch.cat([look(picture, window, CHEEK_PIXELS) for window in windows])  # (2, 3, 8, 8)
    return srgb_to_lab(patches.double()).mean((0, 2, 3))


def _typology_angle(lab: Tensor) -> float:
    """ITA in degrees of a CIELAB colour of shape (3,)."""
    lightness, _, blue_to_yellow = lab.tolist()
    # atan2: with a plain quotient the angle would jump by 180 degrees where a patch turns bluish.
    return degrees(atan2(lightness - 50, blue_to_yellow))


def _frames(features: Features) -> list[Features]:
    """The features of each frame, without the batch axis."""
    return [{key: value[index] for key, value in features.items()} for index in range(len(features["mesh"]))]


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}


def _points(frame: Features) -> Points | None:
    """The mesh of a frame, or None where it has no face."""
    points: Points = torch.view_as_complex(frame["points"].contiguous()).numpy()
    return points if np.isfinite(points).all() else None


def _describe(frame: Features) -> dict[str, Value]:
    points, brows = _points(frame), frame["brows"]
    presence = frame["mesh"].item()
    scores: dict[str, Value] = {
        "face_present": 0.0 if points is None else 1.0,
        "face_detector_score": frame["detector"].item(),
        "face_mesh_score": NO_FACE if isnan(presence) else presence,
    }
    if points is None:
        return defaultdict(lambda: NO_FACE, scores)
    return scores | {
        "brow_height": _shown(brow.brow_height(brows)),
        "brow_thickness": _shown(brow.brow_thickness(brows)),
        "brow_darkness": _shown(brow.brow_darkness(brows)),
        "brow_tilt": _shown(brow.brow_tilt(brows)),
        "brow_eye_gap": _shown(brow.brow_eye_gap(brows, points)),
        "face_width_to_height": shape.width_to_height(points),
        "skin_ita": _typology_angle(frame["skin"]),
    }


def _compare(frame: Features, reference: Features) -> dict[str, Value]:
    points, other = _points(frame), _points(reference)
    if points is None or other is None:
        return defaultdict(lambda: NO_FACE if points is None else NO_REFERENCE_FACE)
    distance = torch.linalg.vector_norm(frame["identity"].double() - reference["identity"].double()).item()
    return {
        "identity_distance": Undefined(_identity_absent() or PREPARED_WITHOUT) if isnan(distance) else distance,
        "landmark_distance": shape.landmark_distance(points, other),
        "brow_change": _shown(brow.brow_change(frame["brows"], reference["brows"])),
        "brow_rise": _shown(brow.brow_rise(frame["brows"], reference["brows"])),
    }


def _shown(value: float | None) -> Value:
    return NO_BROWS if value is None else value


def _identity_absent() -> str | None:
    """Why faces cannot be told apart here, with what to type; None when they can."""
    try:
        weights.find(IDENTITY)
    except MissingWeights as error:
        return str(error)
    return None
