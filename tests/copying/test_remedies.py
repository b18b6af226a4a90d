"""Chains with a remedy, on a copier whose every frame is known."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simulacra.copying.experiment as subject
from simulacra import UserError, copy, read_run
from simulacra.copying import Chain, CopyResult, Ended
from simulacra.copying.remedies import make
from simulacra.registry import registry

from .toys import Darken


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "available_channels", lambda names: ({}, {}))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((8, 8, 3), 100, dtype=np.uint8)).save(path)
    return path


def levels(result: CopyResult, chain: Chain) -> list[int]:
    return [int(result.frame_pixels(frame)[0, 0, 0]) for frame in chain.frames]


def test_the_copier_is_shown_the_original_every_few_copies(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=7, controls=False, remedies=["anchor:every=3"])
    alone, treated = result.chains
    assert (alone.remedy, treated.remedy) == (None, "anchor:every=3")
    assert levels(result, alone) == [100, 99, 98, 97, 96, 95, 94, 93]
    assert levels(result, treated) == [100, 99, 98, 99, 98, 97, 99, 98]
    assert "--remedy anchor:every=3" in result.command


def test_a_share_mixes_the_original_with_the_frame_before(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=8, controls=False, remedies=["anchor:every=8,share=0.5"])
    # Copy 8 is given half of 93 and half of 100, 96.5, and takes one level off; ties round to even: 95.5 is 96.
    assert levels(result, result.chains[1])[-1] in (95, 96)


def test_copies_before_the_first_anchor_are_not_shared_with_the_chain_left_alone(picture: Path) -> None:
    copier = Darken()
    copy(picture, copier=copier, times=3, controls=False, remedies=["anchor:every=2"])
    assert copier.calls == 6


def test_a_treated_run_is_read_back_and_made_again_from_the_store(picture: Path) -> None:
    first = copy(picture, copier=Darken(), times=4, controls=False, remedies=["anchor:every=2"])
    copier = Darken()
    again = copy(picture, copier=copier, times=4, controls=False, remedies=["anchor:every=2"])
    assert copier.calls == 0
    assert again.identity == first.identity != copy(picture, copier=Darken(), times=4, controls=False).identity
    assert read_run(first.folder.name).chains == first.chains


def test_a_repeat_proves_nothing_when_the_remedy_changes_with_the_step(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=6, controls=False, remedies=["anchor:every=2"])
    assert levels(result, result.chains[1]) == [100, 99, 99, 98, 99, 98, 99]
    assert result.chains[1].ending.reason is Ended.TIMES


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match=r"every of remedy anchor is 1; it must be greater than or equal to 2"):
        make("anchor:every=1")
    with pytest.raises(UserError, match=r"remedy 'ancor' is unknown; did you mean anchor\?"):
        make("ancor")


def test_a_remedy_named_twice_in_two_ways_is_made_once(picture: Path) -> None:
    named = ["anchor", "anchor:every=10", "colour-lock+anchor", "colour-lock+anchor:every=10"]
    result = copy(picture, copier=Darken(), times=2, controls=False, remedies=named)
    assert [chain.remedy for chain in result.chains] == [None, "anchor", "colour-lock+anchor"]


def test_several_remedies_in_turn_are_one_arm(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=4, controls=False, remedies=["colour-lock+anchor:every=2"])
    assert levels(result, result.chains[1]) == [100, 100, 100, 100, 100]
    assert result.chains[1].ending.reason is Ended.TIMES  # the anchor makes the map change with the step


def test_a_colour_lock_alone_finds_the_fixed_point(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=9, controls=False, remedies=["colour-lock"])
    assert (result.chains[1].ending.reason, result.chains[1].ending.settled) == (Ended.FIXED_POINT, 0)


def test_a_stricter_copier_is_asked_and_the_run_says_so(picture: Path) -> None:
    result = copy(picture, copier="jpeg:quality=30", times=2, controls=False, remedies=["higher-fidelity"])
    alone, treated = result.chains
    assert (alone.copier, treated.copier) == ("jpeg:quality=30", "jpeg:quality=30")
    assert treated.frames[1].receipt["effective"]["quality"] == 95
    assert alone.frames[1].receipt["effective"]["quality"] == 30


def test_a_mask_that_does_not_fit_stops_the_run_before_anything_is_written(picture: Path, own_store: Path) -> None:
    Image.fromarray(np.eye(9, 4, dtype=np.uint8) * 255).save(picture.parent / "mask.png")
    with pytest.raises(UserError, match="is 4x9 px, which is not the shape of a picture of 8x8 px"):
        copy(picture, copier=Darken(), times=2, remedies=[f"mask:file={picture.parent / 'mask.png'}"])
    assert not own_store.exists()


def test_a_resized_mask_is_told(picture: Path) -> None:
    from simulacra.copying import Silent

    told: list[str] = []

    class Listening(Silent):
        def tell(self, sentence: str) -> None:
            told.append(sentence)

    mask = picture.parent / "mask.png"
    Image.fromarray(np.kron(np.eye(4, dtype=np.uint8), np.full((4, 4), 255, dtype=np.uint8))).save(mask)
    copy(picture, copier=Darken(), times=1, controls=False, remedies=[f"mask:file={mask}"], watcher=Listening())
    assert f"grey with mask:file={mask}: the mask was resized from 16x16 to 8x8 px" in told


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example of docs/remedies.md as an installed package."""
    text = (Path(__file__).parents[2] / "docs" / "remedies.md").read_text(encoding="utf-8")
    module = next(block for block in text.split("```") if block.startswith("python") and "class Halfway" in block)
    site = tmp_path / "site"
    info = site / "halfway-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "halfway.py").write_text(module.removeprefix("python\n"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halfway\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[simulacra.remedies]\nhalfway = halfway:Halfway\n")
    monkeypatch.syspath_prepend(str(site))
    registry.cache_clear()
    yield
    sys.modules.pop("halfway", None)
    registry.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_a_remedy_of_another_package_is_one_like_any_other(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=4, controls=False, remedies=["halfway:share=0.25"])
    # 100 - 1 and a quarter of the way back, 99.25, is 99 again at the second copy: 98 + 0.5, a tie, is 98 to even.
    assert levels(result, result.chains[1])[:2] == [100, 99]
    assert min(levels(result, result.chains[1])) >= 97
    assert registry("remedy").source("halfway") == "halfway 1.0"


