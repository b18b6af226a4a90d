from dataclasses import replace

import pytest

from simulacra.reports import loop_fall
from simulacra.reports.loop_fall import BOX, LEVELS, modes, projection, ridges, scattered, spectrum
from simulacra.reports.loop_groups import LoopGroup, grouped

from .fabricated_loops import MODES, Loops


def lone(kind: str = "pictures", **changes: object) -> LoopGroup:
    (group,) = grouped([Loops(kind).record(**changes)])  # type: ignore[arg-type]
    return group


def test_projections_share_one_scale_and_outliers_stand_at_the_edge() -> None:
    record = Loops().record(generations=2)
    far = record.rounds[1].measured.model_copy(update={"projection": ((1e6, 0.0), (-1e6, 0.0))})
    record = replace(record, rounds=(record.rounds[0], record.rounds[1].model_copy(update={"measured": far})))
    (group,) = grouped([record])
    found = projection(group)
    assert found is not None
    assert all(0 <= place <= BOX for place in found.places[0][0])
    assert [found.places[0][1][0], found.places[0][1][2]] == [BOX, 0]
    assert [panel.generation for panel in found.panels] == [1, 2]
    assert found.panels[0].points == scattered(found.places[0][0])
    assert scattered((1, 2, 30, 4)) == "M1 2h0M30 4h0"
    assert projection(lone("line")) is None


def test_a_ridge_a_generation_over_the_real_density() -> None:
    found = ridges(lone("line", generations=3))
    assert found is not None
    assert [ridge.generation for ridge in found.ridges] == [1, 2, 3]
    first, last = found.ridges[0], found.ridges[-1]
    assert first.outline == first.real  # generation 1 is the truth here
    assert last.outline != last.real
    assert not found.clipped
    collapsed = ridges(lone("line", generations=12, fade=0.5))
    assert collapsed is not None and collapsed.clipped
    assert ridges(lone()) is None


def test_the_spectrum_is_a_line_a_generation_and_never_below_its_floor() -> None:
    found = spectrum(lone(generations=4))
    assert found is not None
    assert [generation for generation, _ in found.lines] == [1, 2, 3, 4]
    assert found.lines[0][1] == found.real
    assert not found.clipped
    gone = spectrum(lone(generations=8, fade=2.0))
    assert gone is not None and gone.clipped
    assert gone.rows.low == pytest.approx(1e-6)


def test_modes_fade_against_the_restarts_and_lost_ones_are_named() -> None:
    loops = Loops()
    (group,) = grouped([loops.record(), loops.record("null", generations=3)])
    found = modes(group)
    assert found is not None
    assert found.against == "restarts"
    assert [name for name, _, _ in found.rows] == list(MODES)
    levels = {name: [cell.level for cell in cells] for name, cells, _ in found.rows}
    assert levels["zero"][0] == LEVELS
    assert levels["three"][-1] == 0
    assert found.lost == MODES
    kept = modes(lone(fade=0.01))
    assert kept is not None and (kept.lost, kept.against) == ((), "generation 1")
    assert modes(lone("line")) is None


def test_long_loops_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_fall, "MOST_PANELS", 3)
    found = projection(lone(generations=7))
    assert found is not None
    assert [panel.generation for panel in found.panels] == [1, 4, 7]
    assert len(found.places[0]) == 7  # the script has them all
