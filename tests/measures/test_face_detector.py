import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from simulacra.images.pixels import to_picture
from simulacra.images.resize import resize
from simulacra.measures.face_detector import FULL_RANGE, SHORT_RANGE, Detection, Model, detect

# The pupils of the 512 px astronaut, read off the picture by eye, to about 2 px.
RIGHT_PUPIL, LEFT_PUPIL = 204 + 101j, 247 + 103j


@pytest.mark.parametrize("model", [FULL_RANGE, SHORT_RANGE])
@pytest.mark.parametrize("size", [512, 256, 128])
def test_finds_the_astronauts_eyes(model: Model, size: int, astronaut: NDArray[np.uint8]) -> None:
    found = detect(resize(to_picture(astronaut.copy()), size, size).clamp(0, 1), model)
    assert found.score > 0.85
    # The box's points are rough by design: 8 px, a fifth of the distance between the eyes.
    assert abs(found.right_eye * 512 / size - RIGHT_PUPIL) < 8
    assert abs(found.left_eye * 512 / size - LEFT_PUPIL) < 8


def test_a_wide_picture_is_not_squeezed(astronaut: NDArray[np.uint8]) -> None:
    strip = torch.full((1, 3, 512, 1024), 0.5)
    strip[..., 300:812] = to_picture(astronaut.copy())
    found = detect(strip, FULL_RANGE)
    assert found.score > FULL_RANGE.threshold
    assert abs(found.right_eye - 300 - RIGHT_PUPIL) < 12  # half the resolution of the square picture


@pytest.mark.parametrize("name", ["coffee", "rocket", "brick", "grass", "gravel", "hubble_deep_field"])
def test_the_full_range_detector_is_calm_where_there_is_no_face(name: str) -> None:
    from skimage import data

    pixels = getattr(data, name)()
    picture = to_picture(np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels.copy())
    assert detect(picture, FULL_RANGE).score < FULL_RANGE.threshold


def test_its_window_is_level_with_the_eyes() -> None:
    window = Detection(0.9, 50 + 60j, 40.0, 40 + 50j, 52 + 66j).window(1.5)
    assert window.centre == 50 + 60j
    assert window.edge == pytest.approx(60 * (12 + 16j) / 20)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (16, 16)])
def test_takes_pictures_of_any_size(shape: tuple[int, int]) -> None:
    for model in (FULL_RANGE, SHORT_RANGE):
        assert 0 < detect(torch.full((1, 3, *shape), 0.5), model).score < 1
