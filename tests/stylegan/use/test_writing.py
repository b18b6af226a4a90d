from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.animation import write_gif, write_webp
from simulacra.images.pixels import pixel_digest
from simulacra.stylegan.use import Grid, Interpolation, Picture, read_record, write_figure, write_film, write_pictures
from simulacra.stylegan.use.sheet import on_white

from .toys import PLAIN, RICH, drawn, maker


@pytest.mark.parametrize("ending", ["png", "webp"])
@pytest.mark.parametrize("description", [PLAIN, RICH], ids=["rgb", "rgba"])
def test_pixels_and_record_come_back_from_both_formats(description: object, ending: str, tmp_path: Path) -> None:
    made_by, path = maker(description), tmp_path / f"a.{ending}"  # type: ignore[arg-type]
    figure = Picture.of(seed=3)
    record = write_figure(figure, made_by, path)
    with Image.open(path) as image:
        pixels = np.array(image)
    assert np.array_equal(pixels, drawn(figure, made_by))
    assert read_record(path) == record and record.drawing() == figure
    if description is PLAIN:
        assert record.pixels == pixel_digest(pixels)


def test_progress_is_told_in_rows_of_pixels(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_figure(Grid.of(seeds=(1, 2, 3), columns=1), maker(PLAIN), tmp_path / "a.png", lambda *each: told.append(each))
    with Image.open(tmp_path / "a.png") as image:
        assert told[-1] == (image.height, image.height) and len(told) == 5
    assert told == sorted(told)


def test_pictures_of_their_own_are_named_by_seed_and_equal_those_written_alone(tmp_path: Path) -> None:
    made_by = maker(RICH)
    pictures = [Picture.of(seed=seed).resolved(made_by) for seed in (8, 9, 10)]
    told: list[tuple[int, int]] = []
    paths = write_pictures(pictures, made_by, tmp_path / "some", ".png", lambda *each: told.append(each))
    assert [path.name for path in paths] == ["seed08.png", "seed09.png", "seed10.png"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    write_figure(pictures[1], made_by, tmp_path / "alone.png")
    assert paths[1].read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert sorted(tmp_path.rglob("*.*")) == sorted([*paths, tmp_path / "alone.png"])


@pytest.mark.parametrize(("ending", "write"), [("webp", write_webp), ("gif", write_gif)])
def test_a_film_carries_the_digest_of_its_frames(ending: str, write: object, tmp_path: Path) -> None:
    made_by, path = maker(RICH), tmp_path / f"film.{ending}"
    film = Interpolation.of(seeds=(1, 2), between=3)
    record = write_film(film, made_by, path, write)  # type: ignore[arg-type]
    assert read_record(path) == record and record.pixels == pixel_digest(drawn(film, made_by))
    with Image.open(path) as image:
        assert image.n_frames == film.frames == 6  # type: ignore[attr-defined]


def test_only_what_carries_a_record_is_replaced(tmp_path: Path) -> None:
    made_by, path = maker(PLAIN), tmp_path / "a.png"
    write_figure(Picture.of(seed=1), made_by, path)
    write_figure(Picture.of(seed=2), made_by, path)
    assert read_record(path).settings["seed"] == 2
    Image.new("RGB", (4, 4)).save(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"exists and was not written by simulacra stylegan, so it is not overwritten"):
        write_figure(Picture.of(seed=3), made_by, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.jpg", r"a\.jpg must end in \.png or \.webp$"),
        ("a", r"must end in \.png or \.webp$"),
        ("none/a.png", r"^the folder .*none does not exist; make it first, or name another$"),
    ],
)
def test_places_that_do_not_do_are_refused(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        write_figure(Picture.of(), maker(PLAIN), tmp_path / name)


def test_a_webp_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^the picture is \d+x\d+ px, and WebP takes 16383 px a side; write a \.png$"):
        write_figure(Grid.of(seeds=tuple(range(200)), columns=200), maker(PLAIN), tmp_path / "a.webp")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by, path = maker(PLAIN), tmp_path / "a.png"
    write_figure(Picture.of(seed=1), made_by, path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simulacra.stylegan.use.png.PngWriter.end", full)
    with pytest.raises(UserError, match=r"^the disk of .* is full"):
        write_figure(Picture.of(seed=2), made_by, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_films_have_no_alpha() -> None:
    made_by = maker(RICH)
    film = drawn(Interpolation.of(seeds=(1, 2), between=1), made_by)
    assert np.array_equal(film[:16], on_white(made_by.pixels(made_by.styles(made_by.w(1)), made_by.noise("stored", 1))))
