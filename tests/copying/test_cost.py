"""What a run cost, from receipts and counters that are known."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

import simulacra.copying.experiment as subject
from simulacra import copy
from simulacra.copiers import Receipt
from simulacra.copying import CopyResult
from simulacra.copying.cost import cost
from simulacra.copying.energy import Energy
from simulacra.reports.costs import entries, sentence

from .toys import Darken


class Billed(Darken):
    """A service that charges 4 cents a copy, and refuses the third one for the same money."""

    family = "billed"

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        copies, _ = super().copy(pictures, seeds, step)
        effective = {"cost": {"prices_read": "2026-10-01"}}
        refusal = "no" if step == 3 else None
        return copies, [Receipt(30.0, effective, 0.04, 1500, refusal, sent="0" * 64)]


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(subject, "available_channels", lambda names: ({}, {}))
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((8, 8, 3), 100, dtype=np.uint8)).save(path)
    return path


def rows(result: CopyResult) -> dict[str, str]:
    return {entry.name: entry.amount for entry in entries(result)}


def test_a_service_is_added_up_with_what_it_refused(picture: Path) -> None:
    result = copy(picture, copier=Billed(), times=5, controls=False)
    spent = cost(result)
    assert (spent.copies, spent.refused, spent.hosted) == (2, 1, 2)
    assert spent.usd == pytest.approx(0.12, abs=1e-12)
    assert (spent.tokens, spent.prices_read, spent.unpriced) == (4500, ("2026-10-01",), 0)
    assert spent.elsewhere_watt_hours is not None
    assert spent.elsewhere_watt_hours.low == pytest.approx(3 * 1.35)
    assert rows(result)["Money"] == "$0.12"
    assert (sentence(result) or "").startswith("Cost: $0.12 for 2 copies, 4,500 tokens, ")


def test_frames_from_the_store_cost_nothing_again(picture: Path) -> None:
    copy(picture, copier=Darken(), times=3, controls=False)
    spent = cost(copy(picture, copier=Darken(), times=5, controls=False))
    assert (spent.copies, spent.reused, spent.usd, spent.tokens) == (2, 3, None, None)


def test_an_attempt_is_counted_once_however_often_the_run_is_read(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meter:
        def read(self) -> None:
            pass

        def energy(self, copies: int) -> Energy:
            return Energy({"processor": 18.0}, copies)

    monkeypatch.setattr("simulacra.copying.making.energy_meter", Meter)
    for _ in range(2):
        result = copy(picture, copier=Darken(), times=5, controls=False)
    assert result.energy == (Energy({"processor": 18.0}, 5),)
    assert rows(result)["Energy here"] == "0.005 Wh"


def test_what_nobody_measured_is_called_so(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=5, controls=False)
    unmeasured = replace(result, energy=(Energy({}, 5, "this machine shows no energy counter (RAPL or NVML)"),))
    assert rows(unmeasured)["Energy here"] == "not measured"
    assert "Water" not in rows(unmeasured)
    assert sentence(unmeasured) is None


def test_the_oceans_stay(picture: Path) -> None:
    """101 copies at 1.35 to 11.49 Wh and 0.26 mL for 0.24 Wh: 0.15 to 1.26 L, some 10^-22 of the oceans."""
    result = copy(picture, copier=Billed(), times=2, controls=False)
    frame = result.chains[0].frames[1]
    many = replace(result.chains[0], frames=(result.chains[0].frames[0], *[frame] * 101))
    shown = rows(replace(result, chains=(many,)))
    assert shown["Energy elsewhere"] == "perhaps 136 to 1160 Wh"
    assert shown["Water"] == "0.148 to 1.26 L"
    assert shown["Ocean drained"] == "1.1 × 10⁻²² to 9.4 × 10⁻²²"
