"""The experiment: what it writes, how it goes on, what stops it."""

import json
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from simulacra.errors import UserError
from simulacra.runs import Store, StoreFull, atomic
from simulacra.runs.blobs import in_flight
from simulacra.stylegan.networks import digest, load_generator
from simulacra.stylegan.networks.files import read_notes
from simulacra.stylegan.training import train as module
from simulacra.stylegan.training.calibration import Machine
from simulacra.stylegan.training.records import events
from simulacra.stylegan.training.tensorboard import FILE
from simulacra.stylegan.training.train import Pace, Trained, train
from simulacra.stylegan.training.trainer import Trainer
from simulacra.stylegan.use import find_network, read_record, replay
from simulacra.stylegan.use.png import PngWriter

from .toys import ONE, PLAIN, TWO, Silent, growing, recipe, write_set

pytestmark = pytest.mark.usefixtures("at_once")

PACE = Pace(tick_kimg=0.012, snapshot_kimg=0.024, checkpoint_seconds=0.0)
RECIPES = {
    "mid-fade": growing(),
    "lazy": recipe(ONE, r1_every=3, augment=["shift", "hue"], augment_kimg=0.1, mirror=True),
    "paths": recipe(TWO, path_weight=2.0, path_every=2, r1_every=3),
}


class Killed(Exception):
    """Stands for the end of a process: nothing of ours catches it."""


class Killing(Silent):
    """Ends the training when so many pictures were shown."""

    def __init__(self, at: int, how: Any = Killed) -> None:
        super().__init__()
        self.at, self.how = at, how

    def advance(self, done: int) -> None:
        if done >= self.at:
            self.at = 10**9
            if self.how is Killed:
                raise Killed
            self.how()


def run(data: Path, made: Any, store: Path, watcher: Silent | None = None, pace: Pace = PACE, **given: Any) -> Trained:
    return train(data, made, store=store, wish=PLAIN, pace=pace, watcher=watcher or Silent(), **given)


def test_what_a_training_leaves(noise_set: Path, tmp_path: Path) -> None:
    watcher = Silent()
    pace = Pace(tick_kimg=0.012, snapshot_kimg=0.024, tensorboard=True)
    trained = run(noise_set, recipe(), tmp_path / "a", watcher, pace)
    folder = trained.run.folder
    assert watcher.told[0].startswith("measuring what this training needs")
    assert "computing with 1 thread, contiguous, fp32" in watcher.told[1]
    assert sorted(path.name for path in (folder / "networks").iterdir()) == [
        "000000024.safetensors",
        "000000048.safetensors",
    ]
    assert sorted(path.name for path in (folder / "samples").iterdir()) == [
        "000000024.png",
        "000000048.png",
        "real.png",
    ]
    assert trained.network == folder / "networks" / "000000048.safetensors"
    assert len(read_record(trained.samples).settings["seeds"]) == 64
    maker = find_network(read_record(trained.samples).network, trained.samples)
    assert replay(trained.samples, tmp_path / "again.png", maker).equal
    assert maker.generation is None  # the set does not say that its pictures are real
    network = load_generator(trained.network, recipe().description)
    assert trained.run.done["network"] == digest(network)
    notes = read_notes(trained.network)
    assert (notes["run"], notes["kimg"], notes["seed"], notes["lod"]) == (trained.run.id, 0.048, 0, 0)
    ticks = list(events(trained.run, "tick"))
    assert [tick["kimg"] for tick in ticks] == [0.012, 0.024, 0.036, 0.048]
    assert [tick["steps"] for tick in ticks] == [3, 6, 9, 12]
    assert set(ticks[0]["means"]) >= {"generator_loss", "discriminator_loss", "penalty", "real_sign"}
    assert all(0 <= tick["waiting_share"] < 1 for tick in ticks)
    assert len(list((folder / "checkpoints").iterdir())) == 2
    assert (folder / "tensorboard" / FILE).stat().st_size > 0


