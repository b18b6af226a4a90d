"""`simulacra card` over a real, small run."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.cli import main
from simulacra.copying import copy


@pytest.fixture
def darkening(tmp_path: Path) -> str:
    """A run of a codec on two pictures, measured in colour alone."""
    generator = np.random.default_rng(1)
    for name in ("one", "two"):
        Image.fromarray(generator.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    pictures = [tmp_path / "one.png", tmp_path / "two.png"]
    return copy(pictures, copier="jpeg:quality=20", times=8, controls=False, channels=["colour"]).folder.name


def test_writes_the_card_beside_the_run_and_says_it(darkening: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["card", darkening])
    told = capsys.readouterr().out
    assert told.startswith("# Where jpeg:quality=20 takes a picture\n")
    page = Path(told.splitlines()[-1])
    assert page.name == "card.html" and page.parent.name == darkening
    assert "no control chain was made" in page.read_text(encoding="utf-8")


def test_prints_json_and_writes_where_it_is_told(
    darkening: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["card", darkening, "--out", str(tmp_path / "mine.html"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["copier"], found["pictures"]) == ("jpeg:quality=20", ["one", "two"])
    assert Path(found["page"]) == tmp_path / "mine.html"
    assert (tmp_path / "mine.html").is_file()


def test_no_run_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["card"])
    assert left.value.code == 2
    assert "a card was asked of no run; name one or more, such as: simulacra card RUN" in capsys.readouterr().err
