from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from simulacra import weights
from simulacra.errors import MissingExtra
from simulacra.images.colour import lab_to_srgb, srgb_to_lab
from simulacra.images.pixels import to_picture
from simulacra.images.resize import resize
from simulacra.measures import face
from simulacra.measures.contract import Against, Features, Undefined
from simulacra.measures.face import NO_BROWS, NO_FACE, NO_REFERENCE_FACE, Face
from simulacra.measures.face_brows import REACH
from simulacra.measures.face_shape import SIDES, eye_vector, from_eye_frame

CHANNEL = Face()
SCORES = {"face_present", "face_detector_score", "face_mesh_score"}


@pytest.fixture(scope="module")
def portrait(astronaut: NDArray[np.uint8]) -> Tensor:
    """The astronaut at 256 px, where her eye distance is 21.6 px."""
    return resize(to_picture(astronaut.copy()), 256, 256).clamp(0, 1)


@pytest.fixture(scope="module")
def original(portrait: Tensor) -> Features:
    return CHANNEL.prepare(portrait)


def alone(features: Features) -> dict[str, Any]:
    return {name: values[0] for name, values in CHANNEL.describe(features).items()}


def against(features: Features, reference: Features) -> dict[str, Any]:
    return {name: values[0] for name, values in CHANNEL.compare(features, reference).items()}


