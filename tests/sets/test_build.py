import io
import json
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import PIL.Image
import pytest

from simulacra.errors import UserError
from simulacra.images.pixels import to_picture, to_pixels
from simulacra.images.resize import resize
from simulacra.sets import PictureSet, Rules, build, source_of
from simulacra.sets.build import NAMED

from .conftest import InMemory, noise, write


def official_reader(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """What the official tools for PyTorch find in a set, by their published rules: sorted names, labels by name."""
    with ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".png"))
        pictures = [np.array(PIL.Image.open(io.BytesIO(archive.read(name)))) for name in names]
        labels = json.loads(archive.read("dataset.json"))["labels"]
    found = None if labels is None else np.array([dict(labels)[name] for name in names])
    return np.stack(pictures), found


def test_others_read_the_same_pictures_and_labels(tmp_path: Path) -> None:
    pictures = noise(5, 8, 8, 3)
    built = build(InMemory(pictures), tmp_path / "set.zip", Rules(label="parity"))
    assert (built.count, built.resolution, built.skipped) == (5, 8, ())
    read, labels = official_reader(tmp_path / "set.zip")
    assert np.array_equal(read, np.stack(pictures))
    assert labels is not None
    assert labels.tolist() == [0, 1, 0, 1, 0]
    opened = PictureSet(tmp_path / "set.zip")
    assert np.array_equal(opened.pictures(range(5)).transpose(0, 2, 3, 1), read)
    assert opened.attributes["parity"].counts() == {"even": 3, "odd": 2}
    assert opened.verify() == ([], built.pixels)
    assert opened.facts["pixels"] == built.pixels


def test_the_same_source_gives_the_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    source = InMemory(noise(260, 6, 6, 3))
    for processes in (1, 2):
        build(source, tmp_path / f"{processes}.zip", Rules(resolution=4, processes=processes))
    digests = {sha256((tmp_path / f"{processes}.zip").read_bytes()).digest() for processes in (1, 2)}
    assert len(digests) == 1


def test_the_filter_is_used_and_noted(tmp_path: Path) -> None:
    pictures = noise(2, 16, 16, 3)
    built = build(InMemory(pictures), tmp_path / "set.zip", Rules(resolution=8, filter="bicubic"))
    read, _ = official_reader(tmp_path / "set.zip")
    expected = [to_pixels(resize(to_picture(pixels), 8, 8, "bicubic")) for pixels in pictures]
    assert np.array_equal(read, np.stack(expected))
    facts = PictureSet(tmp_path / "set.zip").facts
    assert (facts["filter"], facts["fit"], facts["resolution"]) == ("bicubic", "refuse", 8)
    assert facts["converted"] == built.converted == {"shrunk": 2}
    build(InMemory(pictures), tmp_path / "same.zip", Rules(resolution=16))
    assert PictureSet(tmp_path / "same.zip").facts["filter"] is None  # nothing was resized


def test_a_folder_is_read_whole_with_its_first_folders_as_an_attribute(tmp_path: Path) -> None:
    for number, pixels in enumerate(noise(6, 8, 8, 3)):
        write(tmp_path / "in" / ("cat" if number % 3 else "dog") / "deep" / f"{number}.png", pixels)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    build(source_of(tmp_path / "in"), tmp_path / "set.zip", Rules(label="folder"))
    opened = PictureSet(tmp_path / "set.zip")
    assert opened.attributes["folder"].counts() == {"cat": 4, "dog": 2}
    assert opened.labels is not None
    assert opened.labels.argmax(axis=1).tolist() == [0, 0, 0, 0, 1, 1]


def test_a_set_can_be_built_from_a_set_and_keeps_labels_and_licence(tmp_path: Path) -> None:
    source = InMemory(noise(4, 8, 8, 3))
    source.facts = {"kind": "memory", "name": "test", "licence": "CC0 1.0", "seed": 1}
    build(source, tmp_path / "first.zip", Rules(label="parity"))
    build(source_of(tmp_path / "first.zip"), tmp_path / "second.zip", Rules(resolution=4))
    opened = PictureSet(tmp_path / "second.zip")
    assert opened.label_dimensions == 2
    assert opened.attributes["parity"].counts() == {"even": 2, "odd": 2}
    assert opened.facts["source"] == {"kind": "files", "name": "first.zip", "licence": "CC0 1.0"}


def test_alpha_is_placed_on_white_unless_it_is_asked_for(tmp_path: Path) -> None:
    clear = np.zeros((8, 8, 4), dtype=np.uint8)
    write(tmp_path / "in" / "a.png", clear)
    build(source_of(tmp_path / "in"), tmp_path / "rgb.zip")
    build(source_of(tmp_path / "in"), tmp_path / "rgba.zip", Rules(colour="rgba"))
    build(source_of(tmp_path / "in"), tmp_path / "grey.zip", Rules(colour="grey"))
    white = PictureSet(tmp_path / "rgb.zip")
    assert white.pictures([0]).min() == 255
    assert white.facts["converted"] == {"transparency placed on white": 1}
    assert np.array_equal(PictureSet(tmp_path / "rgba.zip").pictures([0])[0], clear.transpose(2, 0, 1))
    assert PictureSet(tmp_path / "grey.zip").channels == 1


