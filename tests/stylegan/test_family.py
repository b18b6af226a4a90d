"""The style-based networks in the contract of a generator; what every family must do stands in tests/generators."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.generators import Budget, Generator, Pool, load_generator, open_generator, save_generator
from simulacra.generators.streams import normals
from simulacra.runs.spec import short
from simulacra.stylegan import family as module
from simulacra.stylegan.family import StyleGAN, StyleGANParameters
from simulacra.stylegan.networks import Description
from simulacra.stylegan.networks import load_generator as load_network
from simulacra.stylegan.training import train as training
from simulacra.stylegan.training.calibration import Machine
from simulacra.stylegan.training.presets import PRESETS
from simulacra.stylegan.training.train import train
from simulacra.stylegan.training.trainer import Trainer

SMALL: dict[str, Any] = {"batch": 4, "z_dim": 6, "mapping_depth": 1, "channel_max": 4}
SIDE, CLASSES = 8, 3
PIXELS = torch.randint(0, 256, (30, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
PICTURES = PIXELS.float().div(127.5).sub(1)
LABELS = torch.arange(len(PICTURES)) % CLASSES
PLAIN, LABELLED = Pool(PICTURES), Pool(PICTURES, labels=LABELS)
STEPS = Budget(5)


def family(**given: Any) -> StyleGAN:
    return StyleGAN(StyleGANParameters(**{**SMALL, **given}))


@pytest.fixture(scope="module")
def fitted() -> StyleGAN:
    return family().fit(PLAIN, seed=1, budget=STEPS)


@pytest.fixture(scope="module")
def conditional() -> StyleGAN:
    return family().fit(LABELLED, seed=1, budget=STEPS)


def equal(one: Generator, other: Generator) -> bool:
    before, after = one.state(), other.state()
    return before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


class Silent:
    """A watcher of `train` that keeps nothing."""

    def begin(self, stage: str, total: int, done: int) -> None: ...

    def advance(self, done: int) -> None: ...

    def end(self, outcome: str) -> None: ...

    def tell(self, sentence: str) -> None: ...


@pytest.mark.parametrize(("pool", "given"), [(PLAIN, {}), (LABELLED, {"preset": "tiny", "mirror": False})])
def test_a_fit_is_the_training_of_a_set_of_the_same_pictures(
    pool: Pool, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{place:04d}.png" for place in range(len(PIXELS))]
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for name, pixels in zip(names, PIXELS, strict=True):
            data = io.BytesIO()
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(data, "PNG")
            file.writestr(name, data.getvalue())
        if pool.labels is not None:
            pairs = [list(pair) for pair in zip(names, pool.labels.tolist(), strict=True)]
            file.writestr("dataset.json", json.dumps({"labels": pairs}))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(training, "calibrate", lambda *given: (Machine(1, "channels-last", "fp32"), 1.0))
    monkeypatch.setattr(training, "memory_needed", lambda *given: 1)
    made = family(**given, kimg=0.02)
    recipe = made.parameters.recipe(SIDE, 3, 0 if pool.labels is None else CLASSES)
    trained = train(tmp_path / "set.zip", recipe, seed=1, store=tmp_path / "runs", watcher=Silent())
    expected = load_network(trained.network).state_dict()
    state = made.fit(pool, seed=1).state()
    assert all(torch.equal(state[f"network.{name}"], tensor) for name, tensor in expected.items())


def test_a_step_of_the_budget_is_a_step_of_the_training(fitted: StyleGAN, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    monkeypatch.setattr(Trainer, "step", lambda self, step=Trainer.step: (steps.append(1), step(self)))
    assert equal(family().fit(PLAIN, seed=1, budget=STEPS), fitted)
    assert len(steps) == STEPS.steps
    family(kimg=0.009).fit(PLAIN, seed=1)
    assert len(steps) == STEPS.steps + 3  # nine pictures in steps of four


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.mark.parametrize("steps", [1, 3, 4])
@pytest.mark.parametrize("pool", [PLAIN, Pool(PICTURES, torch.arange(30), LABELS)], ids=["plain", "weighted"])
def test_a_killed_fit_goes_on_to_the_same_bits(
    pool: Pool, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_SAVING_SHARE", float("inf"))
    start = family().fit(pool, seed=9, budget=Budget(1))  # warm: where it began matters too
    whole = start.fit(pool, seed=1, budget=STEPS)
    step, taken = Trainer.step, []

    def dying(self: Trainer) -> None:
        if len(taken) == steps:
            raise Killed
        taken.append(1)
        step(self)

    monkeypatch.setattr(Trainer, "step", dying)
    with pytest.raises(Killed):
        start.fit(pool, seed=1, budget=STEPS, resume=tmp_path / "fit")
    monkeypatch.setattr(Trainer, "step", lambda self: (taken.append(1), step(self)))
    again = start.fit(pool, seed=1, budget=STEPS, resume=tmp_path / "fit")
    assert equal(again, whole)
    assert len(taken) == STEPS.steps  # none was taken twice
    assert equal(start.fit(pool, seed=1, budget=STEPS, resume=tmp_path / "fit"), whole)
    assert len(taken) == STEPS.steps  # what is done costs nothing


@pytest.mark.parametrize("change", ["seed", "samples", "weights", "start", "rate"])
def test_a_checkpoint_of_another_fit_is_left_alone(
    change: str, fitted: StyleGAN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_SAVING_SHARE", float("inf"))
    family().fit(PLAIN, seed=1, budget=STEPS, resume=tmp_path)
    made = {"start": fitted, "rate": family(rate=0.1)}.get(change, family())
    pool = {"samples": Pool(-PICTURES), "weights": Pool(PICTURES, torch.ones(30))}.get(change, PLAIN)
    seed = 2 if change == "seed" else 1
    again = made.fit(pool, seed=seed, budget=STEPS, resume=tmp_path)
    assert equal(again, made.fit(pool, seed=seed, budget=STEPS))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_checkpoint_is_written_anew(fitted: StyleGAN, tmp_path: Path) -> None:
    family().fit(PLAIN, seed=1, budget=STEPS, resume=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert equal(family().fit(PLAIN, seed=1, budget=STEPS, resume=tmp_path), fitted)
    assert path.read_bytes() == whole


def test_a_warm_start_begins_where_the_last_fit_ended(fitted: StyleGAN) -> None:
    still = fitted.with_state(fitted.state())
    still.parameters = still.parameters.model_copy(update={"rate": 1e-12})
    after = still.fit(PLAIN, seed=5, budget=Budget(1)).state()
    for name, tensor in fitted.state().items():
        if tensor.is_floating_point() and "w_avg" not in name and name != "centres":
            # Adam's first step is the rate itself, a hundred times that for the mapping's stored weights.
            assert torch.allclose(after[name], tensor, rtol=0, atol=1e-9), name


def test_lambda_is_the_truncation_of_the_networks(fitted: StyleGAN) -> None:
    network = fitted._learnt.network  # type: ignore[union-attr]
    for place, bias in ((0, 1.0), (45, 0.7), (33, 0.0)):
        z = normals(1, 6, seed=3, first=place).float()
        noise = [
            normals(1, side * side, seed=3, first=place, purpose=2 + layer).float().reshape(1, 1, side, side)
            for layer, (_, side, _) in enumerate(network.description.noise_shapes)
        ]
        expected = network(z, psi=bias, noise=noise).clamp(-1, 1)
        # One by one and in a batch differ by rounding, and the grid by half a step.
        assert torch.allclose(fitted.sample(1, seed=3, bias=bias, first=place), expected, atol=0.5 / 127.5 + 1e-5)


def test_samples_lie_on_the_grid_of_saved_pictures(fitted: StyleGAN) -> None:
    drawn = fitted.sample(40, seed=0)
    values = torch.arange(256).float().div(127.5).sub(1)
    assert drawn.dtype == torch.float32 and torch.isin(drawn, values).all()
    assert len(drawn.unique()) > 30


def test_samples_do_not_depend_on_threads(fitted: StyleGAN) -> None:
    before = torch.get_num_threads()
    drawn = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            drawn.append(fitted.sample(70, seed=2, first=5))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])


def test_grey_stays_grey() -> None:
    grey = family().fit(Pool(PICTURES[:, :1]), seed=1, budget=STEPS)
    assert grey.sample(2, seed=0).shape == (2, 1, SIDE, SIDE)
    made = grey._learnt.network  # type: ignore[union-attr]
    assert made.description.colours == 3


def test_labels_are_classes_of_the_samples_as_likely_as_in_the_pool() -> None:
    weights = torch.where(LABELS == 2, 2.0, 1.0).double()
    weights[LABELS == 1] = 0
    made = family().fit(Pool(PICTURES, weights, LABELS), seed=1, budget=STEPS)
    labels = made.labels(3000, seed=4)
    assert labels is not None
    shares = torch.bincount(labels, minlength=CLASSES) / len(labels)
    # Four standard errors of a share of 3,000 draws.
    assert shares.tolist() == pytest.approx([1 / 3, 0, 2 / 3], abs=4 * 0.5 / 3000**0.5)
    assert not (labels == 1).any()
    further = made.labels(5, seed=4, first=90)
    assert further is not None and torch.equal(further, labels[90:95])


def test_samples_are_of_their_labels(conditional: StyleGAN) -> None:
    network = conditional._learnt.network  # type: ignore[union-attr]
    labels = conditional.labels(1, seed=3, first=20)
    assert labels is not None
    z = normals(1, 6, seed=3, first=20).float()
    noise = [
        normals(1, side * side, seed=3, first=20, purpose=2 + layer).float().reshape(1, 1, side, side)
        for layer, (_, side, _) in enumerate(network.description.noise_shapes)
    ]
    expected = network(z, F.one_hot(labels, CLASSES).float(), noise=noise).clamp(-1, 1)
    assert torch.allclose(conditional.sample(1, seed=3, first=20), expected, atol=0.5 / 127.5 + 1e-5)


def test_truncation_keeps_the_class(conditional: StyleGAN) -> None:
    state = conditional.state()
    network = conditional._learnt.network  # type: ignore[union-attr]
    z = torch.randn(20_000, 6, generator=torch.Generator().manual_seed(0))
    for label in range(CLASSES):
        w = network.mapping(z, F.one_hot(torch.full((len(z),), label), CLASSES).float())
        # The centre is a mean of 1,024: four of its standard errors, and as many of ours.
        assert ((state["centres"][label] - w.mean(0)).abs() < 5 * w.std(0) / 1024**0.5 + 1e-6).all()
    quiet = {name: torch.zeros_like(tensor) if name.endswith("strength") else tensor for name, tensor in state.items()}
    modes, labels = family().with_state(quiet).sample(60, seed=0, bias=0.0), conditional.labels(60, seed=0)
    assert labels is not None
    each = [modes[labels == label] for label in range(CLASSES)]
    assert all(torch.equal(pictures, pictures[:1].expand_as(pictures)) for pictures in each)
    assert not torch.equal(each[0][0], each[1][0])


def test_a_class_that_died_out_keeps_its_place(conditional: StyleGAN) -> None:
    left = Pool(PICTURES[LABELS < 2], labels=LABELS[LABELS < 2])
    after = conditional.fit(left, seed=2, budget=Budget(1))
    labels = after.labels(200, seed=0)
    assert after.state()["shares"].tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert labels is not None and set(labels.tolist()) == {0, 1}


def test_networks_without_labels_give_none(fitted: StyleGAN) -> None:
    assert fitted.labels(3, seed=0) is None


def test_networks_never_grow() -> None:
    made = family(preset="paper", kimg=0.004).fit(PLAIN, seed=0)
    assert made.sample(1, seed=0).shape == (1, 3, SIDE, SIDE)


@pytest.mark.parametrize("pool", [PLAIN, LABELLED], ids=["plain", "labelled"])
def test_a_saved_one_goes_on_alike(pool: Pool, tmp_path: Path) -> None:
    made = family().fit(pool, seed=1, budget=STEPS)
    save_generator(made, tmp_path / "one.safetensors")
    back = load_generator(tmp_path / "one.safetensors")
    assert torch.equal(back.sample(40, seed=0, bias=0.5), made.sample(40, seed=0, bias=0.5))
    assert equal(back.fit(pool, seed=2, budget=Budget(2)), made.fit(pool, seed=2, budget=Budget(2)))


def test_a_fit_that_diverges_is_left_early_and_its_state_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK", 2)
    steps = []
    monkeypatch.setattr(Trainer, "step", lambda self, step=Trainer.step: (steps.append(1), step(self)))
    broken = family(rate=1e30).fit(PLAIN, seed=0, budget=Budget(100))
    assert len(steps) < 10
    assert not all(torch.isfinite(tensor).all() for tensor in broken.state().values())
    with pytest.raises(UserError, match="gives numbers that are not finite; its training diverged"):
        broken.sample(1, seed=0)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (torch.zeros(4, 5), r"learns from square pictures, and these samples are torch.float32 of shape \(4, 5\)"),
        (torch.zeros(4, 3, 8, 8).double(), "these samples are torch.float64 of shape"),
        (torch.zeros(4, 2, 8, 8), "1 or 3 or 4 channels"),
        (torch.zeros(4, 3, 8, 16), "learns from square pictures"),
        (torch.zeros(4, 1, 28, 28), "the pictures of the pool are 28 px wide, and generator stylegan makes 8, 16, 32"),
        (torch.full((4, 3, 8, 8), 255.0), "the pictures of the pool reach 255; .* in -1 to 1: bring them there"),
    ],
)
def test_pools_it_cannot_learn_from(samples: torch.Tensor, said: str) -> None:
    with pytest.raises(UserError, match=said):
        family().fit(Pool(samples), seed=0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stylegan:preset=tiny3", "preset 'tiny3' is unknown; did you mean"),
        ("stylegan:augment=wobble", "augmentation 'wobble' is unknown; there is brightness, contrast, flip"),
        ("stylegan:augment=shift+brightness", None),
        ("stylegan:augment=none", None),
        ("stylegan:kimg=0", "kimg of generator stylegan is 0; it must be greater than 0"),
        ("stylegan:preset=paper-celebahq,r1-gamma=1", "wgan-gp has a gradient penalty of its own"),
        ("stylegan:mapping-depth=0,z-dim=6,preset=stylegan2", None),
    ],
)
def test_specifications(text: str, said: str | None) -> None:
    if said is None:
        assert open_generator(text).fitted is False
        return
    with pytest.raises(UserError, match=said):
        open_generator(text)


def test_a_preset_does_not_change_without_a_new_version() -> None:
    # A stored fit is known by its specification, which names a preset, and by the version of the family. So whoever
    # changes a preset raises `StyleGAN.version`, and writes both down here.
    recipes = {
        f"{name} at {side} px": StyleGANParameters(preset=name).recipe(side, 3, 0).to_json()
        for name in PRESETS
        for side in (32, 64)
    }
    assert (StyleGAN.version, short(identity("presets", recipes))) == (4, "175a2e8b62d2")


def test_a_warm_start_of_other_networks_is_refused(fitted: StyleGAN, conditional: StyleGAN) -> None:
    with pytest.raises(UserError, match=r"knows networks whose resolution is 8, and .* ask for 16; give such a pool"):
        fitted.fit(Pool(torch.zeros(4, 3, 16, 16)), seed=0)
    with pytest.raises(UserError, match="knows networks whose labels is 3, and its parameters and this pool ask for 0"):
        conditional.fit(PLAIN, seed=0)


def test_states_that_are_none(fitted: StyleGAN) -> None:
    whole = dict(fitted.state())
    for name in ("description", "channels", "centres"):
        with pytest.raises(
            UserError, match="in the state are missing or damaged; give the state of a generator stylegan"
        ):
            family().with_state({key: tensor for key, tensor in whole.items() if key != name})
    with pytest.raises(UserError, match="in the state are missing or damaged"):
        family().with_state({**whole, "description": torch.zeros(3, dtype=torch.uint8)})
    with pytest.raises(UserError, match="the discriminator in the state does not fit the description in it"):
        family().with_state({key: tensor for key, tensor in whole.items() if "discriminator.dense" not in key})
    other = json.dumps(Description.stylegan2(resolution=16).to_json())
    with pytest.raises(UserError, match="the network in the state does not fit the description in it"):
        family().with_state({**whole, "description": torch.tensor(list(other.encode()), dtype=torch.uint8)})
