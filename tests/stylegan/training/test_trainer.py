"""A step, seen from what the networks are shown and what they learn from; sums by hand, in double precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.stylegan.networks import Generator
from simulacra.stylegan.networks.growth import active_layers
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.trainer import Sums, Trainer

from .toys import GROWING, ONE, TWO, Alone, batch, growing, recipe, trainer


@contextmanager
def seen(made: Trainer) -> Iterator[dict[str, list[Any]]]:
    """What the discriminator judges, one minibatch after the other, the styles used, and every loss learned from."""
    kept: dict[str, list[Any]] = {"pictures": [], "logits": [], "ws": [], "losses": [], "rates": []}
    learn = made._learn

    def judged(module: torch.nn.Module, given: tuple[Any, ...], logits: Tensor) -> None:
        parts = given[3] if len(given) > 3 else 1
        kept["pictures"] += given[0].chunk(parts)
        kept["logits"] += logits.detach().clone().chunk(parts)

    def styled(module: torch.nn.Module, given: tuple[Any, ...], pictures: Tensor) -> None:
        kept["ws"].append(given[0].detach().clone())

    def learned(network: torch.nn.Module, optimiser: torch.optim.Adam, loss: Tensor) -> None:
        kept["losses"].append(("G" if isinstance(network, Generator) else "D", float(loss.detach())))
        kept["rates"].append((optimiser.param_groups[0]["lr"], optimiser.param_groups[0]["betas"]))
        learn(network, optimiser, loss)

    hooks = [
        made.state.discriminator.register_forward_hook(judged),
        made.state.generator.synthesis.register_forward_hook(styled),
    ]
    made._learn = learned  # type: ignore[method-assign]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def softplus(x: Tensor) -> float:
    return float(np.log1p(np.exp(x.double().numpy())).mean())


def squared_slopes(made: Trainer, pictures: Tensor) -> Tensor:
    """Squared norm of the gradient of D's score, for each picture, shape (N,)."""
    leaf = pictures.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(made.state.discriminator(leaf).sum(), leaf)
    return gradient.double().square().sum((1, 2, 3))


def test_r1_at_every_step_is_part_of_the_loss() -> None:
    made = trainer(recipe(r1_gamma=3.0))
    expected_slopes = float(squared_slopes(made, batch().pictures).mean())
    with seen(made) as kept:
        made.step()
    fake, real, judged_again = kept["logits"]
    assert [who for who, _ in kept["losses"]] == ["D", "G"]
    expected = softplus(fake) + softplus(-real) + 3.0 / 2 * expected_slopes
    assert kept["losses"][0][1] == pytest.approx(expected, rel=1e-5)  # float32
    assert kept["losses"][1][1] == pytest.approx(softplus(-judged_again), rel=1e-6)
    assert kept["rates"] == [(0.01, (0.0, 0.99))] * 2
    assert torch.equal(kept["pictures"][1].detach(), batch().pictures)


def test_lazy_r1_is_a_step_of_its_own_as_many_times_as_strong() -> None:
    made = trainer(recipe(r1_gamma=3.0, r1_every=4))
    turns = []
    for _ in range(5):
        with seen(made) as kept:
            made.step()
        turns.append([who for who, _ in kept["losses"]])
    assert turns == [["D", "D", "G"], ["D", "G"], ["D", "G"], ["D", "G"], ["D", "D", "G"]]
    made = trainer(recipe(r1_gamma=3.0, r1_every=4))
    slopes: list[float] = []
    learn = made._learn

    def learned(network: torch.nn.Module, optimiser: torch.optim.Adam, loss: Tensor) -> None:
        slopes.append(float(squared_slopes(made, batch().pictures).mean()))
        learn(network, optimiser, loss)

    made._learn = learned  # type: ignore[method-assign]
    with seen(made) as kept:
        made.step()
    assert kept["losses"][1][1] == pytest.approx(4 * 3.0 / 2 * slopes[1], rel=1e-5)  # of the network as it then was
    rate, betas = kept["rates"][0]
    assert (rate, betas) == (pytest.approx(0.01 * 4 / 5), (0.0, pytest.approx(0.99 ** (4 / 5))))
    assert kept["rates"][2] == (0.01, (0.0, 0.99))  # the generator has no lazy term


