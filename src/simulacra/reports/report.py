"""Everything a run leaves for people and programs: page, film, strip, tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulacra.copying.result import CopyResult
from simulacra.extras import require
from simulacra.reports.film import write_film_gif, write_film_mp4, write_film_webp, write_strip
from simulacra.reports.page import write_page
from simulacra.reports.pictures import check_frames
from simulacra.reports.tables import write_csv, write_json
from simulacra.reports.verdict import summary
from simulacra.reports.video import can_write


@dataclass(frozen=True)
class Report:
    """The files of a report, all in the run's folder, and what they show in a few sentences."""

    headline: str
    page: Path
    film_webp: Path
    film_gif: Path
    film_mp4: Path | None  # written where the extra `video` is installed
    strip: Path
    csv: Path
    json: Path


def write_report(result: CopyResult, *, mp4: bool | None = None, burn_in: bool = False) -> Report:
    """Write page, film, strip and tables into the run's folder; each file is whole or absent, older ones are replaced.

    Args:
        result: the run, as `simulacra.copying.read_run` gives it.
        mp4: whether to write the film as MP4 too; None means where the extra `video` is installed.
        burn_in: whether the films show the drift beside the frame number.

    Raises:
        MissingExtra: the MP4 was asked for without the extra `video`.
        UserError: a frame is missing from the store, or the folder cannot be written.
    """
    check_frames(result)
    if mp4:
        require("av", "video", "a film as MP4")
    with_mp4 = can_write() if mp4 is None else mp4
    folder = result.folder
    report = Report(
        headline=summary(result),
        page=folder / "page.html",
        film_webp=folder / "film.webp",
        film_gif=folder / "film.gif",
        film_mp4=folder / "film.mp4" if with_mp4 else None,
        strip=folder / "strip.webp",
        csv=folder / "measures.csv",
        json=folder / "measures.json",
    )
    work: list[tuple[Callable[[CopyResult, Path], None], Path]] = [
        (partial(write_film_gif, drift=burn_in), report.film_gif),  # the slowest first
        (partial(write_film_webp, drift=burn_in), report.film_webp),
        (partial(write_page, mp4=with_mp4), report.page),
        (write_strip, report.strip),
        (write_csv, report.csv),
        (write_json, report.json),
    ]
    if report.film_mp4 is not None:
        work.append((partial(write_film_mp4, drift=burn_in), report.film_mp4))
    # Pillow's codecs leave the interpreter free, so that two threads use two cores.
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, result, path) for write, path in work]:
            done.result()
    return report
