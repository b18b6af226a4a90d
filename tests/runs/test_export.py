from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from simulacra.errors import UserError
from simulacra.runs import Run, Store, export, verify


@pytest.mark.parametrize("name", ["away.zip", "away"])
def test_an_export_opens_as_a_store_of_one_run(
    finished: Run, tmp_path: Path, count: Callable[..., Run], results: Callable[..., Any], name: str
) -> None:
    count(finished.store.folder, 2, 96)  # another run, which stays behind
    (finished.folder / "checkpoints").mkdir()
    (finished.folder / "checkpoints" / "page.html").write_text("<html>")
    written = export(finished, tmp_path / name)
    folder = written
    if written.suffix == ".zip":
        folder = tmp_path / "unpacked"
        ZipFile(written).extractall(folder)
    store = Store.open(folder)
    (run,) = store.runs()
    assert results(run) == results(finished)
    assert (run.folder / "checkpoints" / "page.html").read_text() == "<html>"
    found = verify(store)
    assert found.problems == [] and found.blobs == 3
    assert results(count(folder, 4)) == results(count(tmp_path / "other", 4))


def test_equal_runs_give_equal_archives(finished: Run, tmp_path: Path) -> None:
    first, second = export(finished, tmp_path / "a.zip"), export(finished, tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()


def test_a_torn_line_stays_behind(finished: Run, tmp_path: Path) -> None:
    (finished.folder / "done.json").unlink()
    with (finished.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"sequence":')
    (run,) = Store.open(export(finished, tmp_path / "away")).runs()
    assert (run.folder / "journal.jsonl").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("name", ["away.zip", "away"])
def test_what_exists_is_not_replaced(finished: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} exists already"):
        export(finished, tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["away.zip", "away"])
def test_a_damaged_frame_stops_it_and_nothing_is_left(finished: Run, tmp_path: Path, name: str) -> None:
    blob = next(iter(finished.store.blobs))
    finished.store.blobs.path(blob).unlink()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=f"{blob} is missing"):
        export(finished, tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["away.zip", "away"])
def test_a_destination_in_no_folder_is_told(finished: Run, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        export(finished, tmp_path / "nowhere" / name)
