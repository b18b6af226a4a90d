import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Receipt, make
from simulacra.copying.attractor import attractor
from simulacra.copying.dynamics import Decomposition, Estimate, Interval, jacobian_of_copier
from simulacra.copying.probe import probe
from simulacra.copying.probe_result import Eigen, estimate_from_json, estimate_to_json
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.runs import Store

COPIES = 6


class Pull(Copier):
    """Brings every value nearer to middle grey by a fifth."""

    family = "pull"
    summary = licence = origin = "A toy."
    determinism = Determinism.EXACT
    differentiable = True

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        self.calls += 1
        return 0.5 + 0.8 * (pictures - 0.5), [Receipt(0.0) for _ in seeds]


class Lucky(Pull):
    """Adds one grey level to all pixels, drawn from the seed; can be told to break down at some call."""

    family = "lucky"
    seeded = True
    differentiable = False

    def __init__(self, breaks_at: int | None = None, refuses: bool = False) -> None:
        super().__init__()
        self.breaks_at = breaks_at
        self.refuses = refuses

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        made, receipts = super().copy(pictures, seeds, step)
        if self.calls == self.breaks_at:
            raise RuntimeError("the power failed")
        if self.refuses and step == 1 and seeds[0] % 2:
            return pictures, [Receipt(0.0, refusal="not this one") for _ in seeds]
        drawn = [torch.randn((), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return (made + 0.02 * torch.stack(drawn)[:, None, None, None]).clamp(0, 1), receipts


class Forgetful(Lucky):
    family = "forgetful"
    determinism = Determinism.NEVER


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "drawn.png"
    noise = np.random.default_rng(4).integers(60, 200, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(noise.repeat(6, axis=0).repeat(6, axis=1)).save(path)
    return path


def test_a_copier_that_shrinks_every_difference_by_a_fifth(picture: Path) -> None:
    found = probe(picture, copier=Pull(), copies=COPIES, frames=(0, 3))
    (probed,) = found.pictures
    assert list(probed.chains) == ["as given", "mirrored", "warmer", "cooler", "darker", "noisy", "from its end"]
    assert isinstance(probed.twins, Estimate)
    # Twins are followed as floats, beside a chain that is not rounded: 1e-4 is what float32 loses of differences.
    assert probed.twins.value == pytest.approx(math.log(0.8), abs=1e-4)
    assert isinstance(probed.eigen, Eigen)
    assert (probed.eigen.modulus, probed.eigen.converged) == (pytest.approx(0.8, abs=1e-5), True)
    basin = probed.basins["b_mean"]
    assert not isinstance(basin, Undefined) and basin.verdict == "they converge"
    # In CIELAB the shares would be about 0.8^6 and 0.8; CIEDE2000 weighs the same difference more the nearer to grey.
    assert isinstance(probed.run_on.value, float) and 0.8**COPIES < probed.run_on.value < 0.8
    assert isinstance(probed.idempotence.value, float) and 0.8 < probed.idempotence.value < 1
    assert [local.frame for local in probed.local] == [0, 3]
    assert [len(local.distances) for local in probed.local] == [1, 1]  # it draws nothing, so one copy tells all


def test_bias_and_luck_of_one_copy(picture: Path) -> None:
    (probed,) = probe(picture, copier=Lucky(), copies=2, replicates=24).pictures
    (local,) = probed.local
    assert isinstance(local.split, Decomposition) and local.split.replicates == 24
    assert isinstance(local.split.variance.interval, Interval)
    # Near middle grey L* changes by about 100 a unit of sRGB, so a standard deviation of 0.02 is about 2.0 in L*.
    assert 2.0**2 in local.split.variance.interval
    assert probed.eigen == Undefined("the copier is not differentiable")


def test_a_probe_that_was_stopped_goes_on_where_it_was(picture: Path, tmp_path: Path) -> None:
    whole = probe(picture, copier=Lucky(), copies=COPIES, store=tmp_path / "whole")
    broken = Lucky(breaks_at=7 * COPIES + 4)  # seven chains, and then the fourth copy of the frame
    with pytest.raises(RuntimeError, match="the power failed"):
        probe(picture, copier=broken, copies=COPIES, store=tmp_path / "broken")
    after = Lucky()
    again = probe(picture, copier=after, copies=COPIES, store=tmp_path / "broken")
    assert after.calls == 5 + COPIES + COPIES // 2  # of eight copies three were there; then the twins
    assert replace(again, copied=whole.copied).pictures[0].local == whole.pictures[0].local
    assert again.pictures[0].twins == whole.pictures[0].twins
    idle = Lucky()
    probe(picture, copier=idle, copies=COPIES, store=tmp_path / "broken")
    assert idle.calls == 0
    assert Store.open(tmp_path / "broken").runs()[0].status == "done"


def test_twins_need_a_copier_that_answers_alike(picture: Path) -> None:
    (probed,) = probe(picture, copier=Forgetful(), copies=2, replicates=3).pictures
    assert isinstance(probed.twins, Undefined) and "answers differently" in probed.twins.reason


def test_a_refused_copy_is_none(picture: Path) -> None:
    found = probe(picture, copier=Lucky(refuses=True), copies=1, replicates=8)
    distances = found.pictures[0].local[0].distances
    assert 0 < len(distances) < 8


def test_a_renamed_picture_keeps_its_first_name(picture: Path) -> None:
    probe(picture, copier=Pull(), copies=2)
    renamed = picture.rename(picture.with_name("other.png"))
    idle = Pull()
    assert probe(renamed, copier=idle, copies=2).pictures[0].picture == "drawn"
    assert idle.calls == 0


def test_a_card_is_not_made_of_the_versions_of_one_picture(picture: Path) -> None:
    with pytest.raises(UserError, match="is a probe, whose pictures are versions of one"):
        attractor([probe(picture, copier=Pull(), copies=2).copied])


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda path: probe(path, copier="jpeg", frames=(-1,)), "--frames is -1"),
        (lambda path: probe(path, copier="jpeg", frames=()), "--frames is empty"),
        (lambda path: probe(path, copier="jpeg", twins=0), "--twins is 0; it must be 1 or more"),
        (lambda path: probe(path, copier="jpeg", difference=0.9), r"--difference is 0\.9"),
        (lambda path: probe([], copier="jpeg"), "no picture was given"),
    ],
)
def test_bad_input(picture: Path, ask: Callable[[Path], object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        ask(picture)


def test_an_estimate_survives_the_journal() -> None:
    for estimate in (
        Estimate(1.5, Interval(1.0, math.inf, 0.95, "by hand")),
        Estimate(Undefined("no twin"), Interval(-math.inf, 2.0, 0.9, "by hand")),
        Estimate(0.25, Undefined("1 twin")),
    ):
        assert estimate_from_json(estimate_to_json(estimate)) == estimate


def test_a_jacobian_can_be_asked_of_a_real_copier_that_was_used_before(taef2_folder: Path) -> None:
    copier = make(f"taesd:folder={taef2_folder}")
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    copier.copy(picture, [0], 1)
    assert jacobian_of_copier(copier, picture, products=2).modulus > 0