def test_wgan_gp_penalises_between_real_and_made() -> None:
    made = trainer(recipe(loss="wgan-gp", r1_gamma=0.0))
    with seen(made) as kept:
        made.step()
    fake, real, _ = (pictures.detach() for pictures in kept["pictures"][:3])
    between = kept["pictures"][2].detach()
    share = ((between - real) / (fake - real)).flatten(1)
    np.testing.assert_allclose(share.std(1).numpy(), 0, atol=1e-3)  # float32: one weight for the whole picture
    assert float(share.min()) > -1e-3 and float(share.max()) < 1 + 1e-3
    fresh = trainer(recipe(loss="wgan-gp", r1_gamma=0.0))
    slopes = squared_slopes(fresh, between).sqrt()
    logits = [each.double() for each in kept["logits"]]
    expected = logits[0].mean() - logits[1].mean() + 0.001 * logits[1].square().mean()
    expected = float(expected + 10 * (slopes - 1).square().mean())
    assert kept["losses"][0][1] == pytest.approx(expected, rel=1e-5)
    assert kept["losses"][1][1] == pytest.approx(float(-logits[3].mean()), rel=1e-5)


def test_path_lengths_are_held_near_their_running_mean() -> None:
    made = trainer(recipe(TWO, path_weight=2.0, path_every=2))
    with seen(made) as kept:
        made.step()
    assert [who for who, _ in kept["losses"]] == ["D", "G", "G"]
    assert len(kept["ws"][-1]) == 2  # half of the batch
    (length,) = (made.take_sums().means(Processes())["path_length"],)
    assert made.state.position.path_mean == pytest.approx(0.01 * length, rel=1e-6)
    lengths_by_hand = kept["losses"][2][1] / (2 * 2.0)  # weight, and as many times as strong as it is rare
    assert lengths_by_hand >= (length * 0.99) ** 2 * (1 - 1e-5)  # a mean of squares is above the square of the mean
    rate, betas = kept["rates"][1]
    assert (rate, betas) == (pytest.approx(0.01 * 2 / 3), (0.0, pytest.approx(0.99 ** (2 / 3))))
    with seen(made) as kept:
        made.step()
    assert [who for who, _ in kept["losses"]] == ["D", "G"]


def test_the_discriminator_learns_nothing_from_the_generators_step() -> None:
    made = trainer(recipe())
    learned: dict[str, bool] = {}
    learn = made._learn

    def learning(network: torch.nn.Module, optimiser: torch.optim.Adam, loss: Tensor) -> None:
        before = [parameter.detach().clone() for parameter in made.state.discriminator.parameters()]
        learn(network, optimiser, loss)
        after = made.state.discriminator.parameters()
        changed = any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
        learned["G" if isinstance(network, Generator) else "D"] = changed

    made._learn = learning  # type: ignore[method-assign]
    made.step()
    assert learned == {"D": True, "G": False}
    assert all(parameter.requires_grad for parameter in made.state.discriminator.parameters())


@pytest.mark.parametrize("ramp", [None, 0.5])
def test_the_average_follows_by_its_half_life(ramp: float | None) -> None:
    made = trainer(recipe(ema_kimg=0.016, ema_ramp=ramp))
    for step in range(1, 10):
        before = [p.double().clone() for p in made.state.average.parameters()]
        made.step()
        half_life = 16 if ramp is None else min(16, 0.5 * 4 * step)
        kept = 0.5 ** (4 / half_life)
        newest = made.state.generator.parameters()
        for old, new, average in zip(before, newest, made.state.average.parameters(), strict=True):
            expected = kept * old + (1 - kept) * new.detach().double()
            torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-6)  # float32


