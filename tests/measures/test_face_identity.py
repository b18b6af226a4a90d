from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from simulacra import weights
from simulacra.errors import MissingWeights
from simulacra.images.pixels import to_picture
from simulacra.measures.face_identity import CHIP, LANDMARKS, WEIGHTS, chip_window, embed
from simulacra.measures.face_mesh import POINTS


def test_equals_dlib_on_the_same_chip(astronaut: NDArray[np.uint8]) -> None:
    chip = np.ascontiguousarray(astronaut[60 : 60 + CHIP, 150 : 150 + CHIP])
    expected = np.array(dlib.face_recognition_model_v1(str(weights.find(WEIGHTS))).compute_face_descriptor(chip))
    # Float32 over 29 layers, summed in another order; the descriptor's length is 1.5.
    np.testing.assert_allclose(embed(to_picture(chip)).numpy(), expected, atol=2e-6)


def test_puts_eyes_and_nose_where_dlib_puts_them() -> None:
    # Oracle: dlib's own chip of a picture that is white at one place only, found again in the chip.
    places = np.array([260 + 140j, 225 + 143j, 140 + 142j, 174 + 144j, 199 + 210j])
    points = np.zeros(POINTS, dtype=np.complex128)
    points[list(LANDMARKS)] = places
    spot = 182 + 166j
    pixels = np.zeros((400, 400, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:400, :400]
    pixels[np.hypot(columns - spot.real, rows - spot.imag) < 5] = 255
    parts = dlib.points([dlib.point(int(p.real), int(p.imag)) for p in places])
    chip = dlib.get_face_chip(pixels, dlib.full_object_detection(dlib.rectangle(100, 100, 300, 300), parts), CHIP, 0.25)
    bright = chip[..., 0].astype(float)
    found = complex((bright * np.arange(CHIP)).sum(), (bright * np.arange(CHIP)[:, None]).sum()) / bright.sum()
    # 1 px of 150: dlib counts from the middle of pixels and samples without our half-pixel shift.
    assert abs(chip_window(points).inward(np.array([spot]))[0] * CHIP - found) < 1


def test_depends_on_the_face(astronaut: NDArray[np.uint8]) -> None:
    chip = to_picture(astronaut[60 : 60 + CHIP, 150 : 150 + CHIP].copy())
    assert torch.equal(embed(chip), embed(chip.clone()))
    assert torch.dist(embed(chip), embed(1 - chip)) > 0.6  # the negative is another person to the network


def test_missing_weights_say_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingWeights, match="type: simulacra weights get face-identity"):
        embed(torch.zeros(1, 3, CHIP, CHIP))
