"""`simulacra runs` over a store with two short copying runs in it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulacra.canonical import identity
from simulacra.cli import main
from simulacra.images.pixels import pixel_digest
from simulacra.images.webp import encode
from simulacra.runs import Run, Store


@pytest.fixture
def runs(own_store: Path) -> list[Run]:
    """Two finished runs of a fading square, which part at frame 2; the store is that of the environment."""
    return [_fading(Store.open(own_store), speed) for speed in (1, 2)]


def _fading(store: Store, speed: int) -> Run:
    run = store.run(
        "copy", f"fading {speed}", {"speed": speed}, {"times": 3}, f"simulacra copy square.png --speed {speed}"
    )
    with run.writing() as journal:
        for frame, value in enumerate((0, 10, 20 * speed)):
            pixels = np.full((4, 4, 3), value, np.uint8)
            data = encode(pixels)
            journal.append(
                "step",
                chain="square/fading/1",
                frame=frame,
                step=identity("step", {"frame": frame, "value": value}),
                pixels=pixel_digest(pixels),
                blob=store.blobs.put(data),
                bytes=len(data),
                machine=None,
            )
        journal.finish("done", copies=2)
    return run


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and output of one command."""
    try:
        main(["runs", *arguments])
    except SystemExit as left:
        return int(left.code or 0), capsys.readouterr().out
    return 0, capsys.readouterr().out


def call_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints for machines."""
    return json.loads(call(capsys, *arguments, "--json")[1])


def test_list_names_every_run_with_its_command(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = call(capsys, "list")
    head, *lines = printed.splitlines()
    assert code == 0 and head.split() == ["run", "status", "started", "command"]
    assert {line.split()[0] for line in lines} == {run.id for run in runs}
    assert all("  done  " in line and "simulacra copy square.png --speed" in line for line in lines)
    listed = call_json(capsys, "list")
    assert {entry["identity"] for entry in listed} == {run.identity for run in runs}


def test_a_damaged_run_does_not_hide_the_others(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    (runs[0].folder / "spec.json").write_text("{")
    statuses = {entry["run"]: entry["status"] for entry in call_json(capsys, "list")}
    assert statuses == {runs[0].id: "damaged", runs[1].id: "done"}


def test_list_takes_another_store(runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.open(tmp_path / "other")
    assert call(capsys, "list", "--store", str(tmp_path / "other"))[1].splitlines() == ["run  status  started  command"]


def test_show_says_what_a_run_is(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = call(capsys, "show", "fading-1")
    for fact in (runs[0].id, runs[0].identity, "done", "1 attempt, 3 step", "square/fading/1, 3 frames", "numpy"):
        assert fact in printed
    shown = call_json(capsys, "show", "fading-1")
    assert shown["spec"] == runs[0].spec and shown["done"] == runs[0].done and shown["manifest"] == runs[0].manifest
    assert shown["chains"] == {"square/fading/1": 3}


def test_verify_tells_sound_from_damaged_by_its_exit_code(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = call(capsys, "verify")
    assert code == 0 and printed.startswith("2 runs, 8 events, 4 blobs, ") and printed.endswith("all sound\n")
    blob = next(iter(runs[0].store.blobs))
    path = runs[0].store.blobs.path(blob)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    code, printed = call(capsys, "verify")
    assert code == 1 and blob in printed and printed.endswith("1 damaged\n")
    assert len(call_json(capsys, "verify")["problems"]) == 1


def test_verify_checks_the_pixels_behind_a_sound_blob(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(own_store)
    data = encode(np.zeros((4, 4, 3), np.uint8))
    words = b"no picture"
    run = store.run("copy", "wrong", {}, {}, "simulacra copy")
    with run.writing() as journal:
        for content in (data, words):
            blob = store.blobs.put(content)
            journal.append("step", step="s1:a", blob=blob, bytes=len(content), machine=None, pixels="p1:another")
    code, printed = call(capsys, "verify", "wrong")
    assert code == 1
    assert "journalled as p1:another" in printed and "it is no picture" in printed


def test_rebuild_index_counts_the_steps(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    rows = runs[0].store.index.rows()
    assert call(capsys, "rebuild-index") == (0, "6 steps in the index\n")
    assert call_json(capsys, "rebuild-index") == {"steps": 6}
    assert Store.open().index.rows() == rows


def test_gc_is_dry_until_told_otherwise(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "gc") == (0, "nothing to remove\n")
    shutil.rmtree(runs[1].folder)
    before = list(runs[0].store.blobs)
    _, printed = call(capsys, "gc")
    assert printed.startswith("1 blob and 0 unfinished files, ") and "type: simulacra runs gc --no-dry" in printed
    assert list(runs[0].store.blobs) == before
    assert call_json(capsys, "gc", "--no-dry")["blobs"] == list(set(before) - set(runs[0].store.blobs))
    assert call(capsys, "verify")[0] == 0


def test_export_writes_a_store_that_lists_the_run(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    assert call(capsys, "export", "fading-2", str(away)) == (0, f"{away}\n")
    (listed,) = call_json(capsys, "list", "--store", str(away))
    assert listed["identity"] == runs[1].identity
    assert call(capsys, "verify", "--store", str(away))[0] == 0
    assert call(capsys, "export", "fading-2", str(away))[0] == 2


def test_diff_says_what_was_asked_and_where_chains_part(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = call(capsys, "diff", "fading-1", "fading-2")
    assert printed.splitlines()[1].split() == ["identity.speed", "1", "2"]
    assert printed.splitlines()[2] == "square/fading/1: part at frame 2: another step"
    _, printed = call(capsys, "diff", "fading-1", "fading-1")
    assert printed == "the specifications are equal\nsquare/fading/1: equal\n"
    (parting,) = call_json(capsys, "diff", "fading-1", "fading-2")["partings"]
    assert parting["frame"] == 2


@pytest.mark.parametrize("command", [["list"], ["verify"], ["gc"], ["rebuild-index"], ["show", "x"]])
def test_where_there_is_no_store_it_says_so_and_makes_none(
    command: list[str], own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["runs", *command])
    assert left.value.code == 2
    assert "there is no run store in" in capsys.readouterr().err
    assert not own_store.exists()
