import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.cli import main
from simulacra.copying.remedies import families


def test_every_remedy_is_listed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    main(["remedies", "--json"])
    listed = {facts["name"]: facts for facts in json.loads(capsys.readouterr().out)}
    assert list(listed) == list(families())
    assert listed["anchor"]["autonomous"] is False
    every, share = listed["anchor"]["parameters"]
    assert every == {
        "name": "every",
        "type": "integer",
        "default": 10,
        "rule": "at least 2",
        "description": "copies from one re-injection to the next",
    }
    assert share["rule"] == "above 0 and at most 1"
    main(["remedies"])
    printed = capsys.readouterr().out
    for name in families():
        assert f"{name}\n" in printed


def test_one_remedy_is_shown_alone_and_an_unknown_one_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    main(["remedies", "colour-lock"])
    printed = capsys.readouterr().out
    assert printed.startswith("colour-lock\n")
    assert "to=STRING (default origin)" in printed and "anchor" not in printed
    with pytest.raises(SystemExit) as left:
        main(["remedies", "color-lock"])
    assert left.value.code == 2
    assert "did you mean colour-lock" in capsys.readouterr().err


def test_copy_tells_what_a_remedy_gained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(7)
    Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    typed = ["copy", str(tmp_path / "photo.png"), "--copier", "jpeg:quality=20", "--times", "3", "--no-controls"]
    main([*typed, "--remedy", "higher-fidelity", "--channel", "colour"])
    page, *sentences = reversed(capsys.readouterr().out.splitlines())
    assert sentences[0].startswith("With higher-fidelity, half of the untreated drift in colour difference (")
    assert "What the remedies gained" in Path(page).read_text(encoding="utf-8")
    main([*typed, "--remedy", "higher-fidelity", "--channel", "colour", "--json"])
    (scored,) = json.loads(capsys.readouterr().out)["remedies"]
    assert scored["remedy"] == "higher-fidelity"
    assert scored["gains"]["delta_e00_pixel_mean"]["at_least"] is True


@pytest.mark.parametrize(
    ("remedy", "said"),
    [
        ("tighter-prompt", "copier identity has no prompt"),
        ("higher-fidelity", "copier identity has no setting"),
        ("mask", "remedy mask needs its mask"),
        ("colour-lock:to=next", "to of remedy colour-lock is next; it must be 'origin' or 'previous'"),
        ("low-frequency-lock:cutoff=0", "cutoff of remedy low-frequency-lock is 0; it must be greater than or equal"),
    ],
)
def test_a_remedy_that_cannot_be_is_one_sentence(
    tmp_path: Path, own_store: Path, capsys: pytest.CaptureFixture[str], remedy: str, said: str
) -> None:
    Image.new("RGB", (16, 16), "orange").save(tmp_path / "photo.png")
    with pytest.raises(SystemExit) as left:
        main(["copy", str(tmp_path / "photo.png"), "--copier", "identity", "--times", "2", "--remedy", remedy])
    error = capsys.readouterr().err
    assert left.value.code == 2
    assert said in error and error.count("\n") == 1
    assert not own_store.exists()
