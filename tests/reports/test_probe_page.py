import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.copying.probe import probe
from simulacra.copying.probe_result import Probe
from simulacra.reports.probe_page import probe_json, sentences, write_probe

from .test_page import Page


@pytest.fixture
def found(tmp_path: Path) -> Probe:
    path = tmp_path / "<b>&.png"
    noise = np.random.default_rng(4).integers(60, 200, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(noise.repeat(6, axis=0).repeat(6, axis=1)).save(path)
    return probe(path, copier="jpeg:quality=20", copies=4)


def test_the_page_is_one_file_without_script(found: Probe, tmp_path: Path) -> None:
    write_probe(found, tmp_path / "probe.html")
    text = (tmp_path / "probe.html").read_text(encoding="utf-8")
    page = Page(text)
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "script-src" not in policy and page.all("script") == []
    assert "<b>&" not in text and "<b>&" in page.text
    assert len(page.all("img")) == 2 * len(found.pictures[0].chains)
    for sentence in sentences(found.pictures[0]):
        assert sentence in page.words()
    write_probe(found, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "probe.html").read_bytes()


def test_says_how_far_one_copy_goes_and_what_it_forgets(found: Probe) -> None:
    told = " ".join(sentences(found.pictures[0]))
    assert told.startswith("One copy of frame 0 lies ΔE00 ")
    assert "Run on from its end, the chain drifts " in told
    assert "The second copy moves " in told


def test_machines_get_every_number(found: Probe) -> None:
    (picture,) = json.loads(json.dumps(probe_json(found), allow_nan=False))["pictures"]
    assert picture["eigenvalue"] == {"undefined": "the copier is not differentiable"}
    assert picture["local"][0]["split"]["undefined"].startswith("1 replicates")
    assert set(picture["basins"]) == {"lightness_mean", "a_mean", "b_mean", "sharpness_laplacian"}
