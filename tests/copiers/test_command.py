import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulacra.cli import main
from simulacra.copiers import families


def test_every_copier_is_listed_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {entry["name"]: entry for entry in _json(capsys, "copiers")}
    assert set(listed) == set(families())
    for name, entry in listed.items():
        for fact in ("summary", "licence", "origin", "sizes", "determinism", "from"):
            assert entry[fact], f"{name} says no {fact}"
        assert {parameter["name"].replace("-", "_") for parameter in entry["parameters"]} == set(
            families()[name].Parameters.model_fields
        )
        assert all(parameter["description"] for parameter in entry["parameters"])


def test_parameters_come_with_default_and_rule(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = _json(capsys, "copiers", "jpeg")
    quality, subsampling = entry["parameters"]
    assert (quality["type"], quality["default"], quality["rule"]) == ("integer", 75, "at least 1 and at most 100")
    assert subsampling["rule"] == "one of 4:4:4, 4:2:2, 4:2:0"
    main(["copiers", "resize"])
    text = capsys.readouterr().out
    assert text.startswith("resize  ready, a control\n")
    assert "scale=NUMBER: resize to" in text
    assert "; above 0 and at most 4" in text


def test_states_say_what_to_type(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    (entry,) = _json(capsys, "copiers", "ffdnet")
    assert entry["state"] == "needs weights"
    assert entry["reason"].endswith("type: simulacra weights get ffdnet-colour")
    monkeypatch.setitem(sys.modules, "ncnn", None)
    (entry,) = _json(capsys, "copiers", "waifu2x")
    assert entry["state"] == "needs extra"
    assert entry["reason"].endswith("type: pip install 'simulacra[ncnn]'")


def test_an_unknown_name_is_told_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["copiers", "jpg"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "simulacra: copier 'jpg' is unknown; did you mean jpeg or jpegxl or jpeg2000?\n"


def test_a_plugin_that_does_not_load_hides_no_other(plugin: str, capsys: pytest.CaptureFixture[str]) -> None:
    site = Path(sys.path[0])
    (site / "simulacra_fixture_plugin" / "__init__.py").write_text("import nothing_of_this_name\n")
    listed = {entry["name"]: entry for entry in _json(capsys, "copiers")}
    assert listed["posterise"]["state"] == "broken"
    assert "nothing_of_this_name" in listed["posterise"]["reason"]
    assert listed["jpeg"]["state"] == "ready"
    main(["copiers"])
    assert "posterise  broken" in capsys.readouterr().out


def test_listing_does_not_import_torch() -> None:
    code = "import sys; from simulacra.cli import main; main(['copiers', '--json']); sys.exit('torch' in sys.modules)"
    listing = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=False)
    assert listing.returncode == 0, listing.stderr


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    main([*words, "--json"])
    listed: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return listed
