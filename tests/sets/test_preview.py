from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.sets import PictureSet, Rules, build
from simulacra.sets.preview import write_preview

from .conftest import InMemory


@pytest.fixture
def pictures(tmp_path: Path) -> PictureSet:
    """Even pictures are red, odd ones blue, clear at the left where there is alpha."""
    flat = [np.full((16, 16, 3), (255, 0, 0) if n % 2 == 0 else (0, 0, 255), dtype=np.uint8) for n in range(9)]
    build(InMemory(flat), tmp_path / "set.zip", Rules())
    return PictureSet(tmp_path / "set.zip")


def colours(path: Path) -> tuple[int, int]:
    """Red and blue tiles of 16 px on a sheet, by their pixels; corners are rounded by a pixel or two."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    areas = [(pixels[..., c] - pixels[..., 2 - c] > 200).sum() / 256 for c in (0, 2)]
    return round(areas[0]), round(areas[1])


@pytest.mark.parametrize("name", ["sheet.png", "sheet.webp"])
def test_a_sheet_shows_so_many_pictures(pictures: PictureSet, tmp_path: Path, name: str) -> None:
    assert write_preview(pictures, tmp_path / name, count=20, columns=4, tile=16) == 9
    assert colours(tmp_path / name) == (5, 4)


def test_the_choice_is_the_seeds(pictures: PictureSet, tmp_path: Path) -> None:
    for number, seed in enumerate((0, 0, 1, 2, 3)):
        write_preview(pictures, tmp_path / f"{number}.png", count=4, tile=16, seed=seed)
    sheets = [(tmp_path / f"{number}.png").read_bytes() for number in range(5)]
    assert sheets[0] == sheets[1]
    assert len(set(sheets)) > 1


def test_a_row_for_each_value(pictures: PictureSet, tmp_path: Path) -> None:
    assert write_preview(pictures, tmp_path / "sheet.png", count=6, by="parity", tile=16) == 6
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    red, blue = (np.flatnonzero((pixels[..., c] > 200).any(axis=1) & (pixels[..., 1] < 50).any(axis=1)) for c in (0, 2))
    assert red.max() < blue.min()


def test_alpha_is_placed_on_grey_and_grey_becomes_rgb(tmp_path: Path) -> None:
    clear = np.zeros((16, 16, 4), dtype=np.uint8)
    build(InMemory([clear]), tmp_path / "rgba.zip", Rules(colour="rgba"))
    write_preview(PictureSet(tmp_path / "rgba.zip"), tmp_path / "sheet.png", tile=64)
    assert (np.asarray(Image.open(tmp_path / "sheet.png")) == 128).all(axis=-1).sum() > 60 * 60
    build(InMemory([np.full((16, 16), 200, dtype=np.uint8)]), tmp_path / "grey.zip", Rules(colour="grey"))
    write_preview(PictureSet(tmp_path / "grey.zip"), tmp_path / "grey.png", tile=64)
    assert (np.asarray(Image.open(tmp_path / "grey.png")) == 200).all(axis=-1).sum() > 60 * 60


def test_mistakes_are_told(pictures: PictureSet, tmp_path: Path) -> None:
    (tmp_path / "taken.png").write_bytes(b"precious")
    for options, said in (
        ({"path": tmp_path / "taken.png"}, "exists, and nothing is overwritten"),
        ({"path": tmp_path / "sheet.jpg"}, r"must end in \.png or \.webp"),
        ({"path": tmp_path / "no" / "sheet.png"}, "cannot be written: No such file or directory"),
        ({"count": 0}, "--count is 0"),
        ({"tile": 4}, "--tile is 4; it must be 16 or more"),
        ({"by": "parety"}, "attribute 'parety' is unknown; did you mean parity"),
    ):
        with pytest.raises(UserError, match=said):
            write_preview(pictures, **({"path": tmp_path / "sheet.png"} | options))  # type: ignore[arg-type]
    assert (tmp_path / "taken.png").read_bytes() == b"precious"