COMMAND = ["--copier", "moving-grid", "--no-controls", "--times", "5", "--size", "48", "--channel", "colour", "--json"]
REMEDIES = ["colour-lock", "low-frequency-lock", "anchor:every=3", "higher-fidelity", "colour-lock+mask:file=mask.png"]


def typed(folder: Path, portrait: Path, store: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    remedies = [word for text in REMEDIES for word in ("--remedy", text)]
    return subprocess.run(
        [sys.executable, "-m", "simulacra", "copy", str(portrait), *COMMAND, *remedies, "--store", store],
        cwd=folder,
        env={**os.environ, **({"SIMULACRA_FAULT": fault} if fault else {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_killed_run_with_remedies_ends_as_if_it_had_not_been(portrait: Path, tmp_path: Path) -> None:
    mask = np.zeros((48, 48), dtype=np.uint8)
    mask[8:40, 8:40] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    undisturbed = json.loads(typed(tmp_path, portrait, "one").stdout)
    # Within the second treated chain, between a blob and its journal line.
    assert typed(tmp_path, portrait, "other", "kill@blob-placed:13").returncode == -signal.SIGKILL
    again = typed(tmp_path, portrait, "other")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert [chain["frames"] for chain in told["chains"]] == [chain["frames"] for chain in undisturbed["chains"]]
    assert told["remedies"] == undisturbed["remedies"]
    assert [chain["remedy"] for chain in told["chains"]] == [None, *REMEDIES]
