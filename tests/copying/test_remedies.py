"""Chains with a remedy, on a copier whose every frame is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simulacra.copying.experiment as subject
from simulacra import UserError, copy, read_run
from simulacra.copying import Chain, CopyResult, Ended
from simulacra.copying.remedies import make

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