def test_a_training_that_is_done_is_not_done_again(noise_set: Path, tmp_path: Path) -> None:
    first = run(noise_set, recipe(), tmp_path / "a")
    before = {path: path.stat().st_mtime_ns for path in first.run.folder.rglob("*")}
    watcher = Silent()
    again = run(noise_set, recipe(), tmp_path / "a", watcher)
    assert watcher.told == [f"run {first.run.id} was already complete; nothing was trained again"]
    assert (again.network, again.samples) == (first.network, first.samples)
    assert {path: path.stat().st_mtime_ns for path in first.run.folder.rglob("*")} == before


@pytest.mark.parametrize("name", list(RECIPES))
def test_killed_at_random_places_it_ends_in_the_same_bits(name: str, noise_set: Path, tmp_path: Path) -> None:
    whole = run(noise_set, RECIPES[name], tmp_path / "whole", pace=Pace(1.0, 1.0, 1e9))  # no checkpoint between
    places = random.Random(name).sample(range(1, 48), 4)
    if name == "mid-fade":
        places += [17, 25, 31]
    for place in sorted(places):
        watcher = Killing(place)
        with pytest.raises(Killed):
            run(noise_set, RECIPES[name], tmp_path / "parts", watcher)
        assert watcher.begun_at < place or place < 4
    parts = run(noise_set, RECIPES[name], tmp_path / "parts")
    assert parts.run.done["network"] == whole.run.done["network"]
    assert parts.network.read_bytes() != b"" and parts.samples.read_bytes() == whole.samples.read_bytes()
    states = [sorted((each.run.folder / "checkpoints").iterdir())[-1].read_bytes() for each in (whole, parts)]
    assert states[0] == states[1]  # moments and position included


def test_how_to_compute_is_kept_from_the_first_start(
    noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(8))
    monkeypatch.setattr(module, "calibrate", lambda *given: (Machine(2, "channels-last", "bf16"), 1.0))
    watcher = Silent()
    trained = run(noise_set, recipe(), tmp_path / "a", watcher)
    assert watcher.told == ["going on with 1 thread, contiguous, fp32, as at the first start"]
    assert len(list(events(trained.run, "machine"))) == 1


def test_labels_and_alpha(tmp_path: Path) -> None:
    made = recipe(ONE.changed(labels=3, colours=4))
    data = write_set(tmp_path / "set.zip", classes=3, colour="RGBA")
    trained = run(data, made, tmp_path / "a")
    assert load_generator(trained.network).description == made.description


