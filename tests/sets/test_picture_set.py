import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.sets import Rules, build
from simulacra.sets.layout import Attribute
from simulacra.sets.picture_set import PictureSet, feature_key

from .conftest import InMemory, noise, write


def zipped(folder: Path, method: int = ZIP_STORED) -> Path:
    path = folder.with_suffix(f".{method}.zip")
    with ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("memory_bytes", [0, 2**20])
@pytest.mark.parametrize("method", [None, ZIP_STORED, ZIP_DEFLATED])
def test_pictures_come_by_index_in_any_order_and_number(folder: Path, method: int | None, memory_bytes: int) -> None:
    expected = np.stack(noise(7, 16, 16, 3)).transpose(0, 3, 1, 2)
    opened = PictureSet(folder if method is None else zipped(folder, method), memory_bytes=memory_bytes)
    assert (len(opened), opened.resolution, opened.channels) == (7, 16, 3)
    for indices in ([3], [6, 0, 6], np.arange(7)):
        found = opened.pictures(indices)
        assert found.dtype == np.uint8
        assert np.array_equal(found, expected[np.asarray(indices)])
    opened.pictures([2])[:] = 0
    assert np.array_equal(opened.pictures([2]), expected[[2]])


@pytest.mark.parametrize(("shape", "channels"), [((8, 8), 1), ((8, 8, 4), 4)])
def test_grey_and_alpha_keep_their_channels(tmp_path: Path, shape: tuple[int, ...], channels: int) -> None:
    pixels = noise(1, *shape)[0]
    write(tmp_path / "set" / "a.png", pixels)
    opened = PictureSet(tmp_path / "set")
    assert opened.channels == channels
    assert np.array_equal(opened.pictures([0])[0], np.atleast_3d(pixels).transpose(2, 0, 1))


