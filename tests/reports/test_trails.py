import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from simulacra.copying.result import Chain, CopyResult
from simulacra.measures.contract import Undefined
from simulacra.measures.face import Face
from simulacra.measures.face_mesh import POINTS
from simulacra.reports.trails import COLOURS, MOST_FRAMES, TRACED, Trails, trails

from .conftest import Runs, melt, portrait


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float | None]], None]:
    """Let the networks find a face that stands so many px to the right in each frame; None is no face."""

    def install(shifts: Sequence[float | None]) -> None:
        rest = iter(shifts)

        def prepare(self: Face, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
            shift = next(rest)
            mesh = torch.arange(2 * POINTS, dtype=torch.float64).reshape(1, POINTS, 2) / 30
            return {"points": mesh * torch.nan if shift is None else mesh + torch.tensor([shift, 0.0])}

        monkeypatch.setattr(Face, "unavailable", lambda self: None)
        monkeypatch.setattr(Face, "prepare", prepare)

    return install


def _run(runs: Runs, present: Sequence[bool]) -> tuple[CopyResult, Chain]:
    chain = runs.chain(melt(portrait(48), len(present) - 1))
    values = {**chain.values, "frame": {**chain.values["frame"], "face_present": tuple(map(float, present))}}
    chain = replace(chain, values=values)
    return runs.result([chain], len(present) - 1), chain


def test_every_point_is_followed_from_face_to_face(runs: Runs, faces: Callable[..., None]) -> None:
    faces([0, 1, 3])
    drawn = trails(*_run(runs, [True, True, True, False, False]))
    assert isinstance(drawn, Trails)
    assert drawn.copies == (0, 1, 2)
    assert [place[0] - drawn.places[0][0] for place in drawn.places] == pytest.approx([0, 1, 3])
    assert len(drawn.places[0]) == 2 * len(TRACED)
    steps = [re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", stage.d) for stage in drawn.stages]
    assert [len(step) for step in steps] == [len(TRACED)] * 2
    for number, width in enumerate((1, 2)):
        # One decimal is kept.
        assert np.diff(np.array(steps[number], float)[:, [0, 2]]).ravel() == pytest.approx(width, abs=0.11)
    assert drawn.stages[-1].colour == COLOURS[-1]


def test_no_line_crosses_a_frame_without_a_face(runs: Runs, faces: Callable[..., None]) -> None:
    faces([0, 1, 3, 4])
    drawn = trails(*_run(runs, [True, True, False, True, True]))
    assert isinstance(drawn, Trails)
    assert drawn.copies == (0, 1, 3, 4)
    assert sum(stage.d.count("M") for stage in drawn.stages) == 2 * len(TRACED)


def test_what_is_shown_lies_in_the_picture_and_holds_the_points(runs: Runs, faces: Callable[..., None]) -> None:
    faces([0, 2])
    drawn = trails(*_run(runs, [True, True]))
    assert isinstance(drawn, Trails)
    left, top, width, height = drawn.box
    assert left >= 0 and top >= 0
    assert left + width <= drawn.size[0] and top + height <= drawn.size[1]
    across = np.array(drawn.places)[:, ::2]
    assert left <= across.min() and across.max() <= left + width


def test_a_long_chain_is_sampled(runs: Runs, faces: Callable[..., None]) -> None:
    faces(range(1000))
    drawn = trails(*_run(runs, [True] * (MOST_FRAMES + 20)))
    assert isinstance(drawn, Trails)
    assert len(drawn.copies) == MOST_FRAMES
    assert (drawn.copies[0], drawn.copies[-1]) == (0, MOST_FRAMES + 19)


def test_none_without_a_face_and_a_reason_where_nothing_can_be_traced(
    runs: Runs, faces: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trails(*_run(runs, [False, True])) is None
    lost = Undefined("the face is lost before it leaves a trail")
    assert trails(*_run(runs, [True, False])) == lost
    faces([0, None])  # today's networks do not find what those of the run found
    assert trails(*_run(runs, [True, True])) == lost
    monkeypatch.setattr(Face, "unavailable", lambda self: "the weights face-mesh are missing")
    assert trails(*_run(runs, [True, True])) == Undefined("the weights face-mesh are missing")


def test_the_networks_trace_a_real_face(runs: Runs) -> None:
    frames = [portrait(256), np.roll(portrait(256), 6, axis=1)]
    chain = runs.chain(frames)
    values = {**chain.values, "frame": {**chain.values["frame"], "face_present": (1.0, 1.0)}}
    drawn = trails(runs.result([chain], 1), replace(chain, values=values))
    assert isinstance(drawn, Trails)
    moved = np.array(drawn.places[1]).reshape(-1, 2) - np.array(drawn.places[0]).reshape(-1, 2)
    # The whole picture moved 6 px to the right; the networks place a point to within about a pixel.
    assert moved.mean(0) == pytest.approx([6, 0], abs=0.5)
