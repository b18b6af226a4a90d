from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from simulacra.errors import UserError
from simulacra.stylegan.training import calibration
from simulacra.stylegan.training.calibration import (
    Machine,
    Wish,
    calibrate,
    computing,
    forecast,
    memory_needed,
    refuse_disk,
    refuse_memory,
)
from simulacra.stylegan.training.presets import preset
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe

from .toys import TWO, growing, recipe

CPU = torch.device("cpu")


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> dict[Machine, float]:
    """A machine whose steps take what this table says, in order of being tried; R1 adds 3 seconds, paths 5."""
    tried: dict[Machine, float] = {}
    factors = {"channels-last": 0.5, "bf16": 0.8, 1: 0.7}

    def steps(made: Recipe, device: torch.device, machine: Machine, count: int) -> float:
        seconds = 10.0
        for part in (machine.layout, machine.precision, machine.threads):
            seconds *= factors.get(part, 1.0)
        tried.setdefault(machine, seconds)
        return seconds + 3 * bool(made.r1_gamma) + 5 * bool(made.path_weight)

    monkeypatch.setattr(calibration, "_steps", steps)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    return tried


def test_the_fastest_of_each_choice_is_taken(timed: dict[Machine, float]) -> None:
    machine, seconds = calibrate(recipe(r1_gamma=0.0), CPU, Wish())
    assert machine == Machine(1, "channels-last", "bf16")
    assert list(timed.values()) == [10, 5, pytest.approx(4), pytest.approx(2.8)]
    assert seconds == pytest.approx(1000 * 2.8 / 4)


def test_terms_count_at_their_own_rate(timed: dict[Machine, float]) -> None:
    wish = Wish(2, "contiguous", "fp32")
    assert calibrate(recipe(), CPU, wish) == (Machine(2, "contiguous", "fp32"), 1000 * 13 / 4)
    assert calibrate(recipe(r1_every=4), CPU, wish)[1] == 1000 * (10 + 3 / 4) / 4
    both = recipe(TWO, r1_every=16, path_weight=2.0, path_every=5)
    assert calibrate(both, CPU, wish)[1] == pytest.approx(1000 * (10 + 3 / 16 + 5 / 5) / 4)


def test_wishes_are_not_measured(timed: dict[Machine, float]) -> None:
    assert calibrate(recipe(), CPU, Wish(threads=2, precision="fp16"))[0] == Machine(2, "channels-last", "fp16")
    assert {machine.precision for machine in timed} == {"fp16"}


def test_lower_precision_must_be_clearly_faster(timed: dict[Machine, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_GAIN", 1.3)
    assert calibrate(recipe(), CPU, Wish())[0].precision == "fp32"


def test_slow_machines_are_not_kept_waiting(timed: dict[Machine, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_PATIENCE_SECONDS", -1.0)
    assert calibrate(recipe(), CPU, Wish())[0] == Machine(2, "contiguous", "fp32")
    assert len(timed) == 1


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"layout": "nchw"}, "--layout is 'nchw'; it must be contiguous or channels-last, or left out to measure"),
        ({"precision": "fp8"}, "--precision is 'fp8'; it must be fp32 or bf16 or fp16, or left out to measure"),
        ({"threads": 0}, "--threads is 0; it must be 1 or more, or left out to measure"),
    ],
)
def test_impossible_wishes(wish: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        Wish(**wish)  # type: ignore[arg-type]
    assert str(refused.value) == sentence


def test_real_steps_are_timed() -> None:
    machine, seconds = calibrate(growing(), CPU, Wish(1, "contiguous", "fp32"), steps=1)
    assert machine == Machine(1, "contiguous", "fp32") and seconds > 0


def test_computing_sets_threads_for_the_block() -> None:
    before = torch.get_num_threads()
    with computing(Machine(3, "contiguous", "fp32")):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_what_autograd_keeps_is_counted_once_and_let_go() -> None:
    held = calibration._Held()
    with torch.autograd.graph.saved_tensors_hooks(held.pack, lambda kept: kept.tensor):
        for _ in range(2):  # the second time nothing is left of the first
            x = torch.ones(1000, requires_grad=True)
            y = x.exp()  # keeps y
            z = y * y  # keeps y twice
            z.sum().backward()
            del x, y, z
    assert held.most == 4000
    assert held._now == 0


def test_memory_grows_with_the_share_of_a_process() -> None:
    made = preset("tiny", resolution=16, channel_max=8)
    one, four = (memory_needed(made, Processes(0, world)) for world in (1, 4))
    generator, discriminator = calibration._network_bytes(made)
    fixed = 5 * generator + 4 * discriminator  # weights, gradients and two moments of both, and the average
    assert one - fixed == pytest.approx(4 * (four - fixed), rel=1e-3)
    assert one > fixed


def test_a_forecast_by_hand() -> None:
    made = preset("paper")
    generator = 26_219_627 + 2_796_192 + 512  # parameters, stored noise, average of w
    discriminator = 23_087_249
    expected = forecast(made, 80.0, 123, 10, Processes(0, 8))
    assert expected.seconds_a_kimg == 10
    assert expected.hours == pytest.approx(10 * (25_000 - 8_400 / 2) / 3600)  # while growing half as much
    assert expected.memory_bytes == 123
    # Three checkpoints of weights and two moments of both, and the average; ten networks; four bytes a number.
    assert expected.disk_bytes == 4 * (3 * (4 * generator + 3 * discriminator) + 10 * generator)
    assert str(expected) == "about 10 s for 1,000 pictures, 57.8 h in all; 1.2e-07 GB of memory, 3.4 GB of disk"


def test_what_cannot_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_free_memory", lambda device: 2_000_000_000)
    refuse_memory(2_000_000_000, CPU)
    with pytest.raises(UserError, match=r"^the training needs about 3 GB of memory and 2 GB are free; give a smaller "):
        refuse_memory(3_000_000_000, CPU)
    monkeypatch.setattr(calibration, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    refuse_disk(1_000_000, tmp_path)
    with pytest.raises(UserError, match=r"^the training writes about 0\.002 GB and 0\.001 GB are free in "):
        refuse_disk(2_000_000, tmp_path)


def test_free_memory_is_told_by_the_system() -> None:
    free = calibration._free_memory(CPU)
    assert free is None or free > 10**6
