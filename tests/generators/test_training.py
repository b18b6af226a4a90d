"""The training itself, on a network of one layer; what it does for each family is tested with the family."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from simulacra import UserError
from simulacra.generators import Pool, training
from simulacra.generators.checkpoint import Checkpoint
from simulacra.generators.training import Batch, Lesson, Plan, initialise, train

POOL = Pool(torch.linspace(-1, 1, 6 * 64).reshape(6, 1, 8, 8), torch.arange(6).double(), torch.arange(6) % 2)
PLAN = Plan(steps=6, batch=9, rate=0.01)


class Killed(Exception):
    """In place of a signal."""


def lesson(kill_at: int | None = None) -> Lesson:
    """One linear layer that learns noise from pictures; dies in the step of that number."""
    network = nn.Linear(64, 3)
    initialise(network, 5)
    calls = iter(range(1000))

    def losses(batch: Batch) -> Tensor:
        if kill_at is not None and next(calls) >= training.PARTS * kill_at:
            raise Killed
        assert batch.labels is not None
        error = network(batch.pictures.flatten(1)) - batch.drawn[0] - batch.labels[:, None]
        return error.square().sum(1)

    return Lesson(network, lambda pictures, stream: (torch.randn(len(pictures), 3, generator=stream),), losses)


def learnt(made: Lesson, **given: object) -> dict[str, Tensor]:
    arguments = {"pool": POOL, "plan": PLAN, "name": "own", "seed": 1} | given
    return train(made, **arguments)  # type: ignore[arg-type]


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kill_at", range(PLAN.steps))
def test_goes_on_after_a_kill_to_equal_bits(kill_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learnt(lesson())
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(Killed):
        learnt(lesson(kill_at), resume=tmp_path)
    left = PLAN.steps - kill_at
    with pytest.raises(Killed):  # it does go on: one step fewer than what is left is not enough
        learnt(lesson(left - 1), resume=tmp_path)
    assert equal(learnt(lesson(1), resume=tmp_path), whole)
    assert equal(learnt(lesson(0), resume=tmp_path), whole)  # done: not one more step


def test_a_checkpoint_of_another_fit_is_ignored(tmp_path: Path) -> None:
    learnt(lesson(), resume=tmp_path)
    others: list[dict[str, object]] = [
        {"seed": 2},
        {"plan": Plan(steps=6, batch=9, rate=0.02)},
        {"plan": Plan(steps=7, batch=9, rate=0.01)},
        {"name": "other"},
        {"pool": Pool(POOL.samples, None, POOL.labels)},
        {"pool": Pool(POOL.samples, POOL.weights, 1 - POOL.labels)},  # type: ignore[operator]
    ]
    for other in others:
        assert equal(learnt(lesson(), resume=tmp_path, **other), learnt(lesson(), **other))


def test_a_damaged_checkpoint_counts_as_none(tmp_path: Path) -> None:
    whole = learnt(lesson(), resume=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert equal(learnt(lesson(), resume=tmp_path), whole)


def test_a_checkpoint_is_made_with_its_folder_and_read_by_its_identity_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    Checkpoint(folder, "one").write({"x": torch.arange(3)}, 7)
    assert Checkpoint(folder, "other").read() is None
    read = Checkpoint(folder, "one").read()
    assert read is not None and read[1] == 7 and read[0]["x"].tolist() == [0, 1, 2]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        Checkpoint(tmp_path / "file", "one").write({}, 0)


def test_weights_do_not_depend_on_the_number_of_threads(threads: None) -> None:
    made = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        made.append(learnt(lesson()))
        assert torch.get_num_threads() == count
    assert equal(made[0], made[1]) and equal(made[0], made[2])


def test_pictures_come_as_often_as_their_weights_say() -> None:
    seen: list[Tensor] = []

    def losses(batch: Batch) -> Tensor:
        seen.append(batch.pictures[:, 0, 0, 0])
        return network(batch.pictures[:, 0, 0, :1]).square().sum(1)

    network = nn.Linear(1, 1)
    pool = Pool(torch.tensor([-1.0, 0, 1])[:, None, None, None].expand(3, 1, 8, 8), torch.tensor([3.0, 0, 1]))
    learnt(Lesson(network, lambda pictures, stream: (), losses), pool=pool, plan=Plan(40, 100, 0.01))
    values = torch.cat(seen)
    assert set(values.tolist()) == {-1.0, 1.0}
    # 4,000 draws with probability 3/4, within four standard errors
    assert abs(float((values < 0).double().mean()) - 0.75) < 4 * (0.75 * 0.25 / 4000) ** 0.5


def test_weights_are_averaged_by_a_power_of_the_step() -> None:
    network = nn.Linear(1, 1, bias=False)
    progress = training.Progress(network, 0.1)
    fixed = Lesson(network, lambda pictures, stream: (), lambda batch: network(batch.pictures[:, 0, 0, :1]).sum(1))
    batch = Batch(torch.ones(4, 1, 8, 8), None, ())
    followed = []
    with training.Workers(gradients=True) as workers:
        for _ in range(30):
            progress.learn(fixed, batch, workers)
            followed.append(float(network.weight.detach()))
    power = training.AVERAGE_POWER + 1
    shares = [(step / 30) ** power - ((step - 1) / 30) ** power for step in range(1, 31)]
    # Step i keeps (1 - 1/i)^power of what was there, and the product over the steps after it is (i/t)^power.
    expected = sum(share * weight for share, weight in zip(shares, followed, strict=True))
    assert float(progress.average.weight) == pytest.approx(expected, rel=1e-5)  # float32, thirty sums


def test_first_weights_are_those_of_the_seed_and_as_wide_as_torch_has_them() -> None:
    def made(seed: int) -> nn.Module:
        network = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Linear(100, 100), nn.Embedding(50, 50), nn.GroupNorm(8, 64))
        initialise(network, seed)
        return network

    first, again, other = made(1), made(1), made(2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first[0].weight, other[0].weight)  # type: ignore[index]
    deviation = float(first[1].weight.detach().std())  # type: ignore[index]
    # uniform in +-1/10: deviation 0.1 / sqrt 3; its own is 0.45 / sqrt n of it
    assert deviation == pytest.approx(0.1 / 3**0.5, rel=4 * 0.45 / 100)
    assert first[3].weight.unique().tolist() == [1.0]  # type: ignore[index]


def test_stops_with_its_cause_where_the_loss_is_no_number() -> None:
    network = nn.Linear(64, 1)
    broken = Lesson(network, lambda pictures, stream: (), lambda batch: network(batch.pictures.flatten(1))[:, 0] / 0)
    with pytest.raises(
        UserError, match=r"generator own diverged: its loss is .* at step 1 of 6; .* such as rate=0.003"
    ):
        learnt(broken)
