from pathlib import Path

import numpy as np
from PIL import Image

from simulacra.copying.result import CopyResult, Ended, Ending
from simulacra.images.animation import schedule
from simulacra.reports.film import (
    FILM_HEIGHT,
    FILM_WIDTH,
    LONGEST_FILM,
    film_copies,
    strip_copies,
    write_film_gif,
    write_film_webp,
    write_strip,
)
from simulacra.reports.subjects import subjects

from .conftest import Runs, melt, portrait


def _frames(path: Path) -> list[tuple[Image.Image, int]]:
    with Image.open(path) as film:
        read = []
        for index in range(getattr(film, "n_frames", 1)):
            film.seek(index)
            picture = film.convert("RGB")
            read.append((picture, int(film.info.get("duration", 0))))
        return read


def test_both_films_show_every_frame_at_its_pace(result: CopyResult, tmp_path: Path) -> None:
    for write, name in ((write_film_webp, "film.webp"), (write_film_gif, "film.gif")):
        write(result, tmp_path / name)
        frames = _frames(tmp_path / name)
        assert [duration for _, duration in frames] == schedule(21)


def test_the_film_shows_the_pictures_with_their_number(runs: Runs, tmp_path: Path) -> None:
    start = portrait(128)
    write_film_webp(runs.result([runs.chain([start, start])], 1), tmp_path / "film.webp")
    (first, _), (second, _) = _frames(tmp_path / "film.webp")
    upper = np.s_[:96]
    # Lossy at quality 85: a few levels of 255 on average.
    assert np.abs(np.asarray(first, dtype=float) - start)[upper].mean() < 6
    corner = np.s_[96:, :40]
    assert np.abs(np.asarray(first, dtype=float) - np.asarray(second))[corner].max() > 100  # another digit
    assert np.abs(np.asarray(first, dtype=float) - np.asarray(second))[upper].max() < 60


def test_the_drift_is_burnt_in_on_request(runs: Runs, tmp_path: Path) -> None:
    start = portrait(128)
    result = runs.result([runs.chain([start, start])], 1)
    write_film_webp(result, tmp_path / "plain.webp")
    write_film_webp(result, tmp_path / "told.webp", drift=True)
    (plain, _), *_ = _frames(tmp_path / "plain.webp")
    (told, _), *_ = _frames(tmp_path / "told.webp")
    apart = np.abs(np.asarray(plain, dtype=float) - np.asarray(told)).max(axis=(0, 2))
    # The plate is longer, so it covers more of the picture to the right of the number; nothing else changes.
    assert apart[24:60].min() > 20
    assert apart[100:].max() < 10


def test_a_long_chain_is_sampled_with_both_ends(runs: Runs) -> None:
    copies = film_copies(runs.result([runs.chain(melt(portrait(8), 300))], 300))
    assert len(copies) == LONGEST_FILM
    assert (copies[0], copies[-1]) == (0, 300)
    assert copies == sorted(set(copies))


def test_several_chains_run_side_by_side_within_the_limits(runs: Runs, tmp_path: Path) -> None:
    chains = [runs.chain(melt(portrait(400), 1), replicate=number) for number in range(1, 6)]
    write_film_webp(runs.result(chains, 1), tmp_path / "film.webp")
    (first, _), *_ = _frames(tmp_path / "film.webp")
    assert first.width <= FILM_WIDTH
    assert first.height <= FILM_HEIGHT
    assert 3.8 < first.width / first.height < 4.2  # four squares: the fifth stays out


def test_a_refused_chain_stands_still_while_the_other_goes_on(runs: Runs, tmp_path: Path) -> None:
    start = portrait(64)
    refused = runs.chain([start], replicate=1, ending=Ending(Ended.REFUSED, 0, message="no"))
    write_film_webp(runs.result([refused, runs.chain(melt(start, 4), replicate=2)], 4), tmp_path / "film.webp")
    assert len(_frames(tmp_path / "film.webp")) == 5


def test_the_strip_is_spaced_by_drift(runs: Runs) -> None:
    frames = melt(portrait(16), 30)
    stays = [frames[0]] * 20 + frames  # twenty frames without drift deserve one tile
    copies = strip_copies(subjects(runs.result([runs.chain(stays)], len(stays) - 1))[0])
    assert (copies[0], copies[-1]) == (0, len(stays) - 1)
    assert sum(copy < 20 for copy in copies) == 1


def test_the_strip_shows_the_controls_beneath(result: CopyResult, tmp_path: Path) -> None:
    write_strip(result, tmp_path / "strip.webp")
    with Image.open(tmp_path / "strip.webp") as strip:
        assert strip.format == "WEBP"
        tiles = len(strip_copies(subjects(result)[0]))
        # Four rows of square tiles and their labels.
        assert 1.5 < strip.width / strip.height / (tiles / 4) * 2 < 2.2
