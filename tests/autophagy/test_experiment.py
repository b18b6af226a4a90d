"""Loops in the run store: the same bits as in memory, shared, continued, forked, and stopped with their cause."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from simulacra import UserError
from simulacra.autophagy import arm
from simulacra.autophagy.data import open_data
from simulacra.autophagy.experiment import Asked, Made, run_experiment
from simulacra.autophagy.experiment import _policy as automatic
from simulacra.autophagy.experiments import EXPERIMENTS, experiment
from simulacra.autophagy.journalled import read_journal
from simulacra.autophagy.loop import Loop
from simulacra.autophagy.loop import run as run_in_memory
from simulacra.autophagy.plan import needed
from simulacra.autophagy.presets import PRESETS, preset
from simulacra.autophagy.read import experiment_of, plan_of, records
from simulacra.autophagy.record import LoopRecord, Round
from simulacra.autophagy.threads import as_in_a_worker
from simulacra.generators import Generator, load_generator, open_generator
from simulacra.runs import Run, verify

from .toys import Fragile, Patient, toys

__all__ = ["toys"]

SMALL: dict[str, Any] = {"samples": 40, "reference": 24, "generations": 4, "seeds": 1, "restarts": 2}


def made(*presets: str, processes: int = 1, store: Path | None = None, **asked: Any) -> Made:
    return run_experiment(Asked(presets=presets, **{**SMALL, **asked}), processes=processes, store=store)


def told(rounds: Sequence[Round]) -> list[Round]:
    """Rounds without the seconds they took, which alone may differ."""
    return [each.model_copy(update={"seconds": {}}) for each in rounds]


def record(run: Run) -> LoopRecord:
    (found,) = records(run.store, [run.id])
    return found


def model(run: Run, generation: int) -> Generator:
    return load_generator(run.store.blobs.path(record(run).rounds[generation - 1].model))


@pytest.mark.parametrize("name", PRESETS)
def test_a_loop_in_the_store_is_the_loop_in_memory(name: str) -> None:
    loop = made(name, generations=6, restarts=0).arms[0]
    data = open_data("normal:dimensions=2", reference=24)
    with as_in_a_worker():
        whole = list(
            run_in_memory(Loop(preset(name).policy(40), open_generator("gaussian"), data.real, 0, data.judges), 6)
        )
    for generation, each in zip(whole, record(loop).rounds, strict=True):
        assert (each.fixed, each.fresh, each.synthetic, each.kept) == generation.counts
        assert each.trained_on == len(generation.pool)
        for key, tensor in model(loop, generation.number).state().items():
            assert torch.equal(tensor, generation.model.state()[key]), key


def test_equal_specifications_are_found_again_and_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = made("fresh-data", seeds=2)
    monkeypatch.setattr(arm, "fitted", None)
    again = made("fresh-data", seeds=2)
    assert [run.id for run in again.arms] == [run.id for run in first.arms]
    assert again.run.id == first.run.id
    assert [record(run).arm for run in again.arms] == ["loop", "loop", "null"]
    assert verify(first.run.store).problems == []


def test_what_a_filter_chose_is_kept_and_taken_over_by_a_longer_loop() -> None:
    short, long = made("curated"), made("curated", generations=5)
    one, other = (read_journal(run.arms[0]).fits for run in (short, long))
    assert [len(fit.chosen) for fit in one.values()] == [0, 1, 1, 1]
    assert [other[number].chosen for number in one] == [fit.chosen for fit in one.values()]
    assert verify(long.run.store).problems == []


def test_policies_share_their_first_generation_and_their_null_arm() -> None:
    both = made("fully-synthetic", "augmentation")
    assert [record(run).arm for run in both.arms] == ["loop", "loop", "null"]
    one, other = (read_journal(run).fits for run in both.arms[:2])
    assert one[1].step == other[1].step and one[2].step != other[2].step
    assert [fit.reused for fit in other.values()] == [True, False, False, False]


def test_a_longer_loop_takes_the_shorter_one() -> None:
    short, long = made("accumulate"), made("accumulate", generations=6)
    assert [fit.reused for fit in read_journal(long.arms[0]).fits.values()] == [True] * 4 + [False] * 2
    assert told(record(long.arms[0]).rounds[:4]) == told(record(short.arms[0]).rounds)


def test_restarts_have_draws_of_their_own_on_the_same_real_samples() -> None:
    null = made("fully-synthetic", generator="gaussian-mixture:components=2", restarts=3).arms[-1]
    fits = read_journal(null).fits
    assert len({fit.pool for fit in fits.values()}) == 1
    assert len({fit.step for fit in fits.values()}) == 3
    assert len({each.measured.readings["frechet"].value for each in record(null).rounds}) == 3
    assert [each.generation for each in record(null).rounds] == [1, 2, 3]


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    alone = made("weighted", generations=2, restarts=1, processes=1, store=tmp_path / "alone")
    together = made("weighted", generations=2, restarts=1, processes=2, store=tmp_path / "together")
    for one, other in zip(alone.arms, together.arms, strict=True):
        assert one.identity == other.identity
        assert told(record(one).rounds) == told(record(other).rounds)


def test_a_fork_trains_nothing_of_what_it_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = made("augmentation", generations=5)
    fits: list[int] = []
    whole = arm.fitted
    monkeypatch.setattr(
        arm, "fitted", lambda *args, **kwargs: fits.append(args[2].generation) or whole(*args, **kwargs)
    )
    asked = Asked(fork=f"{origin.run.id}@3", bias=0.5, changes={"fixed": "10"}, generations=5, seed=9, restarts=0)
    fork = run_experiment(asked, processes=1).arms[0]
    assert fits == [4, 5]
    one, other = record(origin.arms[0]), record(fork)
    assert [each.model for each in other.rounds[:3]] == [each.model for each in one.rounds[:3]]
    assert other.rounds[3].fixed == 10 and other.policy.bias == 0.5 and other.seed == 9
    assert other.rounds[3].model != one.rounds[3].model


def test_forks_of_several_loops_keep_apart_and_share_their_null_arm() -> None:
    origin = made("fresh-data", seeds=2, seed=5)
    forked = run_experiment(Asked(fork=f"{origin.run.id}@2", generations=3, seed=9, restarts=2), processes=1)
    assert [plan_of(run).seed for run in forked.arms] == [9, 10, 0]
    assert forked.arms[-1].id == origin.arms[-1].id


def test_a_fork_that_changes_nothing_is_the_loop() -> None:
    origin = made("fresh-data", generations=4)
    fork = run_experiment(Asked(fork=f"{origin.arms[0].id}@2", restarts=0), processes=1)
    assert fork.arms[0].id == origin.arms[0].id


@pytest.mark.usefixtures("toys")
def test_labels_and_sheets_go_with_the_pictures() -> None:
    loop = made(
        "accumulate-subsample", data="digits", generator="blurs", features="pixels:8", reference=60, samples=100
    )
    for each in record(loop.arms[0]).rounds:  # the toy refuses pools without labels
        assert each.shown is not None
        with Image.open(BytesIO(loop.run.store.blobs.get(each.shown))) as shown:
            assert shown.size == (64, 64) and shown.mode == "L"
            levels = np.asarray(shown)
        expected = load_generator(loop.run.store.blobs.path(each.model)).sample(64, seed=0)
        assert np.array_equal(levels[:8, 8:16], ((expected[1, 0] + 1) * 127.5).round().byte().numpy())
    assert record(loop.arms[0]).reference.features.startswith("pixels")


@pytest.mark.usefixtures("toys")
def test_a_diverged_generation_is_recorded_and_the_earlier_ones_are_whole() -> None:
    broken = made("fully-synthetic", generator="fragile", restarts=0)
    (cause,) = broken.stopped.values()
    assert cause.startswith("generation 2 diverged: its mean is not finite")
    loop = broken.arms[0]
    assert len(record(loop).rounds) == 1
    assert record(loop).stopped == cause
    assert record(loop).planned == 4
    assert loop.done is not None and loop.done["status"] == "failed"
    Fragile.left = 0  # a second attempt would learn well
    assert made("fully-synthetic", generator="fragile", restarts=0).stopped == broken.stopped


def test_where_nothing_learns_the_cause_is_told() -> None:
    wild = "vae:rate=1e20,steps=20"
    broken = made("fully-synthetic", generator=wild, data="digits", samples=100)
    assert len(broken.stopped) == 2
    with pytest.raises(UserError, match=r"was stopped in its first generation: generator vae.* give a lower rate"):
        record(broken.arms[0])
    loop, lives = broken.arms[0], made("fully-synthetic").arms[0]
    (stopped, other) = records(loop.store, [loop.id, lives.id])
    assert stopped.rounds == () and stopped.stopped is not None and len(other.rounds) == 4


@pytest.mark.usefixtures("toys")
def test_what_is_wrong_from_the_start_is_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="generator refusing learns nothing"):
        made("fully-synthetic", generator="refusing")


@pytest.mark.usefixtures("toys")
def test_a_kill_inside_a_fit_continues_there(tmp_path: Path) -> None:
    undisturbed = made("augmentation", generator="patient", restarts=0, store=tmp_path / "undisturbed")
    for dies_at in (7, 10, 24):  # in the first fit, between its last step and its journal line, in the third
        Patient.steps, Patient.dies_at = 0, dies_at
        store = tmp_path / f"killed-{dies_at}"
        with pytest.raises(KeyboardInterrupt):
            made("augmentation", generator="patient", restarts=0, store=store)
        again = made("augmentation", generator="patient", restarts=0, store=store)
        assert Patient.steps == 4 * 10 + 1  # the one it died in, once more
        assert told(record(again.arms[0]).rounds) == told(record(undisturbed.arms[0]).rounds)
        assert not (again.arms[0].folder / arm.CHECKPOINTS).exists()


def test_records_are_found_by_experiment_and_by_arm() -> None:
    both = made("fully-synthetic", "augmentation", seeds=2)
    store = both.run.store
    found = records(store, [both.run.id])
    assert [(each.name, each.seed, each.arm) for each in found[:4]] == [
        ("fully-synthetic", 0, "loop"),
        ("fully-synthetic", 1, "loop"),
        ("augmentation", 0, "loop"),
        ("augmentation", 1, "loop"),
    ]
    assert [each.arm for each in found[4:]] == ["null"]
    assert records(store, [both.arms[2].id, both.run.id])[0].run == both.arms[2].identity
    assert experiment_of(store, both.arms[1]).id == both.run.id
    with pytest.raises(UserError, match="no run was named"):
        records(store, [])


def test_a_missing_model_is_made_again(tmp_path: Path) -> None:
    before = made("fresh-data", restarts=0)
    rounds = record(before.arms[0]).rounds
    path = before.run.store.blobs.path(rounds[1].model)
    path.chmod(0o644)
    path.unlink()
    after = made("fresh-data", restarts=0)
    assert told(record(after.arms[0]).rounds) == told(rounds)
    assert path.exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"presets": ()}, "no --preset was given"),
        ({"presets": ("fresh",)}, "preset 'fresh' is unknown; did you mean .*fresh"),
        ({"seeds": 0}, "--seeds is 0; it must be 1 or more"),
        ({"restarts": -1}, "--restarts is -1; it must be 0 or more"),
        ({"generations": 0}, "--generations is 0; it must be 1 or more"),
        ({"samples": 1}, "--samples is 1; it must be 2 or more"),
        ({"steps": 0}, "--steps is 0; it must be 1 or more"),
        ({"bias": 1.5}, "--bias is 1.5; it must be 0 or more"),
        ({"changes": {"fresh": "-3"}}, "fresh of the policy is -3; it must be greater than or equal to 0"),
        ({"changes": {"fixed": "90"}}, "fixed is 90 and initial 40"),
        ({"changes": {"synthetic": "0"}}, "are all 0; a generation after the first needs data"),
        ({"changes": {"colour": "red"}}, "setting of a policy 'colour' is unknown"),
        ({"presets": ("memory",), "generations": 3}, "memory is 5 models, and a loop of 3 generations has at most 2"),
        ({"presets": ("fresh-data",), "data": "digits", "samples": 1700}, "holds 1797 pictures, of which 24 are set"),
        ({"presets": ("curated",), "data": "digits"}, "curated chooses by a reward, and digits has none; run it on an"),
        ({"presets": ("verified",), "data": "ring"}, "verified asks a verifier, and ring has none"),
        ({"presets": ("self-correcting",), "data": "digits"}, "draws from the true distribution, and digits has none"),
        ({"presets": ("mad-fresh",)}, "the preset mad-fresh needs a set of pictures; give --data"),
        (
            {"features": "pixels"},
            "--features is pixels, and normal:dimensions=2 holds numbers|and normal holds numbers",
        ),
        ({"generator": "gauss"}, "generator 'gauss' is unknown; did you mean gaussian"),
        ({"reference": 5}, "--reference is 5; it must be 12 or more"),
        ({"fork": "x"}, "--samples is given beside --fork"),
        ({"reference": 0}, "--reference is 0; it must be 12 or more"),
        ({"changes": {"compute": "by-pool"}}, "compute is by-pool, and nothing says .* give --steps"),
        ({"changes": {"growth": "9"}, "generations": 60}, "the pool of generation 60 would hold .* less growth"),
        ({"unconditional": True}, "normal:dimensions=2 tells no generator of classes|normal tells no generator"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_runs(own_store: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        run_experiment(Asked(**{"presets": ("fully-synthetic",), **SMALL, **asked}), processes=1)
    assert not list(own_store.glob("*/spec.json"))


def test_bad_forks_are_one_sentence() -> None:
    origin = made("fresh-data", generations=3)
    name = origin.arms[0].id
    for asked, said in (
        ({"fork": "x"}, "--fork is 'x'; it must be RUN@GENERATION"),
        ({"fork": f"{name}@4"}, "--fork names generation 4, and run .* has made 3 of its 3"),
        ({"fork": f"{name}@3"}, "--generations is 3; it must be above 3"),
        ({"fork": f"{origin.arms[-1].id}@1"}, "which is no loop"),
        ({"fork": f"{name}@2", "changes": {"initial": "30"}}, "begin with 30 real samples and the run began with 40"),
        ({"fork": f"{name}@2", "presets": ("memory", "weighted")}, "goes on with one policy, and several are given"),
    ):
        with pytest.raises(UserError, match=said):
            run_experiment(Asked(**asked), processes=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_complete_experiment_names_a_generator_that_opens(name: str) -> None:
    assert open_generator(EXPERIMENTS[name].generator or "").fitted is False


def test_a_size_that_nobody_asked_for_fits_the_set() -> None:
    data = open_data("digits", needed=0)
    for generations in range(4, 40):  # shorter ones take the usual number
        policy = automatic(Asked(("fresh-data",)), experiment("fresh-data"), data, generations)
        assert data.held is not None and needed(policy, generations) <= data.held < needed(policy, generations) * 1.05


def test_the_command_says_what_was_asked() -> None:
    asked = Asked(
        ("fresh-data",), bias=0.123456789, changes={"real_weight": "0.7"}, restarts=0, samples=50, unconditional=True
    )
    assert asked.command() == (
        "simulacra autophagy run --preset fresh-data --samples 50 --bias 0.123456789 --unconditional --restarts 0 "
        "--set real-weight=0.7"
    )
