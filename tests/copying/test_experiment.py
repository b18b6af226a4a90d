"""Chains under copiers whose every frame is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simulacra.copying.experiment as subject
import simulacra.copying.making as making
from simulacra import UserError, copy, read_run
from simulacra.copying import Ended
from simulacra.images.pixels import pixel_digest

from .toys import Blink, Broken, Darken, Elsewhere, Invert, Moody, Noise, Remote


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about frames; measuring has its own."""
    monkeypatch.setattr(subject, "available_channels", lambda names: ({}, {}))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey ramp of 9x7 px whose brightest level is 20."""
    path = tmp_path / "ramp.png"
    levels = np.linspace(0, 20, 63).round().astype(np.uint8).reshape(7, 9)
    Image.fromarray(np.repeat(levels[..., None], 3, axis=2)).save(path)
    return path


def test_each_frame_is_the_copy_of_the_one_before(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=5, controls=False)
    (chain,) = result.chains
    levels = np.asarray(Image.open(picture)).astype(int)
    expected = [pixel_digest(np.clip(levels - k, 0, 255).astype(np.uint8)) for k in range(6)]
    assert [frame.pixels for frame in chain.frames] == expected
    assert [pixel_digest(result.frame_pixels(frame)) for frame in chain.frames] == expected
    assert chain.ending.reason is Ended.TIMES


def test_stops_at_the_exact_fixed_point(picture: Path) -> None:
    (chain,) = copy(picture, copier=Darken(), times=101, controls=False).chains
    # Level 20 is black at copy 20; copy 21 shows that nothing changes any more.
    assert (chain.ending.reason, chain.ending.settled, chain.ending.period) == (Ended.FIXED_POINT, 20, 1)
    assert len(chain.frames) == 22


def test_stops_at_a_cycle(picture: Path) -> None:
    (chain,) = copy(picture, copier=Invert(), times=101, controls=False).chains
    assert (chain.ending.reason, chain.ending.settled, chain.ending.period) == (Ended.CYCLE, 0, 2)


def test_a_step_of_no_change_is_no_fixed_point_when_the_map_moves(picture: Path) -> None:
    (chain,) = copy(picture, copier=Blink(), times=11, controls=False).chains
    assert (chain.ending.reason, chain.ending.copies) == (Ended.TIMES, 11)


def test_the_same_call_copies_nothing_again(picture: Path) -> None:
    copier = Darken()
    first = copy(picture, copier=copier, times=5, controls=False)
    second = copy(picture, copier=copier, times=5, controls=False)
    assert copier.calls == 5
    assert second.identity == first.identity
    assert second.chains == first.chains


def test_extending_reuses_every_frame(picture: Path) -> None:
    copy(picture, copier=Darken(), times=5, controls=False)
    copier = Darken()
    (chain,) = copy(picture, copier=copier, times=9, controls=False).chains
    assert copier.calls == 4
    assert [frame.reused for frame in chain.frames] == [False] + [True] * 5 + [False] * 4


def test_a_deleted_index_loses_no_reuse(picture: Path, own_store: Path) -> None:
    copy(picture, copier=Darken(), times=5, controls=False)
    for file in own_store.glob("index.sqlite*"):
        file.unlink()
    copier = Darken()
    copy(picture, copier=copier, times=6, controls=False)
    assert copier.calls == 1


def test_a_frame_that_was_deleted_is_made_again(picture: Path) -> None:
    first = copy(picture, copier=Darken(), times=5, controls=False)
    first.frame_file(first.chains[0].frames[3]).unlink()
    copier = Darken()
    second = copy(picture, copier=copier, times=5, controls=False)
    assert copier.calls == 1
    assert [frame.pixels for frame in second.chains[0].frames] == [frame.pixels for frame in first.chains[0].frames]


def test_a_renamed_picture_is_the_same_run(picture: Path) -> None:
    first = copy(picture, copier=Darken(), times=3, controls=False)
    renamed = picture.rename(picture.with_name("other.png"))
    copier = Darken()
    second = copy(renamed, copier=copier, times=3, controls=False)
    assert copier.calls == 0
    assert second.identity == first.identity


def test_frames_of_another_machine_are_not_reused(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(picture, copier=Elsewhere(), times=3, controls=False)
    here = Elsewhere()
    copy(picture, copier=here, times=4, controls=False)
    assert here.calls == 1
    monkeypatch.setattr(making, "machine_digest", lambda manifest: "another")
    there = Elsewhere()
    copy(picture, copier=there, times=5, controls=False)
    assert there.calls == 5


def test_a_fork_shares_frames_and_goes_its_own_way(picture: Path) -> None:
    origin = copy(picture, copier="moving-grid:quality=60", times=6, controls=False)
    fork = copy(copier="identity", times=9, controls=False, fork=f"{origin.folder.name}@4")
    (old,), (new,) = origin.chains, fork.chains
    assert [frame.pixels for frame in new.frames[:5]] == [frame.pixels for frame in old.frames[:5]]
    assert [frame.reused for frame in new.frames[1:5]] == [True] * 4
    # Identity settles at once, and only its own leg counts.
    assert (new.ending.reason, new.ending.settled) == (Ended.FIXED_POINT, 4)


@pytest.mark.parametrize(
    ("fork", "times", "message"),
    [
        ("nothing", 9, "must be RUN@FRAME"),
        ("{run}@7", 9, "frames 1 to 6"),
        ("{run}@0", 9, "frames 1 to 6"),
        ("{run}@5", 5, "above 5"),
    ],
)
def test_refuses_impossible_forks(picture: Path, fork: str, times: int, message: str) -> None:
    origin = copy(picture, copier="identity", times=6, controls=False)
    with pytest.raises(UserError, match=message):
        copy(copier="identity", times=times, fork=fork.format(run=origin.folder.name))


def test_replicates_differ_where_the_copier_draws(picture: Path) -> None:
    result = copy(picture, copier=Noise(), times=3, replicates=2, controls=False)
    one, two = result.chains
    assert one.frames[0].pixels == two.frames[0].pixels
    assert one.frames[1].pixels != two.frames[1].pixels
    again = copy(picture, copier=Noise(), times=3, replicates=3, controls=False)
    assert [chain.frames for chain in again.chains[:2]] != []
    assert [f.pixels for f in again.chains[1].frames] == [f.pixels for f in two.frames]


def test_replicates_of_a_copier_that_draws_nothing_are_one_and_said_so(picture: Path) -> None:
    watcher = Listener()
    result = copy(picture, copier=Darken(), times=2, replicates=3, controls=False, watcher=watcher)
    assert len(result.chains) == 1
    assert any("replicates are equal" in sentence for sentence in watcher.told)


def test_a_refusal_is_an_event_and_never_a_frame(picture: Path) -> None:
    copier = Moody()
    (chain,) = copy(picture, copier=copier, times=6, controls=False).chains
    assert (chain.ending.reason, chain.ending.copies, chain.ending.message) == (Ended.REFUSED, 3, "not this one")
    assert len(chain.frames) == 4
    copier.willing = True
    (chain,) = copy(picture, copier=copier, times=6, controls=False).chains
    assert (chain.ending.reason, chain.ending.copies) == (Ended.TIMES, 6)
    assert copier.calls == 6


def test_what_is_no_picture_ends_the_chain(picture: Path) -> None:
    (chain,) = copy(picture, copier=Broken(), times=6, controls=False).chains
    assert (chain.ending.reason, chain.ending.copies) == (Ended.REFUSED, 2)
    assert "not finite" in chain.ending.message


def test_controls_are_chosen_by_the_copier(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=2)
    assert [chain.copier for chain in result.chains if chain.control] == ["identity", "jpeg:quality=90"]


def test_controls_can_be_named(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=2, controls=["webp:quality=50"])
    assert [chain.copier for chain in result.chains if chain.control] == ["webp:quality=50"]


def test_a_run_reads_back_as_it_was_returned(picture: Path) -> None:
    result = copy(picture, copier=Darken(), times=4)
    assert read_run(result.folder.name) == result


def test_several_pictures_are_chains_of_one_run(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "deeper" / "ramp.png"
    other.parent.mkdir()
    Image.new("RGB", (5, 8), (9, 8, 7)).save(other)
    result = copy([picture, other], copier=Darken(), times=3, controls=False)
    assert [chain.picture for chain in result.chains] == ["ramp-1", "ramp-2"]


def test_a_larger_picture_is_shrunk_once_and_told(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (60, 30), (1, 2, 3)).save(path)
    watcher = Listener()
    result = copy(path, copier="identity", times=1, size=20, watcher=watcher)
    assert result.size == (20, 10)
    assert any("shrunk from 60x30 to 20x10" in sentence for sentence in watcher.told)
    assert copy(path, copier="identity", times=1, size="original").size == (60, 30)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": 0}, "--times is 0"),
        ({"replicates": 0}, "--replicates is 0"),
        ({"size": 0}, "--size is 0"),
        ({"copier": "jpg"}, "did you mean jpeg"),
        ({"copier": "jpeg:qualty=3"}, "quality"),
        ({"controls": ["nothing"]}, "copier 'nothing' is unknown"),
    ],
)
def test_bad_input_writes_nothing(picture: Path, own_store: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        copy(picture, **{"copier": "identity", **change})  # type: ignore[arg-type]
    assert not own_store.exists()


def test_a_size_the_copier_refuses_writes_nothing(tmp_path: Path, own_store: Path) -> None:
    path = tmp_path / "wide.png"
    Image.new("RGB", (16380, 1)).save(path)
    with pytest.raises(UserError, match=r"16380x1 px does not fit copier moving-grid: .* choose another --size"):
        copy(path, copier="moving-grid", size="original")
    assert not own_store.exists()


def test_the_same_picture_twice_is_refused(picture: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.png"
    twin.write_bytes(picture.read_bytes())
    with pytest.raises(UserError, match="the same picture as ramp"):
        copy([picture, twin], copier="identity")


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, stage: str, total: int, done: int) -> None: ...

    def advance(self, done: int) -> None: ...

    def end(self, outcome: str) -> None: ...

    def tell(self, sentence: str) -> None:
        self.told.append(sentence)


def test_a_longer_chain_never_asks_a_service_again_for_what_it_answered(picture: Path) -> None:
    copy(picture, copier=Remote(), times=3, controls=False)
    copier = Remote()
    (longer,) = copy(picture, copier=copier, times=5, controls=False).chains
    assert copier.calls == 2
    assert [frame.reused for frame in longer.frames] == [False, True, True, True, False, False]


def test_another_seed_asks_a_service_anew(picture: Path) -> None:
    copy(picture, copier=Remote(), times=3, controls=False)
    copier = Remote()
    copy(picture, copier=copier, times=3, controls=False, seed=1)
    assert copier.calls == 3