def test_threads_and_pickles_read_the_same(folder: Path) -> None:
    opened = PictureSet(zipped(folder))
    expected = PictureSet(folder).pictures(range(7))
    orders = [np.random.default_rng(seed).permutation(7) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for order, found in zip(orders, pool.map(opened.pictures, orders), strict=True):
            assert np.array_equal(found, expected[order])
    carried = pickle.dumps(opened)
    assert len(carried) < 500  # the path, no pixels
    assert np.array_equal(pickle.loads(carried).pictures(range(7)), expected)


def test_classes_become_one_hot_and_vectors_stay(folder: Path) -> None:
    classes = [[f"{number}.png", number % 3] for number in range(7)]
    (folder / "dataset.json").write_text(json.dumps({"labels": classes}))
    opened = PictureSet(folder)
    assert opened.label_dimensions == 3
    assert opened.labels is not None
    assert opened.labels.dtype == np.float32
    assert np.array_equal(opened.labels, np.eye(3)[[0, 1, 2, 0, 1, 2, 0]])
    assert opened.classes is not None and opened.classes.tolist() == [0, 1, 2, 0, 1, 2, 0]
    (folder / "dataset.json").write_text(json.dumps({"labels": [[name, [0.5, c]] for name, c in classes]}))
    assert (PictureSet(folder).label_dimensions, PictureSet(folder).classes) == (2, None)


def test_a_class_without_a_picture_keeps_its_place(tmp_path: Path) -> None:
    source = InMemory(noise(3, 8, 8, 3))
    source.attributes = {"size": Attribute(("small", "middle", "large"), np.array([0, 1, 0]))}
    build(source, tmp_path / "set.zip", Rules(label="size"))
    assert PictureSet(tmp_path / "set.zip").label_dimensions == 3


def test_a_set_without_description_has_no_labels(folder: Path) -> None:
    opened = PictureSet(folder)
    assert (opened.labels, opened.label_dimensions, opened.attributes, opened.facts) == (None, 0, {}, {})
    assert opened.classes is None


def test_the_digest_is_that_of_the_content(folder: Path) -> None:
    digest = PictureSet(folder).digest
    assert PictureSet(zipped(folder)).digest == digest
    assert PictureSet(zipped(folder, ZIP_DEFLATED)).digest == digest
    (folder / "dataset.json").write_text(json.dumps({"labels": [[f"{n}.png", n] for n in range(7)]}))
    labelled = PictureSet(folder).digest
    (folder / "6.png").rename(folder / "7.png")
    (folder / "dataset.json").write_text(json.dumps({"labels": None}))
    renamed = PictureSet(folder).digest
    write(folder / "7.png", noise(1, 16, 16, 3, seed=1)[0])
    assert len({digest, labelled, renamed, PictureSet(folder).digest}) == 4


def test_features_are_kept_under_what_decides_them(folder: Path) -> None:
    opened = PictureSet(folder)
    keys = {feature_key(opened, "a"), feature_key(opened, "b"), feature_key(opened, "a", [0, 1])}
    keys |= {feature_key(opened, "a", [1, 0])}
    assert len(keys) == 4
    assert feature_key(PictureSet(zipped(folder)), "a") == feature_key(opened, "a")


def test_one_damaged_picture_is_named_when_it_is_read(folder: Path) -> None:
    whole = (folder / "4.png").read_bytes()
    (folder / "4.png").write_bytes(whole[: len(whole) // 2])
    opened = PictureSet(folder)
    opened.pictures([3])
    with pytest.raises(
        UserError, match=r"^4\.png in .*folder is damaged or no picture: .*; build the set again \(.*--verify names"
    ):
        opened.pictures([3, 4])
    problems, _ = opened.verify()
    assert len(problems) == 1
    assert problems[0].startswith("4.png in ")


def test_pixels_have_a_digest_whatever_file_holds_them(folder: Path, tmp_path: Path) -> None:
    for file in folder.glob("*.png"):
        target = tmp_path / "again" / f"{file.stem}.webp"
        target.parent.mkdir(exist_ok=True)
        with Image.open(file) as image:
            image.save(target, lossless=True)
    assert PictureSet(folder).verify() == PictureSet(tmp_path / "again").verify()


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ((16, 16), r"^3\.png in .* is 16x16 px with 1 channels, but 0\.png is 16x16 px with 3; make them alike"),
        ((8, 8, 3), r"^3\.png in .* is 8x8 px with 3 channels, but 0\.png is 16x16 px"),
        ((16, 8, 3), r"^3\.png in .* is 8x16 px with 3 channels, but 0\.png is 16x16 px"),
    ],
)
def test_pictures_that_differ_are_told_when_the_set_is_opened(folder: Path, odd: tuple[int, ...], said: str) -> None:
    write(folder / "3.png", noise(1, *odd)[0])
    with pytest.raises(UserError, match=said):
        PictureSet(folder)


def test_opening_a_set_of_another_tool_does_not_read_it_whole(tmp_path: Path) -> None:
    # Noise does not compress: 3 x 64 x 64 bytes are three times what is looked at.
    for number, pixels in enumerate(noise(4, 64, 64, 3)):
        write(tmp_path / "set" / f"{number}.png", pixels)
    path = zipped(tmp_path / "set")
    data = bytearray(path.read_bytes())
    middle = data.find(b"PK\3\4", 100) // 2
    data[middle] ^= 1
    path.write_bytes(data)
    opened = PictureSet(path)
    opened.pictures([1, 2, 3])
    with pytest.raises(UserError, match=r"^0\.png in .* is damaged: its bytes do not fit its checksum"):
        opened.pictures([0])


def test_what_is_no_set_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no picture; build a set: simulacra data build SOURCE"):
        PictureSet(tmp_path / "empty")
    with pytest.raises(UserError, match="does not exist"):
        PictureSet(tmp_path / "nothing.zip")
    write(folder / "0.png", noise(1, 4, 6, 3)[0])
    with pytest.raises(UserError, match=r"^0\.png in .* is 6x4 px, and pictures of a set are square"):
        PictureSet(folder)
    Image.fromarray(noise(1, 16, 16)[0]).convert("P").save(folder / "0.png")
    with pytest.raises(UserError, match=r"^0\.png in .* has mode P, and a set holds L, RGB or RGBA"):
        PictureSet(folder)
