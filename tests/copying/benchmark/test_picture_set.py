import pytest

from simulacra.copying.benchmark import SetPicture, picture_set
from simulacra.copying.benchmark.picture_set import LONGEST_SIDE
from simulacra.images.pixels import pixel_digest
from simulacra.images.webp import decode


@pytest.mark.parametrize("picture", picture_set().pictures, ids=lambda picture: picture.name)
def test_each_picture_is_the_one_that_is_recorded(picture: SetPicture) -> None:
    # A change of any pixel is another set: raise `version` in set.toml with it.
    pixels = decode(picture.file.read_bytes())
    assert pixel_digest(pixels) == picture.digest
    assert max(pixels.shape[:2]) == LONGEST_SIDE
    assert picture.licence in {"public domain", "CC0"}
    assert picture.shows and picture.title and picture.source


def test_the_set_is_small_and_whole() -> None:
    found = picture_set()
    assert (found.version, len(found.pictures)) == (1, 8)
    folder = found.pictures[0].file.parent
    assert {file.name for file in folder.glob("*.webp")} == {picture.file.name for picture in found.pictures}
    assert sum(picture.file.stat().st_size for picture in found.pictures) < 500_000  # it travels in every wheel
