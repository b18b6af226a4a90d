from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simulacra.copiers import make
from simulacra.copiers.conformance import CHECKS, gives_receipts
from simulacra.copying import copy
from simulacra.copying.result import CopyResult, Ended
from simulacra.errors import UserError
from simulacra.images.pixels import to_picture
from simulacra.images.webp import decode

NOT_OF_A_CHAIN = [check for check in CHECKS if check is not gives_receipts]
"""That check copies pictures of its own, which a replay must refuse."""


@pytest.fixture
def run(portrait: Path) -> CopyResult:
    """Three copies by a copier that is another one at each step, so that a frame's place matters."""
    return copy(portrait, copier="moving-grid:quality=20", times=3, size=48, controls=["jpeg:quality=5"])


@pytest.mark.parametrize("check", NOT_OF_A_CHAIN, ids=lambda check: check.__name__)
def test_conforms(check: Callable[[str], None], run: CopyResult) -> None:
    check(f"replay:run={run.folder.name}")


def test_each_frame_is_answered_by_the_next(run: CopyResult) -> None:
    replay, frames = make(f"replay:run={run.folder.name}"), _frames(run, 0)
    for step in range(1, 4):
        copies, receipts = replay.copy(frames[step - 1], [0], step)
        assert torch.equal(copies, frames[step])
        assert receipts[0].effective["frame"] == step


def test_another_chain_of_the_run(run: CopyResult) -> None:
    replay, frames = make(f"replay:run={run.folder.name},chain=2"), _frames(run, 1)
    assert torch.equal(replay.copy(frames[0], [0], 1)[0], frames[1])
    assert not torch.equal(frames[1], _frames(run, 0)[1])


def test_a_replayed_run_has_the_same_frames(run: CopyResult, portrait: Path) -> None:
    again = copy(portrait, copier=f"replay:run={run.folder.name}", times=9, size=48, controls=False)
    assert [frame.pixels for frame in again.chains[0].frames] == [frame.pixels for frame in run.chains[0].frames]
    assert again.chains[0].ending.reason is Ended.REFUSED
    assert again.chains[0].ending.message is not None
    assert again.chains[0].ending.message.endswith("ends with this frame, number 3")


def test_a_chain_that_settled_stays_settled(portrait: Path) -> None:
    settled = copy(portrait, copier="jpeg:quality=5", times=40, size=32, controls=False)
    ending = settled.chains[0].ending
    assert ending.reason is Ended.FIXED_POINT
    again = copy(portrait, copier=f"replay:run={settled.folder.name}", times=45, size=32, controls=False)
    assert len(again.chains[0].frames) == 46
    assert again.chains[0].frames[45].pixels == settled.chains[0].frames[ending.copies].pixels


def test_a_picture_of_another_chain_is_refused(run: CopyResult, crop: Tensor) -> None:
    copies, receipts = make(f"replay:run={run.folder.name}").copy(crop, [0], 1)
    assert receipts[0].refusal is not None
    assert receipts[0].refusal.endswith("does not hold this picture; give it that run's own, at that run's --size")
    assert torch.equal(copies, crop)


def test_identity_is_the_frames_and_not_the_place(run: CopyResult, tmp_path: Path) -> None:
    before = make(f"replay:run={run.folder.name}").operator()
    assert before != make(f"replay:run={run.folder.name},chain=2").operator()
    moved = run.folder.parent.rename(tmp_path / "moved")
    assert make(f"replay:run={run.folder.name},store={moved}").operator() == before


def test_what_is_not_there_is_told(run: CopyResult) -> None:
    for text, sentence in [
        ("replay", r"^copier replay needs a run; type replay:run=ID"),
        ("replay:run=none", r"^run 'none' is unknown"),
        (
            f"replay:run={run.folder.name},chain=3",
            r"^chain of copier replay is 3, and run .* has 2; give 1 or another$",
        ),
        ("replay:run=x,store=/nowhere-at-all", r"^there is no run store in /nowhere-at-all"),
    ]:
        with pytest.raises(UserError, match=sentence):
            make(text).check()


def _frames(run: CopyResult, chain: int) -> list[Tensor]:
    from simulacra.runs.blobs import Blobs

    blobs = Blobs(run.blobs)
    return [to_picture(decode(blobs.get(frame.blob))) for frame in run.chains[chain].frames]