def with_raised_brows(picture: Tensor, features: Features, pixels: float) -> Tensor:
    """A smooth local warp: brows go up by `pixels` along the face's own vertical, the rest stays."""
    height, width = picture.shape[-2:]
    points = torch.view_as_complex(features["points"][0]).numpy()
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    places = torch.complex(columns.double(), rows.double())
    vector = eye_vector(points)
    nearest = torch.full((height, width), torch.inf, dtype=torch.float64)
    for side in SIDES:
        for start, end in zip(points[list(side.brow[:-1])], points[list(side.brow[1:])], strict=True):
            along = ((places - complex(start)) / complex(end - start)).real.clamp(0, 1)
            nearest = torch.minimum(nearest, (places - complex(start) - along * complex(end - start)).abs())
    share = torch.exp(-((nearest / (0.15 * abs(vector))) ** 2))
    source = places - share * pixels * (-1j * vector / abs(vector))
    grid = torch.stack([source.real / width, source.imag / height], dim=-1)[None].float() * 2 - 1
    return F.grid_sample(picture, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(0, 1)


def test_describes_the_astronaut(original: Features) -> None:
    values = alone(original)
    assert values["face_present"] == 1
    # Loose anatomy, read off the picture by eye: brows a quarter of an eye distance above the corners, fair skin.
    for name, low, high in (
        ("brow_height", 0.22, 0.32),
        ("brow_thickness", 0.01, 0.06),
        ("brow_darkness", 8, 20),  # brown hair, thin, at a pixel a millimetre and a half
        ("brow_tilt", -10, 15),
        ("brow_eye_gap", 0.15, 0.25),
        ("face_width_to_height", 0.75, 1.0),
        ("skin_ita", 55, 75),
    ):
        value = values[name]
        assert isinstance(value, float)
        assert low < value < high, name


def test_identity_drifts_by_exactly_nothing(portrait: Tensor, original: Features) -> None:
    assert set(against(CHANNEL.prepare(portrait.clone()), original).values()) == {0.0}


def test_values_do_not_depend_on_the_batch(portrait: Tensor, original: Features) -> None:
    batch = CHANNEL.prepare(torch.cat([portrait.flip(3), portrait, torch.zeros_like(portrait)]))
    for key, values in original.items():
        torch.testing.assert_close(batch[key][1], values[0], rtol=0, atol=0, equal_nan=True)
    columns = CHANNEL.describe(batch)
    assert columns["face_present"] == [1.0, 1.0, 0.0]
    assert {name for name, column in columns.items() if column[2] is not NO_FACE} == SCORES - {"face_mesh_score"}


def test_brows_that_go_up_are_seen_to_go_up(portrait: Tensor, original: Features) -> None:
    up = CHANNEL.prepare(with_raised_brows(portrait, original, 2.0))
    values = against(up, original)
    # 2 px are 0.093 eye distances at the crest of the warp; the brow, a little below the crest, rises by 0.07.
    assert values["brow_rise"] == pytest.approx(0.073, abs=0.02)
    assert values["brow_change"] == pytest.approx(0.077, abs=0.02)
    # The rest stays, up to what the mesh and the identity network themselves make of raised brows.
    before, after = alone(original), alone(up)
    assert values["landmark_distance"] < 0.01
    assert values["identity_distance"] < 0.4
    assert after["skin_ita"] == pytest.approx(before["skin_ita"], abs=1.0)
    assert after["face_width_to_height"] == pytest.approx(before["face_width_to_height"], abs=0.02)


@pytest.mark.parametrize("by", [-4.0, 8.0])
def test_brows_that_grow_darker_are_seen_to_grow_darker(portrait: Tensor, original: Features, by: float) -> None:
    height, width = portrait.shape[-2:]
    points = torch.view_as_complex(original["points"][0]).numpy()
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    places = torch.complex(columns.double(), rows.double())
    nearest = torch.full((height, width), torch.inf, dtype=torch.float64)
    for side, traced in zip(SIDES, original["brows"][0, :, 0], strict=True):
        for sideways, upwards in zip(torch.linspace(*REACH, len(traced)).tolist(), traced.tolist(), strict=True):
            if not isnan(upwards):
                place, vector = from_eye_frame(complex(side.outward * sideways, upwards), points)
                nearest = torch.minimum(nearest, (places - place).abs() / abs(vector))
    lab = srgb_to_lab(portrait.double())
    lab[:, 0] -= by * torch.sigmoid((0.05 - nearest) / 0.004)  # a strip along the brow, eye distances
    changed = CHANNEL.prepare(lab_to_srgb(lab).clamp(0, 1).float())
    change = alone(changed)["brow_darkness"] - alone(original)["brow_darkness"]
    # The strip is wider than these thin brows, so some of the skin beside them darkens too and the change is a part.
    assert 0.3 < change / by < 1
    assert abs(against(changed, original)["brow_rise"]) < 0.02


def test_an_orange_cast_changes_the_skin_and_leaves_the_shape(portrait: Tensor, original: Features) -> None:
    gains = torch.tensor([1.12, 1.0, 0.8]).reshape(1, 3, 1, 1)
    cast = CHANNEL.prepare((portrait * gains).clamp(0, 1))
    values = against(cast, original)
    assert alone(cast)["skin_ita"] < alone(original)["skin_ita"] - 15
    assert values["landmark_distance"] < 0.01
    assert abs(values["brow_rise"]) < 0.01
    assert values["identity_distance"] < 0.15


@pytest.mark.parametrize("change", ["shift", "zoom", "noise", "mirror"])
def test_stays_quiet_on_what_is_not_of_the_face(change: str, portrait: Tensor, original: Features) -> None:
    generator = torch.Generator().manual_seed(1)
    changed = {
        "shift": lambda: portrait.roll((2, 2), (2, 3)),
        "zoom": lambda: resize(portrait[..., 4:252, 4:252], 256, 256).clamp(0, 1),  # 3 %
        "noise": lambda: (portrait + 0.05 * torch.randn(portrait.shape, generator=generator)).clamp(0, 1),
        "mirror": lambda: portrait.flip(3),
    }[change]()
    features = CHANNEL.prepare(changed)
    values, before, after = against(features, original), alone(original), alone(features)
    # Bounds are about twice what was measured. A face is not symmetric, hence the landmarks' bound for the mirror.
    assert values["landmark_distance"] < (0.03 if change == "mirror" else 0.015)
    assert abs(values["brow_rise"]) < 0.02
    assert values["identity_distance"] < 0.4
    assert after["brow_tilt"] == pytest.approx(before["brow_tilt"], abs=3)
    assert after["face_width_to_height"] == pytest.approx(before["face_width_to_height"], abs=0.03)


def test_a_squashed_face_is_wider(portrait: Tensor, original: Features) -> None:
    wide = CHANNEL.prepare(resize(portrait, 282, 256).clamp(0, 1))  # 10 %
    ratio = alone(wide)["face_width_to_height"] / alone(original)["face_width_to_height"]
    # The mesh resists: it gives half of what the picture does. It must give a clear part, and not more than there is.
    assert 1.03 < ratio < 1.11


def test_the_same_face_at_another_size_is_the_same_person(astronaut: NDArray[np.uint8], original: Features) -> None:
    large = CHANNEL.prepare(to_picture(astronaut.copy()))
    values = against(large, original)
    assert values["identity_distance"] < 0.3
    assert values["landmark_distance"] < 0.01  # measured in eye distances, so size drops out


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "brick", "grass", "hubble_deep_field"])
def test_pictures_without_a_face_are_no_failure(name: str, original: Features) -> None:
    from skimage import data

    pixels = getattr(data, name)()
    picture = to_picture(np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels.copy())
    features = CHANNEL.prepare(picture)
    values = alone(features)
    assert values["face_present"] == 0
    assert {value for key, value in values.items() if key not in SCORES} == {NO_FACE}
    assert set(against(features, original).values()) == {NO_FACE}
    assert set(against(original, features).values()) == {NO_REFERENCE_FACE}