def test_the_average_of_w_follows_both_networks_steps_and_is_copied() -> None:
    made = trainer(recipe())
    tracked: list[Tensor] = []
    track = made.state.generator.track

    def tracking(w: Tensor) -> None:
        tracked.append(w)
        track(w)

    made.state.generator.track = tracking  # type: ignore[method-assign]
    expected = torch.zeros(6, dtype=torch.float64)
    for _ in range(2):
        made.step()
    assert len(tracked) == 4
    for w in tracked:
        expected = 0.995 * expected + 0.005 * w[0].double()
    torch.testing.assert_close(made.state.generator.w_avg.double(), expected, rtol=1e-5, atol=1e-8)  # float32
    assert torch.equal(made.state.average.w_avg, made.state.generator.w_avg)


def test_one_crossover_a_batch_among_the_layers_that_work() -> None:
    made = trainer(growing())
    active = len(active_layers(GROWING, 1.0))
    assert active == 2
    mixed = 0
    for step in range(12):
        made.state.position.steps = 4 * step + 1  # no look at the schedule: it stays at 4 px
        with seen(made) as kept:
            made.step()
        for ws in kept["ws"]:
            changes = (ws[:, 1:] != ws[:, :-1]).any(2)  # (N, layers - 1)
            assert (changes == changes[0]).all()  # the same for the batch
            assert not changes[0, 1:].any()  # nowhere but between the two layers that work
            mixed += int(changes[0, 0])
    assert abs(mixed - 0.9 * 24) <= 4 * np.sqrt(24 * 0.09)  # four standard deviations


def test_processes_draw_their_own_latents_noise_and_transforms_but_one_crossover() -> None:
    ws = []
    for rank in (0, 1):
        made = trainer(recipe(), Alone(rank, 2))
        with seen(made) as kept:
            made.step()
        ws.append(kept["ws"])
        assert [len(each) for each in kept["ws"]] == [2, 2]  # half of the batch
        assert made.state.position.images == 4
    for one, other in zip(*ws, strict=True):
        assert not torch.equal(one, other)
        crossed = [(each[:, 1:] != each[:, :-1]).any(2)[0] for each in (one, other)]
        assert torch.equal(*crossed)


@pytest.mark.parametrize("images", [20, 28])
def test_real_pictures_are_faded_as_made_ones_are(images: int) -> None:
    made = trainer(growing())
    made.state.position.images = images
    with seen(made) as kept:
        made.step()
    lod = 1 - (images - 16) / 16
    assert made.stage.lod == lod
    pictures = batch().pictures.double().numpy()
    coarse = pictures.reshape(4, 3, 4, 2, 4, 2).mean((3, 5)).repeat(2, 2).repeat(2, 3)
    expected = (1 - lod) * pictures + lod * coarse
    np.testing.assert_allclose(kept["pictures"][1].detach().numpy(), expected, atol=1e-6)  # float32
    assert kept["pictures"][0].shape == kept["pictures"][1].shape == (4, 3, 8, 8)


def test_adam_forgets_at_both_ends_of_a_fade() -> None:
    made = trainer(growing())
    forgot: list[int] = []
    forget = made.state.forget_moments
    made.state.forget_moments = lambda: (forgot.append(made.state.position.images), forget())[1]  # type: ignore
    levels = []
    while made.state.position.images < 64:
        made.step()
        levels.append(made.stage.levels)
    # The schedule is looked at every fourth step, here every 16 pictures: 4 px, at 16 a fade begins, at 32 it ends.
    assert levels == [(1, 1)] * 8 + [(0, 0)] * 8
    assert forgot == [32]
    made = trainer(growing(batch={4: 2}))
    made._next_batch = lambda position, at: batch(2)
    forget = made.state.forget_moments
    forgot.clear()
    made.state.forget_moments = lambda: (forgot.append(made.state.position.images), forget())[1]  # type: ignore
    while made.state.position.images < 64:
        made.step()
    assert forgot == [24, 32]
    steps = {float(value["step"]) for value in made.state.discriminator_optimiser.state.values()}
    assert steps == {16.0}  # from 32 to 64, two at a time


