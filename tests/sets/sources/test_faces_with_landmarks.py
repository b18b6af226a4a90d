"""CelebA and FFHQ, as small folders of the same shape as the real ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulacra.errors import UserError
from simulacra.sets import PictureSet, Rules, build, source_of

MakeNoise = Callable[..., list[NDArray[np.uint8]]]
Write = Callable[[Path, NDArray[np.uint8]], Path]

# Upright faces: centre of the square (100, 100), side 128; see test_align.
POINTS = [[84, 98], [116, 98], [90, 118], [110, 118]]
CROP = (slice(36, 164), slice(36, 164))


@pytest.fixture
def celeba(tmp_path: Path, noise: MakeNoise, write: Write) -> Path:
    root = tmp_path / "celeba"
    rows = [("Bald", "Smiling"), (-1, 1), (1, 1), (-1, -1)]
    for number, pixels in enumerate(noise(3, 218, 178, 3), 1):
        write(root / "img_align_celeba" / f"{number:06d}.png", pixels)
    text = f"3\n{' '.join(rows[0])} \n"  # type: ignore[arg-type]
    text += "".join(f"{number:06d}.png {a:>2} {b:>2}\n" for number, (a, b) in enumerate(rows[1:], 1))
    (root / "Anno").mkdir()
    (root / "Anno" / "list_attr_celeba.txt").write_text(text)
    points = " ".join(str(value) for x, y in [*POINTS[:2], [100, 108], *POINTS[2:]] for value in (x - 12, y + 7))
    heads = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    lines = [f"{number:06d}.png {points}" for number in range(1, 4)]
    (root / "Anno" / "list_landmarks_align_celeba.txt").write_text("\n".join(["3", heads, *lines]))
    return root


@pytest.fixture
def ffhq(tmp_path: Path, noise: MakeNoise, write: Write) -> Path:
    root = tmp_path / "ffhq"
    entries: dict[str, Any] = {}
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48], landmarks[48], landmarks[54] = POINTS
    for number, pixels in enumerate(noise(3, 200, 200, 3)):
        for folder in ("images1024x1024", "in-the-wild-images"):
            write(root / folder / "00000" / f"{number:05d}.png", pixels)
        entries[str(number)] = {
            "category": "training" if number < 2 else "validation",
            "metadata": {"license": "CC BY 2.0" if number else "Public Domain Mark"},
            "image": {"file_path": f"images1024x1024/00000/{number:05d}.png", "face_landmarks": []},
            "thumbnail": {"file_path": f"thumbnails128x128/00000/{number:05d}.png"},
            "in_the_wild": {
                "file_path": f"in-the-wild-images/00000/{number:05d}.png",
                "face_landmarks": landmarks.tolist(),
            },
        }
    (root / "ffhq-dataset-v2.json").write_text(json.dumps(entries))
    return root


def test_celeba_comes_with_its_attributes(celeba: Path, tmp_path: Path) -> None:
    build(source_of(celeba), tmp_path / "set.zip", Rules(resolution=32, fit="crop", label="Smiling"))
    opened = PictureSet(tmp_path / "set.zip")
    assert opened.attributes["Bald"].codes.tolist() == [0, 1, 0]
    assert opened.attributes["Smiling"].counts() == {"no": 1, "yes": 2}
    assert opened.label_dimensions == 2
    assert "non-commercial" in opened.facts["source"]["licence"]


def test_celeba_is_aligned_by_its_own_landmarks(celeba: Path, tmp_path: Path, noise: MakeNoise) -> None:
    build(source_of(celeba, align=True), tmp_path / "set.zip", Rules(resolution=128, align=True))
    expected = [pixels[43:171, 24:152].transpose(2, 0, 1) for pixels in noise(3, 218, 178, 3)]
    assert np.array_equal(PictureSet(tmp_path / "set.zip").pictures(range(3)), np.stack(expected))


def test_celeba_attributes_that_miss_a_picture_are_told(celeba: Path, noise: MakeNoise, write: Write) -> None:
    write(celeba / "img_align_celeba" / "000009.png", noise(1, 8, 8, 3)[0])
    with pytest.raises(UserError, match=r"list_attr_celeba\.txt in .* miss 000009\.png; a label for every picture"):
        source_of(celeba)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3\n", "is not what CelebA comes with"),
        ("3\nBald\n000001.png x", "is not what CelebA comes with"),
        ("3\nBald\n000001.png 1 1", "has 2 values for 000001.png under 1 heads"),
    ],
)
def test_celeba_tables_that_are_damaged_are_told(celeba: Path, text: str, said: str) -> None:
    (celeba / "Anno" / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(UserError, match=said):
        source_of(celeba)


def test_celeba_without_landmarks_cannot_be_aligned(celeba: Path) -> None:
    (celeba / "Anno" / "list_landmarks_align_celeba.txt").unlink()
    with pytest.raises(UserError, match=r"list_landmarks_align_celeba\.txt in .* is missing; put it there, or leave"):
        source_of(celeba, align=True)


def test_ffhq_takes_the_aligned_pictures_with_category_and_licence(ffhq: Path, tmp_path: Path) -> None:
    build(source_of(ffhq), tmp_path / "set.zip", Rules(resolution=32))
    opened = PictureSet(tmp_path / "set.zip")
    assert len(opened) == 3
    assert opened.attributes["category"].counts() == {"training": 2, "validation": 1}
    assert opened.attributes["licence"].counts() == {"CC BY 2.0": 2, "Public Domain Mark": 1}


def test_ffhq_is_aligned_from_the_wild(ffhq: Path, tmp_path: Path, noise: MakeNoise) -> None:
    build(source_of(ffhq, align=True), tmp_path / "set.zip", Rules(resolution=128, align=True))
    expected = [pixels[CROP].transpose(2, 0, 1) for pixels in noise(3, 200, 200, 3)]
    assert np.array_equal(PictureSet(tmp_path / "set.zip").pictures(range(3)), np.stack(expected))


def test_ffhq_that_is_damaged_or_elsewhere_is_told(ffhq: Path) -> None:
    description = ffhq / "ffhq-dataset-v2.json"
    entries = json.loads(description.read_text())
    for entry in entries.values():
        entry["image"]["file_path"] = "elsewhere.png"
    description.write_text(json.dumps(entries))
    with pytest.raises(
        UserError, match=r"none of the pictures that ffhq-dataset-v2\.json in .* lists as image or thumb"
    ):
        source_of(ffhq)
    description.write_text('{"0": {"category": "training"}}')
    with pytest.raises(UserError, match=r"is not what FFHQ comes with: KeyError\('image'\)"):
        source_of(ffhq)
