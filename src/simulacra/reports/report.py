"""Everything a run leaves for people and programs: page, film, strip, tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from simulacra.copying.result import CopyResult
from simulacra.reports.film import write_film_gif, write_film_webp, write_strip
from simulacra.reports.page import write_page
from simulacra.reports.pictures import check_frames
from simulacra.reports.tables import write_csv, write_json
from simulacra.reports.verdict import summary


@dataclass(frozen=True)
class Report:
    """The files of a report, all in the run's folder, and what they show in a few sentences."""

    headline: str
    page: Path
    film_webp: Path
    film_gif: Path
    strip: Path
    csv: Path
    json: Path


def write_report(result: CopyResult) -> Report:
    """Write page, film, strip and tables into the run's folder; each file is whole or absent, older ones are replaced.

    Args:
        result: the run, as `simulacra.copying.read_run` gives it.

    Raises:
        UserError: a frame is missing from the store, or the folder cannot be written.
    """
    check_frames(result)
    folder = result.folder
    report = Report(
        headline=summary(result),
        page=folder / "page.html",
        film_webp=folder / "film.webp",
        film_gif=folder / "film.gif",
        strip=folder / "strip.webp",
        csv=folder / "measures.csv",
        json=folder / "measures.json",
    )
    work: list[tuple[Callable[[CopyResult, Path], None], Path]] = [
        (write_film_gif, report.film_gif),  # the slowest first
        (write_film_webp, report.film_webp),
        (write_page, report.page),
        (write_strip, report.strip),
        (write_csv, report.csv),
        (write_json, report.json),
    ]
    # Pillow's codecs leave the interpreter free, so that two threads use two cores.
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, result, path) for write, path in work]:
            done.result()
    return report