def test_damaged_pictures_are_all_named_at_once(tmp_path: Path) -> None:
    for number, pixels in enumerate(noise(30, 8, 8, 3)):
        path = write(tmp_path / "in" / f"{number:02d}.png", pixels)
        if number % 2:
            path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError) as caught:
        build(source_of(tmp_path / "in"), tmp_path / "set.zip")
    said = str(caught.value)
    assert said.startswith("15 of 30 pictures cannot be used: 01.png is damaged or cut off: ")
    assert said.endswith(f"and {15 - NAMED} more; say --skip-corrupt to build without them")
    assert "\n" not in said
    assert not (tmp_path / "set.zip").exists()

    built = build(source_of(tmp_path / "in"), tmp_path / "set.zip", Rules(skip_corrupt=True))
    assert built.count == 15
    opened = PictureSet(tmp_path / "set.zip")
    assert [name for name, _ in opened.facts["skipped"]] == [f"{number:02d}.png" for number in range(1, 30, 2)]
    expected = np.stack(noise(30, 8, 8, 3)[::2]).transpose(0, 3, 1, 2)
    assert np.array_equal(opened.pictures(range(15)), expected)


def test_a_set_of_nothing_but_damage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"none of the 1 pictures of in can be used, such as a\.png; get them anew"):
        build(source_of(tmp_path / "in"), tmp_path / "set.zip", Rules(skip_corrupt=True))


def test_pictures_of_several_sizes_need_a_resolution(tmp_path: Path) -> None:
    source = InMemory([*noise(2, 8, 8, 3), *noise(1, 10, 10, 3)])
    with pytest.raises(UserError, match="picture 2 is 10 px a side and picture 0 is 8; say --resolution, such as"):
        build(source, tmp_path / "set.zip")
    build(source, tmp_path / "set.zip", Rules(resolution=8))
    assert len(PictureSet(tmp_path / "set.zip")) == 3


def test_a_picture_that_is_not_square_needs_a_rule(tmp_path: Path) -> None:
    source = InMemory([*noise(1, 8, 8, 3), *noise(1, 8, 12, 3)])
    with pytest.raises(UserError, match="picture 1 is 12x8 px and not square; say --fit crop or --fit pad"):
        build(source, tmp_path / "set.zip", Rules(resolution=8))
    built = build(source, tmp_path / "set.zip", Rules(resolution=8, fit="crop"))
    assert built.converted == {"cropped to a square": 1}


def test_faces_are_cut_out_where_landmarks_are_known(tmp_path: Path) -> None:
    pixels = noise(1, 200, 200, 3)[0]
    source = InMemory([pixels])
    with pytest.raises(UserError, match=r"test comes without landmarks, .* simulacra data landmarks SOURCE OUT\.json"):
        build(source, tmp_path / "set.zip", Rules(resolution=128, align=True))
    source.points = {"picture 1": np.ones((4, 2))}
    with pytest.raises(
        UserError, match="1 of 1 pictures cannot be used: picture 0 has no landmarks; say --skip-corrupt"
    ):
        build(source, tmp_path / "set.zip", Rules(resolution=128, align=True))
    source.points = {"picture 0": np.array([[84.0, 98.0], [116.0, 98.0], [90.0, 118.0], [110.0, 118.0]])}
    build(source, tmp_path / "set.zip", Rules(resolution=128, align=True))
    opened = PictureSet(tmp_path / "set.zip")
    assert np.array_equal(opened.pictures([0])[0], pixels[36:164, 36:164].transpose(2, 0, 1))
    assert opened.facts["fit"] == "aligned by landmarks"


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(InMemory(noise(9, 4, 4, 3)), tmp_path / "set.zip", Rules(limit=3), report=lambda *done: seen.append(done))
    assert len(PictureSet(tmp_path / "set.zip")) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"resolution": 3}, "--resolution is 3; it must be 4 to 4096 px"),
        ({"filter": "bicubik"}, "filter 'bicubik' is unknown; did you mean bicubic"),
        ({"fit": "stretch"}, "fit 'stretch' is unknown"),
        ({"colour": "cmyk"}, "colour 'cmyk' is unknown"),
        ({"limit": 0}, "--limit is 0"),
        ({"processes": 0}, "--processes is 0"),
        ({"align": True}, "--align cuts faces out at any size, so it needs --resolution"),
    ],
)
def test_rules_out_of_range_are_refused(rules: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Rules(**rules)  # type: ignore[arg-type]


def test_a_label_must_be_an_attribute(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="attribute 'parety' is unknown; did you mean parity"):
        build(InMemory(noise(1, 4, 4, 3)), tmp_path / "set.zip", Rules(label="parety"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="is empty; give a folder, a zip or a database"):
        source_of(tmp_path / "in")
    (tmp_path / "in" / "notes.txt").write_text("")
    with pytest.raises(UserError, match="holds no picture; give a folder or a zip with picture files"):
        source_of(tmp_path / "in")
