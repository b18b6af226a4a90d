"""The command line as a person meets it: exit codes, one sentence, nothing half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.cli import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    rng = np.random.default_rng(7)
    Image.fromarray(rng.integers(0, 256, (24, 37, 3), dtype=np.uint8)).save(path)
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence with which a command is refused."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    printed = capsys.readouterr()
    assert left.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("simulacra: ")
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cpy"], "copy"),
        (["copy", "{photo}"], "--copier"),
        (["copy", "--copier", "identity"], "no picture was given"),
        (["copy", "{photo}", "--copir", "identity"], "--copier"),
        (["copy", "{photo}", "--copier", "jpg"], "did you mean jpeg"),
        (["copy", "{photo}", "--copier", "jpeg:qualty=3"], "quality"),
        (["copy", "{photo}", "--copier", "jpeg:quality=300"], "quality"),
        (["copy", "{photo}", "--copier", "jpeg", "--times", "0"], "--times is 0"),
        (["copy", "{photo}", "--copier", "jpeg", "--times", "many"], "many"),
        (["copy", "{folder}/none.png", "--copier", "jpeg"], "none.png"),
        (["copy", "{folder}/empty", "--copier", "jpeg"], "empty"),
        (["copy", "{folder}/words.png", "--copier", "jpeg"], "words.png"),
        (["copy", "{photo}", "--copier", "jpeg", "--pixel-limit", "100"], "--pixel-limit"),
        (["copy", "{photo}", "--copier", "jpeg", "--store", "{folder}"], "store"),
        (["copy", "{photo}", "--copier", "jpeg", "--store", "{photo}"], "store"),
        (["copy", "--copier", "jpeg", "--fork", "nothing@3"], "no run store"),
        (["runs", "show", "nothing"], "no run store"),
        (["report", "nothing"], "no run store"),
        (["copiers", "jpg"], "jpeg"),
        (["weights", "get", "realesrgan-x4"], "realesrgan-x4plus"),
    ],
)
def test_bad_input_is_one_sentence(
    photo: Path, own_store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (photo.parent / "empty").mkdir()
    (photo.parent / "words.png").write_text("words")
    filled = [argument.format(photo=photo, folder=photo.parent) for argument in arguments]
    assert message in refused(capsys, *filled)
    assert not own_store.exists()


def test_a_name_that_is_not_utf8_is_printed_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/ph\xf6to.png")
    assert "\\xf6" in refused(capsys, "copy", name, "--copier", "jpeg").replace("\\udcf6", "\\xf6")


def test_copy_names_the_page_it_wrote(photo: Path, own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["copy", str(photo), "--copier", "jpeg:quality=60", "--times", "3"])
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert page.name == "page.html" and page.is_file()
    assert own_store.resolve() in page.resolve().parents


def test_json_is_all_that_goes_to_standard_output(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["copy", str(photo), "--copier", "jpeg:quality=60", "--times", "3", "--json"])
    summary = json.loads(capsys.readouterr().out)
    model, *controls = summary["chains"]
    assert Path(summary["page"]).is_file()
    assert Path(summary["folder"]).name == Path(summary["page"]).parent.name
    assert summary["run"].startswith("s1:")
    assert len(model["frames"]) == model["copies"] + 1
    assert all(digest.startswith("p1:") for digest in model["frames"])
    assert [control["copier"] for control in controls] == ["identity", "jpeg:quality=90"]
    assert model["measures"]["origin"]["psnr_rgb"][1] > 0
    assert len(model["measures"]["origin"]["psnr_rgb"]) == len(model["frames"])


def test_a_picture_with_a_name_that_is_not_utf8_is_copied(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/ph\xf6to.png")
    Path(name).write_bytes(photo.read_bytes())
    main(["copy", name, "--copier", "identity", "--times", "2", "--json"])
    assert json.loads(capsys.readouterr().out)["chains"][0]["copies"] == 1


def test_help_imports_no_torch() -> None:
    code = """
import sys
from simulacra.cli import main
try:
    main(["--help"])
finally:
    assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_an_interrupt_keeps_what_is_done_and_says_so(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulacra.copying.chain import ChainMaker

    make = ChainMaker._make

    def interrupted(self: ChainMaker, parent: object, index: int, *rest: object) -> object:
        if index == 3:
            raise KeyboardInterrupt
        return make(self, parent, index, *rest)  # type: ignore[arg-type]

    arguments = ["copy", str(photo), "--copier", "moving-grid", "--times", "5", "--no-controls", "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(ChainMaker, "_make", interrupted)
        with pytest.raises(SystemExit) as left:
            main(arguments)
    assert left.value.code == 130
    assert "the same command continues" in capsys.readouterr().err
    main(arguments)
    assert json.loads(capsys.readouterr().out)["chains"][0]["copies"] == 5