def test_tells_faces_from_the_rest_and_people_from_each_other() -> None:
    # scikit-image's LFW subset: 25 px grey crops, here 20 faces of different people and 20 crops beside faces.
    from skimage.data import lfw_subset

    crops = lfw_subset()[[*range(20), *range(100, 120)]]
    pictures = torch.from_numpy(crops).float()[:, None].expand(-1, 3, -1, -1)
    features = CHANNEL.prepare(F.pad(resize(pictures, 175, 175).clamp(0, 1), (40, 40, 40, 40), value=0.5))
    present = CHANNEL.describe(features)["face_present"]
    assert sum(value == 1 for value in present[:20]) >= 18  # of all 100 faces 98 are found
    assert sum(value == 1 for value in present[20:]) == 0  # and of all 100 others none
    people = features["identity"][:20][[value == 1 for value in present[:20]]]
    # Blurred as they are, most pairs still lie beyond the distance at which the network calls them two people.
    assert torch.pdist(people).median() > 0.6


def test_brows_that_do_not_show_are_undefined_and_the_rest_is_not(portrait: Tensor, original: Features) -> None:
    kernel = torch.full((3, 1, 7, 7), 1 / 49)
    blurred = CHANNEL.prepare(F.conv2d(portrait, kernel, padding=3, groups=3))
    values = alone(blurred) | against(blurred, original)
    brows = {name for name in values if name.startswith("brow")}
    assert {values[name] for name in brows} == {NO_BROWS}
    assert not any(isinstance(values[name], Undefined) for name in set(values) - brows)


def test_every_measure_is_given_and_nothing_else(original: Features) -> None:
    names = {kind: {m.name for m in Face.measures if m.against is kind} for kind in Against}
    assert set(CHANNEL.describe(original)) == names[Against.NOTHING]
    assert set(CHANNEL.compare(original, original)) == names[Against.REFERENCE]


def test_the_skin_angle_has_no_jump() -> None:
    colours = [[60.0, 0.0, 10.0], [60.0, 0.0, 0.0], [60.0, 0.0, -0.01], [40.0, 0.0, 10.0]]
    angles = [face._typology_angle(torch.tensor(colour)) for colour in colours]
    # Chardon's atan((L* - 50) / b*), continued through b* = 0; exact to float32.
    assert angles == pytest.approx([45.0, 90.0, 90.0573, -45.0], abs=1e-3)


def test_without_the_identity_network_the_rest_runs(
    portrait: Tensor, original: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("face-detection", "face-mesh"):
        for file in weights.network(name).files:
            (tmp_path / file.stored).symlink_to(weights.find(name, file.name))
    monkeypatch.setenv(weights.cache.FOLDER, str(tmp_path))
    assert CHANNEL.unavailable() is None
    assert set(CHANNEL.weights()) == {
        "face_detection_short_range.tflite",
        "face_detection_full_range.tflite",
        "face_landmark.tflite",
    }
    values = against(CHANNEL.prepare(portrait), original)
    assert values["identity_distance"] == Undefined(
        "the weights face-identity are not on this machine; type: simulacra weights get face-identity"
    )
    assert values["landmark_distance"] == 0


def test_without_weights_it_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.cache.FOLDER, str(tmp_path))
    reason = CHANNEL.unavailable()
    assert reason is not None
    assert reason.endswith("type: simulacra weights get face-detection face-mesh face-identity")


def test_without_the_extra_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def require(module: str, extra: str, purpose: str) -> None:
        raise MissingExtra(f"{purpose} needs the package {module}; type: pip install 'simulacra[{extra}]'")

    monkeypatch.setattr(face, "require", require)
    reason = CHANNEL.unavailable()
    assert reason is not None
    assert reason.endswith("type: pip install 'simulacra[faces]'")


def test_names_the_digest_of_every_network() -> None:
    digests = CHANNEL.weights()
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests.values())
