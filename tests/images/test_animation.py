from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.animation import SHORTEST, schedule, write_gif, write_webp

WRITERS = pytest.mark.parametrize("write", [write_webp, write_gif])
Writer = Callable[..., None]


@WRITERS
@pytest.mark.parametrize("shape", [(24, 33, 3), (1, 1, 3), (7, 2, 3)])
def test_every_frame_comes_back_with_its_time(write: Writer, shape: tuple[int, int, int], tmp_path: Path) -> None:
    times = [1000, 250, 20, 50, 70, 1500]
    write(tmp_path / "film", _frames(6, shape), times)
    pictures, durations = _read(tmp_path / "film")
    assert durations == times
    assert [p.shape for p in pictures] == [shape] * 6
    for shown, meant in zip(pictures, _frames(6, shape), strict=True):
        # Flat colour: within the rounding of 8-bit YCbCr (WebP) and of an octree's mean colour (GIF).
        assert np.abs(shown.astype(int) - meant).max() <= 8


@WRITERS
def test_equal_neighbours_stay_separate_frames(write: Writer, tmp_path: Path) -> None:
    # A chain that has settled repeats its frame; the scrubber of a viewer must still count every copy.
    still = np.full((16, 16, 3), 90, dtype=np.uint8)
    write(tmp_path / "film", [still] * 9, 50)
    assert _read(tmp_path / "film")[1] == [50] * 9


@WRITERS
def test_loops_for_ever(write: Writer, tmp_path: Path) -> None:
    write(tmp_path / "film", _frames(2, (8, 8, 3)), 100)
    with Image.open(tmp_path / "film") as film:
        assert film.info["loop"] == 0


@WRITERS
def test_one_frame_is_a_film_too(write: Writer, tmp_path: Path) -> None:
    write(tmp_path / "film", _frames(1, (8, 8, 3)), 100)
    with Image.open(tmp_path / "film") as film:
        assert film.size == (8, 8)
        assert film.n_frames == 1


def test_a_gif_is_close_to_a_natural_gradient(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :64]
    gradient = np.stack([60 + x, 90 + y, 180 - x // 2], axis=-1).astype(np.uint8)
    write_gif(tmp_path / "film.gif", [gradient], 100)
    (shown,), _ = _read(tmp_path / "film.gif")
    # Error diffusion keeps the mean of an 8 x 8 block within one level, where the octree alone is 3 levels off. Not so
    # in the outermost blocks: beyond the extreme colours of the palette there is none to make up for them.
    blocks = (shown.astype(float) - gradient).reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    assert np.abs(blocks[1:-1, 1:-1]).max() < 1
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= 256


def test_a_webp_gains_from_quality(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    errors = []
    for quality in (20, 95):
        write_webp(tmp_path / "film.webp", [noise, noise], 100, quality=quality)
        errors.append(np.abs(_read(tmp_path / "film.webp")[0][1].astype(int) - noise).mean())
    assert errors[1] < errors[0]


def test_a_gif_keeps_the_length_of_the_film_and_the_shortest_frame(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", _frames(8, (4, 4, 3)), 33)
    durations = _read(tmp_path / "a.gif")[1]
    assert set(durations) == {30, 40}
    assert sum(durations) == 260  # 8 x 33 = 264, to the nearest 10
    write_gif(tmp_path / "b.gif", _frames(3, (4, 4, 3)), 1)
    assert _read(tmp_path / "b.gif")[1] == [SHORTEST] * 3


@WRITERS
def test_a_failure_leaves_the_older_film_and_nothing_else(write: Writer, tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from _frames(3, (8, 8, 3))
        raise RuntimeError("the chain broke")

    path = tmp_path / "film"
    path.write_bytes(b"older")
    with pytest.raises(RuntimeError, match="the chain broke"):
        write(path, broken(), 100)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("film", b"older")]


@WRITERS
def test_takes_one_frame_at_a_time(write: Writer, tmp_path: Path) -> None:
    # Frames reach the file as they come: a writer that gathered them would still have an empty file at the last one.
    sizes = []

    def watched() -> Iterator[np.ndarray]:
        noise = np.random.default_rng(2)
        for _ in range(30):
            yield noise.integers(0, 256, (48, 48, 3), dtype=np.uint8)
            sizes.append(sum(p.stat().st_size for p in tmp_path.iterdir()))

    write(tmp_path / "film", watched(), 50)
    assert sizes[15] > 0
    assert sizes[-1] > 1.5 * sizes[15]


@WRITERS
def test_refuses_frames_that_make_no_film(write: Writer, tmp_path: Path) -> None:
    small, large = next(_frames(1, (4, 4, 3))), next(_frames(1, (5, 4, 3)))
    with pytest.raises(ValueError, match="at least one frame"):
        write(tmp_path / "film", [], 50)
    with pytest.raises(ValueError, match="mixes frames"):
        write(tmp_path / "film", [small, large], 50)
    for times in ([50], [50, 50, 50]):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            write(tmp_path / "film", [small, small], times)
    assert list(tmp_path.iterdir()) == []


def test_refuses_frames_too_large_for_the_format(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"16384x1 px is too large .* at most 16383 px; choose a smaller --size"):
        write_webp(tmp_path / "film", [np.zeros((1, 16384, 3), dtype=np.uint8)], 50)


@WRITERS
def test_refuses_a_folder_that_is_not_there(write: Writer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write(tmp_path / "nowhere" / "film", _frames(1, (4, 4, 3)), 50)


def test_a_chain_of_101_copies_lasts_about_eight_seconds() -> None:
    times = schedule(102)
    assert len(times) == 102
    assert 8000 <= sum(times) <= 10000
    assert times[0] >= 1000
    assert times[-1] >= 1000
    assert times[1] > times[5] > times[20] == times[100]


@given(st.integers(1, 500))
def test_a_schedule_eases_in_and_fits_gif(frames: int) -> None:
    times = schedule(frames)
    assert len(times) == frames
    assert all(t >= SHORTEST and t % 10 == 0 for t in times)
    copies = times[1:-1]
    assert copies == sorted(copies, reverse=True)


def test_nothing_has_no_schedule() -> None:
    with pytest.raises(ValueError, match="0 frames"):
        schedule(0)


def _frames(count: int, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    for k in range(count):
        yield np.full(shape, (40 + 30 * k, 200 - 25 * k, 120), dtype=np.uint8)


def _read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    pictures, durations = [], []
    with Image.open(path) as film:
        for k in range(film.n_frames):
            film.seek(k)
            film.load()
            pictures.append(np.asarray(film.convert("RGB")))
            durations.append(film.info["duration"])
    return pictures, durations
