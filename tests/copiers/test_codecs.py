from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, features
from torch import Tensor

from simulacra.copiers import Copier, make
from simulacra.errors import UserError
from simulacra.images.pixels import Pixels, pixel_digest, to_picture, to_pixels


@pytest.mark.parametrize(
    ("specification", "format", "options"),
    [
        ("jpeg:quality=60,subsampling=4:4:4", "JPEG", {"quality": 60, "subsampling": 0}),
        ("webp:quality=50,method=2", "WEBP", {"quality": 50, "method": 2}),
        ("avif:quality=50,speed=9", "AVIF", {"quality": 50, "speed": 9, "max_threads": 1}),
    ],
)
def test_a_copy_is_what_the_codec_makes_of_the_file(
    crop: Tensor, specification: str, format: str, options: dict[str, int]
) -> None:
    file = BytesIO()
    Image.fromarray(to_pixels(crop)).save(file, format, **options)
    with Image.open(file) as image:
        expected = np.asarray(image.convert("RGB"))
    copy, receipts = make(specification).copy(crop, [0], 1)
    assert np.array_equal(to_pixels(copy), expected)
    assert receipts[0].effective["bytes"] == len(file.getvalue())


@pytest.mark.parametrize("family", ["jpeg", "webp", "avif"])
def test_quality_is_a_dial(crop: Tensor, family: str) -> None:
    errors = []
    for quality in (10, 50, 95):
        copy, _ = make(f"{family}:quality={quality}").copy(crop, [0], 1)
        errors.append(float((copy - crop).square().mean()))
    assert errors[0] > errors[1] > errors[2] > 0


@pytest.mark.parametrize(("family", "library"), [("jpeg", "libjpeg_turbo"), ("webp", "webp"), ("avif", "avif")])
def test_the_librarys_version_is_part_of_the_operator(
    family: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copier = make(family)
    assert copier.operator()["libraries"][library] == features.version(library)
    before = copier.operator()
    monkeypatch.setattr(features, "version", lambda name: "0")
    assert copier.operator() != before


def test_a_pillow_without_the_codec_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(UserError, match=r"^this Pillow has no AVIF codec; type: pip install --upgrade pillow$"):
        make("avif").check()


def test_jpeg_on_a_fixed_grid_settles_and_on_a_moving_one_does_not(crop: Tensor) -> None:
    fixed, moving = _chain(make("jpeg"), crop, 40), _chain(make("moving-grid"), crop, 40)
    assert fixed[-1] == fixed[-2]
    assert len(set(moving)) == 41


def test_the_grid_moves_by_the_step_and_the_picture_does_not() -> None:
    flat = torch.full((1, 3, 33, 47), 128 / 255)
    copier = make("moving-grid:quality=100")
    offsets = []
    for step in range(1, 17):
        copy, receipts = copier.copy(flat, [0], step)
        assert torch.equal(copy, flat)  # one grey level is exact in JPEG wherever the grid lies
        offsets.append(tuple(receipts[0].effective["offset"]))
    assert len({across for across, _ in offsets}) == len({down for _, down in offsets}) == 16


def test_a_moving_grid_at_a_whole_turn_is_plain_jpeg(crop: Tensor) -> None:
    moved, _ = make("moving-grid").copy(crop, [0], 16)
    fixed, _ = make("jpeg").copy(crop, [0], 16)
    assert torch.equal(moved, fixed)


def _chain(copier: Copier, picture: Tensor, times: int) -> list[str]:
    frames: list[Pixels] = [to_pixels(picture)]
    for step in range(1, times + 1):
        copy, _ = copier.copy(to_picture(frames[-1]), [0], step)
        frames.append(to_pixels(copy))
    return [pixel_digest(pixels) for pixels in frames]
