import json
from pathlib import Path

import pytest

from simulacra.cli import main
from simulacra.reports import theory_page
from simulacra.reports.theory_figures import Effort, Figures

SMALL = ("--generator", "gaussian", "--data", "normal:dimensions=2", "--samples", "40", "--reference", "40")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A loop of two generations in a store; its id."""
    monkeypatch.chdir(tmp_path)
    asked = ("--generations", "2", "--seeds", "1", "--restarts", "2", "--processes", "1", "--json")
    main(["autophagy", "run", "--preset", "fresh-data", *SMALL, *asked])
    found: str = json.loads(capsys.readouterr().out)["run"]
    return found


def test_the_page_of_a_stored_loop_says_how_to_make_it_again(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["autophagy", "page", run])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "loop.html"
    assert printed[0].startswith("After 2 generations ")
    text = Path("loop.html").read_text(encoding="utf-8")
    assert "simulacra autophagy run --preset fresh-data --generator gaussian" in text
    main(["autophagy", "page", run, "--out", "other.html", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(Path("other.html").resolve())
    assert told["loops"]["fresh-data"][0] == printed[0]
    assert Path("other.html").read_bytes() == Path("loop.html").read_bytes()


def test_a_page_of_nothing_is_refused(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["autophagy", "page"])
    assert left.value.code == 2
    assert "no run was named" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["page", "fresh", "--out", "page.png"], "--out is page.png; the page is one HTML file, so name a .html"),
        (["theory", "--replicates", "1"], "replicates is 1; a standard error needs 2 or more"),
        (["theory", "--out", "theory"], "--out is theory; the page is one HTML file"),
    ],
)
def test_bad_input_is_one_sentence(
    typed: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["autophagy", *typed])
    assert left.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed and len(printed.splitlines()) == 1


def test_theory_passes_on_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Effort] = []

    def write(out: Path, *, effort: Effort, watcher: object) -> Figures:
        asked.append(effort)
        return Figures(effort, (), (), (), (), (), ())

    monkeypatch.setattr(theory_page, "write_theory_page", write)
    out = str(tmp_path / "theory.html")
    main(["autophagy", "theory", "--dimension", "5", "--replicates", "3", "--seed", "7", "--out", out, "--json"])
    assert asked == [Effort(5, 3, 7)]
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == out
    assert told["effort"] == {"dimension": 5, "replicates": 3, "seed": 7}
