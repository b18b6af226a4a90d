"""`simulacra compare` and `simulacra benchmark` as a person types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra import copy
from simulacra.cli import app, main


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    level = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(level).save(path)
    return path


def run_of(picture: Path, copier: str, times: int = 3) -> str:
    return copy(picture, copier=copier, times=times, channels=["colour"]).folder.name


def test_ranks_runs_and_writes_the_page(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [run_of(picture, "jpeg:quality=10"), run_of(picture, "jpeg:quality=90", times=4)]
    out = tmp_path / "page.html"
    app(["compare", *runs, "--out", str(out)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("After 3 copies of 1 picture, jpeg:quality=90 has drifted least, ΔE00 ")
    assert lines[2].split()[:3] == ["copier", "Colour", "difference,"]
    assert [line.split()[0] for line in lines[3:5]] == ["jpeg:quality=90", "jpeg:quality=10"]
    assert "Runs of up to 4 copies are compared at copy 3, the last one of the shortest run." in lines
    assert "One picture tells nothing about another, so there is no interval and no order: give more pictures." in lines
    assert lines[-1] == str(out)
    assert f"simulacra compare {' '.join(runs)}" in out.read_text(encoding="utf-8")


def test_prints_json_alone(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [run_of(picture, "jpeg"), run_of(picture, "webp")]
    out = tmp_path / "page.html"
    app(["compare", *runs, "--json", "--out", str(out)])
    table = json.loads(capsys.readouterr().out)
    assert table["page"] == str(out)
    assert {contender["copier"] for contender in table["contenders"]} == {"jpeg", "webp"}
    (colour,) = table["channels"]
    assert colour["standings"][0]["excess"]["no_interval"] == "one picture does not tell how another would fare"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no run was given to compare"),
        (["no-such-run"], "no-such-run"),
        (["jpeg-"], "jpeg is all that these runs hold"),
    ],
)
def test_refuses_what_cannot_be_compared(
    given: list[str], message: str, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_of(picture, "jpeg")
    with pytest.raises(SystemExit) as left:
        main(["compare", *given])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_benchmark_ends_with_its_table(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = [
        "benchmark",
        "-c",
        "jpeg",
        "-c",
        "moving-grid",
        "--picture",
        str(picture),
        "--times",
        "3",
        "--out",
        str(out),
    ]
    words += ["--channel", "colour", "--workers", "1"]
    app(words)
    printed = capsys.readouterr()
    assert "drifted least" in printed.out.splitlines()[0]
    assert printed.out.splitlines()[-1] == str(out / "table.html")
    assert "2 copiers by 1 picture, 1 worker: 2 runs" in printed.err
    table = json.loads((out / "table.json").read_text(encoding="utf-8"))
    assert table["made"]["seconds_a_copy"].keys() == {"jpeg", "moving-grid"}


def test_a_benchmark_of_nothing_that_runs_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["benchmark", "--copier", "onnx"])
    assert left.value.code == 2
    assert "copier onnx needs a file" in capsys.readouterr().err
