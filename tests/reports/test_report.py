import os
from pathlib import Path

import pytest

from simulacra.copying.result import CopyResult, Ended, Ending
from simulacra.errors import UserError
from simulacra.reports import write_report

from .conftest import Runs, melting, portrait

FILES = ["film.gif", "film.mp4", "film.webp", "measures.csv", "measures.json", "page.html", "strip.webp"]


def test_writes_every_file_and_nothing_else(result: CopyResult) -> None:
    report = write_report(result)
    assert sorted(path.name for path in result.folder.iterdir()) == FILES
    assert all(path.parent == result.folder for path in (report.page, report.film_webp, report.film_gif, report.strip))
    assert report.headline.startswith("After 20 copies by melting")


def test_the_same_run_gives_the_same_bytes(result: CopyResult) -> None:
    write_report(result)
    first = {name: (result.folder / name).read_bytes() for name in FILES}
    write_report(result)
    assert {name: (result.folder / name).read_bytes() for name in FILES} == first


def test_a_chain_refused_at_its_first_copy_still_has_a_report(runs: Runs) -> None:
    chain = runs.chain([portrait(32)], ending=Ending(Ended.REFUSED, 0, message="quota used up"))
    report = write_report(runs.result([chain], 101))
    assert "quota used up" in report.page.read_text(encoding="utf-8")


def test_pictures_of_one_pixel_have_a_report(runs: Runs) -> None:
    assert write_report(melting(runs, size=1, copies=2)).page.exists()


def test_a_missing_frame_is_told_before_anything_is_written(result: CopyResult) -> None:
    result.frame_file(result.chains[0].frames[7]).unlink()
    with pytest.raises(UserError, match=r"frame 7 of chain astronaut/melting/1 is missing .* simulacra runs verify"):
        write_report(result)
    assert list(result.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(result: CopyResult) -> None:
    Path(result.folder).rmdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_report(result)


def test_a_disk_that_fills_up_leaves_no_half_file(result: CopyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError):
        write_report(result)
    assert list(result.folder.iterdir()) == []