def test_an_interruption_waits_for_the_step_and_saves(noise_set: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    for kind in (signal.SIGINT, signal.SIGTERM):
        store = tmp_path / kind.name
        with pytest.raises(KeyboardInterrupt):
            run(noise_set, recipe(), store, Killing(20, lambda kind=kind: signal.raise_signal(kind)), Pace(1.0, 1.0))
        (left,) = Store.open(store).runs()
        assert left.status == "interrupted"
        assert max((left.folder / "checkpoints").iterdir()).name == "000000020.safetensors"
        watcher = Silent()
        run(noise_set, recipe(), store, watcher, Pace(1.0, 1.0))
        assert watcher.begun_at == 20
    assert signal.getsignal(signal.SIGINT) is before


def test_a_damaged_checkpoint_is_one_sentence_and_the_older_one_still_serves(noise_set: Path, tmp_path: Path) -> None:
    whole = run(noise_set, recipe(), tmp_path / "whole")
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(30))
    newest = max(tmp_path.glob("a/*/checkpoints/*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(UserError) as refused:
        run(noise_set, recipe(), tmp_path / "a")
    assert str(refused.value) == (
        f"{newest} is cut off, damaged or of another format; delete it, and the same command goes on without it"
    )
    newest.unlink()
    assert run(noise_set, recipe(), tmp_path / "a").run.done["network"] == whole.run.done["network"]


def test_a_checkpoint_of_another_training_is_refused(noise_set: Path, tmp_path: Path) -> None:
    other = run(noise_set, recipe(r1_gamma=2.0), tmp_path / "a")
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(8))
    (mine,) = (each for each in Store.open(tmp_path / "a").runs() if each.id != other.run.id)
    shutil.copy(
        max((other.run.folder / "checkpoints").iterdir()), mine.folder / "checkpoints" / "000000099.safetensors"
    )
    with pytest.raises(UserError, match=r"is a training by another recipe: its r1-gamma is 2\.0, where 1\.0 is asked"):
        run(noise_set, recipe(), tmp_path / "a")


@pytest.mark.parametrize(
    ("point", "time"),
    [("samples-written", 1), ("network-synced", 2), ("checkpoint-opened", 2), ("checkpoint-placed", 2)],
)
def test_a_full_disk_leaves_everything_whole(
    point: str, time: int, noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(noise_set, recipe(), tmp_path / "whole")
    reached = {"times": 0}

    def full(name: str) -> None:
        reached["times"] += name == point
        if name == point and reached["times"] == time:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(atomic, "reach", full)
        with pytest.raises(StoreFull, match="free some space, and the same command continues"):
            run(noise_set, recipe(), tmp_path / "a")
    (left,) = Store.open(tmp_path / "a").runs()
    assert left.status == "failed"
    assert not list(left.folder.rglob("*.in-flight"))
    for path in (left.folder / "networks").glob("*.safetensors"):
        load_generator(path)
    trained = run(noise_set, recipe(), tmp_path / "a")
    assert trained.run.done["network"] == whole.run.done["network"]


def test_what_a_killed_attempt_left_half_written_is_cleared(noise_set: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(8))
    (left,) = Store.open(tmp_path / "a").runs()
    halves = [
        left.folder / "checkpoints" / ".000000012.safetensors.0123abcd.in-flight",
        left.folder / "samples" / ".000000024.0123abcd.in-flight.png",
    ]
    for half in halves:
        half.parent.mkdir(exist_ok=True)
        half.write_bytes(b"half")
    run(noise_set, recipe(), tmp_path / "a")
    assert not any(half.exists() for half in halves)


def breaking(monkeypatch: pytest.MonkeyPatch, at: int, times: int) -> None:
    """Let a weight become no number when so many pictures were shown, so many times."""
    step, left = Trainer.step, {"times": times}

    def broken(self: Trainer) -> None:
        step(self)
        if self.state.position.images == at and left["times"]:
            left["times"] -= 1
            with torch.no_grad():
                next(self.state.generator.parameters()).view(-1)[0] = float("nan")

    monkeypatch.setattr(Trainer, "step", broken)


@pytest.mark.parametrize("pace", [PACE, Pace(0.012, 1.0, 1e9), Pace(1.0, 0.024, 1e9)])
def test_a_training_that_diverges_goes_back_and_on_with_other_draws(
    pace: Pace, noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(noise_set, recipe(), tmp_path / "whole", pace=pace)
    breaking(monkeypatch, at=20, times=1)
    watcher = Silent()
    trained = run(noise_set, recipe(), tmp_path / "a", watcher, pace)
    (back,) = events(trained.run, "rolled-back")
    assert back["kimg"] < 0.02 if pace is PACE else back["kimg"] == 0
    assert (back["cause"], back["retries"]) == ("divergence", 1)
    assert any(sentence.endswith(f"going back to {back['kimg']:g} kimg") for sentence in watcher.told)
    assert all(bool(torch.isfinite(p).all()) for p in load_generator(trained.network).parameters())
    assert trained.run.done["network"] != whole.run.done["network"]
    for path in trained.run.folder.glob("networks/*.safetensors"):
        assert all(bool(torch.isfinite(p).all()) for p in load_generator(path).parameters())


def test_pictures_that_overflow_are_not_saved(noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, left = Trainer.step, {"times": 1}

    def broken(self: Trainer) -> None:
        step(self)
        if self.state.position.images == 24 and left["times"]:
            left["times"] -= 1
            for weight in self.state.average.synthesis.to_rgb.parameters():
                weight.data.fill_(3e38)  # finite, but no sum of such numbers is

    monkeypatch.setattr(Trainer, "step", broken)
    trained = run(noise_set, recipe(), tmp_path / "a", pace=Pace(1.0, 0.024, 1e9))
    (back,) = events(trained.run, "rolled-back")
    assert back["sentence"].startswith("divergence: no finite numbers any more in pictures; ")
    assert [event["kimg"] for event in events(trained.run, "snapshot")] == [0.024, 0.048]


def test_a_disk_that_fills_up_while_a_grid_is_drawn(
    noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: PngWriter, text: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(PngWriter, "end", full)
        with pytest.raises(StoreFull, match="free some space, and the same command continues"):
            run(noise_set, recipe(), tmp_path / "a")
    trained = run(noise_set, recipe(), tmp_path / "a")
    assert not any(in_flight(path) for path in trained.run.folder.rglob("*"))
    assert trained.run.done["network"] == run(noise_set, recipe(), tmp_path / "whole").run.done["network"]


def test_a_grid_of_an_attempt_that_was_cut_off_is_drawn_again(noise_set: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(8))
    (left,) = Store.open(tmp_path / "a").runs()
    half = left.folder / "samples" / "000000024.png"
    half.parent.mkdir()
    half.write_bytes(b"")
    run(noise_set, recipe(), tmp_path / "a")
    assert len(read_record(half).settings["seeds"]) == 64


def test_after_three_rollbacks_it_is_given_up(noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, at=20, times=10**9)
    with pytest.raises(UserError) as refused:
        run(noise_set, recipe(), tmp_path / "a", pace=Pace(0.012, 1.0, 1e9))
    assert str(refused.value) == (
        "the training diverged 4 times from the same checkpoint: divergence: no finite numbers any more in "
        "discriminator loss and fake score and generator loss and pictures; try --rate 0.005 or --r1-gamma 2"
    )
    (left,) = Store.open(tmp_path / "a").runs()
    assert [event["retries"] for event in events(left, "rolled-back")] == [1, 2, 3]
    assert left.status == "failed"


def test_findings_are_told_once_and_kept(noise_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.stylegan.training.doctor.SETTLED_KIMG", 0.0)
    monkeypatch.setattr("simulacra.stylegan.training.doctor.DEAD_NOISE", 10.0)
    monkeypatch.setattr("simulacra.stylegan.training.doctor.ALIKE", 0.0)
    watcher = Silent()
    with pytest.raises(Killed):
        run(noise_set, recipe(), tmp_path / "a", Killing(30))
    trained = run(noise_set, recipe(), tmp_path / "a", watcher)
    (sentence,) = trained.findings
    assert sentence.startswith("dead noise: no strength of the noise has reached 10; train longer")
    assert not any("dead noise" in told for told in watcher.told)  # by the first attempt it was
    assert len(list(events(trained.run, "finding"))) == 1
    assert run(noise_set, recipe(), tmp_path / "a").findings == trained.findings


@pytest.mark.parametrize("name", ["tick_kimg", "snapshot_kimg"])
def test_a_pace_must_advance(name: str) -> None:
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')} is 0; it must be above 0, such as 1"):
        Pace(**{name: 0})


def test_another_seed_or_recipe_is_another_run(noise_set: Path, tmp_path: Path) -> None:
    ids = {
        run(noise_set, recipe(), tmp_path / "a").run.id,
        run(noise_set, recipe(), tmp_path / "a", seed=1).run.id,
        run(noise_set, recipe(r1_gamma=2.0), tmp_path / "a").run.id,
    }
    assert len(ids) == 3
    spec = json.loads(next(tmp_path.glob("a/*/spec.json")).read_text())
    assert set(spec["identity"]) == {"recipe", "set", "seed"}
