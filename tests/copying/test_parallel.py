"""Chains of a copier that mostly waits are made at the same time; nothing else about them changes."""

from collections.abc import Sequence
from pathlib import Path
from threading import Barrier, Lock

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

import simulacra.copying.experiment as subject
from simulacra import UserError, copy
from simulacra.copiers import Receipt

from .toys import Noise


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "available_channels", lambda names: ({}, {}))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((8, 8, 3), 128, dtype=np.uint8)).save(path)
    return path


class Waiting(Noise):
    """Answers only when four copies are under way together: one alone would wait for ever."""

    family = "waiting"
    concurrency = 4

    def __init__(self) -> None:
        super().__init__()
        self.together = Barrier(4, timeout=20)

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        self.together.wait()
        return super().copy(pictures, seeds, step)


class Failing(Noise):
    """Breaks down at its third call."""

    family = "failing"
    concurrency = 2

    def __init__(self) -> None:
        super().__init__()
        self.willing, self.made, self._lock = False, 0, Lock()

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        with self._lock:
            self.made += 1
            if self.made == 3 and not self.willing:
                raise UserError("the service is gone")
        return super().copy(pictures, seeds, step)


def test_chains_are_made_at_the_same_time_and_stay_apart(picture: Path) -> None:
    result = copy(picture, copier=Waiting(), times=3, controls=False, replicates=4)
    alone = copy(picture, copier=Noise(), times=3, controls=False, replicates=4)
    assert [chain.replicate for chain in result.chains] == [1, 2, 3, 4]
    for chain, same in zip(result.chains, alone.chains, strict=True):  # a seed does not know the copier
        assert [frame.pixels for frame in chain.frames] == [frame.pixels for frame in same.frames]


def test_a_failure_stops_the_others_and_loses_no_copy_that_was_made(picture: Path) -> None:
    copier = Failing()
    with pytest.raises(UserError, match="the service is gone"):
        copy(picture, copier=copier, times=50, controls=False, replicates=2)
    before = copier.made
    assert before < 100
    copier.willing = True
    result = copy(picture, copier=copier, times=50, controls=False, replicates=2)
    assert [chain.ending.copies for chain in result.chains] == [50, 50]
    assert copier.made - before == 100 - (before - 1)  # every copy but the one that failed was kept