@pytest.mark.parametrize(("logit", "moved"), [(100.0, 1), (-100.0, 0)])
def test_augmentation_adapts_to_how_sure_the_discriminator_is(logit: float, moved: int) -> None:
    made = trainer(recipe(augment=["flip"], augment_kimg=0.064, rate={4: 1e-9}))
    with torch.no_grad():
        made.state.discriminator.logits.bias.fill_(logit)
    heights = []
    for _ in range(12):
        made.step()
        heights.append(made.state.position.augment)
    a_look = 4 * 4 / 64  # every four steps, at the speed of 1 in 64 pictures
    assert heights == [moved * a_look * (step // 4) for step in range(1, 13)]
    assert made.state.position.signed == 0
    made.state.position.augment = 1 - a_look / 2
    for _ in range(4):
        made.step()
    assert made.state.position.augment == (1.0 if moved else 1 - 1.5 * a_look)


def test_a_fixed_share_stays() -> None:
    made = trainer(recipe(augment=["flip"], augment_share=0.25))
    for _ in range(5):
        made.step()
    assert made.state.position.augment == 0.25
    assert made.state.position.signed == 0


def test_equal_seeds_and_positions_give_equal_bits() -> None:
    one, other = (trainer(recipe(r1_every=2)) for _ in range(2))
    for made in (one, other):
        for _ in range(3):
            made.step()
    pairs = zip(one.state._tensors(), other.state._tensors(), strict=True)
    assert all(torch.equal(a, b) for (_, a), (_, b) in pairs)
    other.state.position.retries = 1
    one.step()
    other.step()
    pairs = zip(one.state.generator.parameters(), other.state.generator.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("description", [ONE, TWO])
def test_lower_precision_moves_the_same_way(description: Any, precision: torch.dtype) -> None:
    path = 2.0 if description is TWO else 0.0
    low, high = (trainer(recipe(description, path_weight=path), precision=each) for each in (precision, torch.float32))
    for _ in range(2):
        low.step()
        high.step()
    assert low.state.finite
    a, b = (torch.cat([p.flatten() for p in made.state.average.parameters()]) for made in (low, high))
    first = torch.cat([p.flatten() for p in trainer(recipe(description)).state.average.parameters()])
    # Adam's first steps go by the sign of each gradient, and small ones change theirs in eight bits.
    assert float(torch.cosine_similarity(a - first, b - first, dim=0)) > 0.8


def test_labels_reach_both_networks() -> None:
    made = trainer(recipe(ONE.changed(labels=3)))
    made.step()
    assert made.state.finite


def test_sums_are_means_over_pictures() -> None:
    sums = Sums()
    assert sums.means(Processes()) == {}
    sums.add("a", torch.tensor(6.0), 4)
    sums.add("a", torch.tensor(3.0), 2)
    sums.add("b", torch.tensor(1.0), 1)
    assert sums.means(Processes()) == {"a": 1.5, "b": 1.0}


def test_what_a_tick_tells() -> None:
    made = trainer(recipe(r1_gamma=3.0))
    slopes = float(squared_slopes(made, batch().pictures).mean())
    with seen(made) as kept:
        made.step()
    fake, real, _ = (logits.double() for logits in kept["logits"])
    means = made.take_sums().means(Processes())
    assert means["fake_score"] == pytest.approx(float(fake.mean()), rel=1e-6)
    assert means["real_score"] == pytest.approx(float(real.mean()), rel=1e-6)
    assert means["real_sign"] == float(real.sign().mean())
    assert means["penalty"] == pytest.approx(3.0 / 2 * slopes, rel=1e-5)
    assert means["discriminator_loss"] == pytest.approx(softplus(fake) + softplus(-real), rel=1e-6)
    assert made.take_sums().means(Processes()) == {}
