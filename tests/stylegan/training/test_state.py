import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from simulacra.errors import UserError
from simulacra.runs import StoreFull, atomic
from simulacra.stylegan.training.state import TrainingState, lazy_correction, read_state

from .toys import GROWING, TWO, growing, recipe, trainer

CPU = torch.device("cpu")


def tensors(state: TrainingState) -> dict[str, torch.Tensor]:
    return dict(state._tensors())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_state_comes_back_bit_for_bit_and_goes_on_alike(tmp_path: Path, layout: torch.memory_format) -> None:
    made = recipe(TWO, path_weight=2.0, augment=["flip"])
    one = trainer(made)
    one.state = TrainingState(made, 1, CPU, layout)
    for _ in range(3):
        one.step()
    one.state.save(tmp_path / "a.safetensors")
    other = trainer(made)
    other.state = TrainingState(made, 9, CPU, layout)
    other.state.take(read_state(tmp_path / "a.safetensors"))
    other.look_again()
    for _ in range(2):
        assert one.state.position == other.state.position
        before, after = tensors(one.state), tensors(other.state)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
        one.step()
        other.step()


def test_layers_that_do_not_work_yet_have_no_moments(tmp_path: Path) -> None:
    one = trainer(growing())
    one.step()
    one.state.save(tmp_path / "a.safetensors")
    state = TrainingState(growing(), 9, CPU)
    state.take(read_state(tmp_path / "a.safetensors"))
    names = [name for name, _ in state.discriminator.named_parameters()]
    known = {names[index] for index in state.discriminator_optimiser.state_dict()["state"]}
    assert not any(name.startswith(("from_rgb.8", "blocks.8")) for name in known)
    assert {"from_rgb.4.weight", "dense.weight"} <= known


@pytest.mark.parametrize(("every", "weight", "factor"), [(16, 10.0, 16 / 17), (4, 2.0, 0.8), (1, 10.0, 1), (16, 0, 1)])
def test_lazy_terms_slow_the_rate_by_appendix_b(every: int, weight: float, factor: float) -> None:
    assert lazy_correction(every, weight) == factor


def test_adam_is_the_papers() -> None:
    group = TrainingState(recipe(), 1, CPU).generator_optimiser.param_groups[0]
    assert (group["betas"], group["eps"], group["weight_decay"], group["amsgrad"]) == ((0.0, 0.99), 1e-8, 0, False)


def test_a_checkpoint_of_another_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    TrainingState(recipe(), 1, CPU).save(path)
    state = TrainingState(recipe(r1_gamma=7.0), 1, CPU)
    before = {name: tensor.clone() for name, tensor in tensors(state).items()}
    with pytest.raises(UserError) as refused:
        state.take(read_state(path))
    assert str(refused.value) == (
        f"{path} is a training by another recipe: its r1-gamma is 1.0, where 7.0 is asked for; give the recipe it was "
        "begun with, or another run"
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in tensors(state).items())
    with pytest.raises(UserError, match="its description is"):
        TrainingState(recipe(GROWING, grow_from=4), 1, CPU).take(read_state(path))


def test_a_checkpoint_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    TrainingState(recipe(), 1, CPU).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError) as refused:
        read_state(path)
    assert str(refused.value) == (
        f"{path} is cut off, damaged or of another format; delete it, and the same command goes on without it"
    )


def test_files_that_are_no_training(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="holds tensors, but no checkpoint of simulacra; delete it"):
        read_state(path)
    header = {"format": "stylegan-training", "version": 99, "recipe": {}, "position": {}}
    safetensors.torch.save_file({"x": torch.zeros(1)}, path, {"simulacra": json.dumps(header)})
    with pytest.raises(UserError, match="is of version 99; this simulacra reads up to 1"):
        read_state(path)
    with pytest.raises(UserError, match=r"none\.safetensors cannot be read"):
        read_state(tmp_path / "none.safetensors")


def test_weights_that_do_not_fit_their_own_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = TrainingState(recipe(), 1, CPU)
    state.generator.w_avg = torch.zeros(7)
    state.save(path)
    with pytest.raises(UserError, match="holds weights that do not fit its own recipe; delete it"):
        TrainingState(recipe(), 1, CPU).take(read_state(path))


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    state = TrainingState(recipe(), 1, CPU)
    state.save(path)
    before = path.read_bytes()

    def full(point: str) -> None:
        if point == "checkpoint-written":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "reach", full)
    state.position.images = 4
    with pytest.raises(StoreFull, match="is full"):
        state.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


def test_finite_looks_at_weights_averages_and_moments() -> None:
    one = trainer(recipe())
    one.step()
    assert one.state.finite
    for tensor in (
        next(one.state.average.parameters()),
        one.state.generator.w_avg,
        one.state.generator_optimiser.state_dict()["state"][0]["exp_avg_sq"],
    ):
        kept = tensor.detach().clone()
        with torch.no_grad():
            tensor.view(-1)[0] = float("nan")
            assert not one.state.finite
            tensor.copy_(kept)
    assert one.state.finite
