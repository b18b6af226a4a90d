"""`simulacra probe` over a codec."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.cli import main


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "drawn.png"
    Image.fromarray(np.random.default_rng(4).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return path


def test_says_its_sentences_and_names_the_page(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["probe", str(picture), "-c", "jpeg:quality=20", "--copies", "3", "--frames", "0,2"])
    told = capsys.readouterr()
    assert told.out.startswith("drawn: One copy of frame 0 lies ΔE00 ")
    assert "drawn: One copy of frame 2 lies" in told.out
    assert Path(told.out.splitlines()[-1]).name == "probe.html"
    assert "draws nothing at random" not in told.out  # told on the other stream
    main(["probe", str(picture), "-c", "jpeg:quality=20", "--copies", "3", "--frames", "0,2", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["copier"] == "jpeg:quality=20" and Path(found["page"]).is_file()


def test_frames_that_are_none_are_refused(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["probe", str(picture), "-c", "jpeg", "--frames", "first"])
    assert left.value.code == 2
    assert "--frames is first; it must be frames such as 0,10" in capsys.readouterr().err
