import sys
from math import cos, pi

import pytest
import torch
from torch import Tensor

from simulacra import UserError
from simulacra.errors import MissingExtra
from simulacra.generators import Budget, Pool, open_generator
from simulacra.generators.ddpm import DDPM, DROPPED, LEAST_BIAS, denoised, guided
from simulacra.generators.pictures import Layout, on_grid
from simulacra.generators.streams import normals
from simulacra.generators.training import Batch, initialise

from .pools import COLOURED, GREY

LABELLED = Pool(GREY, labels=torch.arange(12) % 3)
SMALL = "ddpm:batch=4,steps=2,channels=8,sampling-steps=2"


def family(text: str) -> DDPM:
    made = open_generator(text)
    assert isinstance(made, DDPM)
    return made


@pytest.fixture(scope="module")
def fitted() -> DDPM:
    return family(SMALL).fit(LABELLED, seed=3)


def test_the_cosine_schedule_is_its_closed_form() -> None:
    kept = family("ddpm:levels=250,sampling-steps=25").scheduler().alphas_cumprod

    def squared(level: int) -> float:
        return cos((level / 250 + 0.008) / 1.008 * pi / 2) ** 2

    expected = torch.tensor([squared(level + 1) / squared(0) for level in range(249)])  # the last one is bounded
    assert torch.allclose(kept[:-1], expected, atol=2e-6)  # products of 250 numbers in float32
    assert float(kept[-1]) < 1e-6


def test_the_linear_schedule_ends_as_noisy_with_fewer_levels() -> None:
    for levels in (50, 200, 1000):
        kept = family(f"ddpm:levels={levels},sampling-steps=10,schedule=linear").scheduler().alphas_cumprod
        betas = torch.linspace(0.1 / levels, 20 / levels, levels, dtype=torch.float64)
        assert torch.allclose(kept.double(), (1 - betas).cumprod(0), rtol=1e-4)  # products in float32
        assert float(kept[-1]) < 1e-4


def test_guidance_goes_past_the_class_by_its_strength() -> None:
    predictions = {0: torch.tensor([1.0, 2.0]), 7: torch.tensor([0.5, 3.0])}
    asked: list[int] = []

    def predict(labels: Tensor | None) -> Tensor:
        assert labels is not None
        asked.append(int(labels[0]))
        return predictions[asked[-1]]

    labels, hidden = torch.zeros(2).long(), torch.full((2,), 7)
    assert guided(predict, labels, hidden, 1.0) is predictions[0] and asked == [0]
    for bias in (0.8, 0.5, 0.05):
        strength = 1 / bias - 1
        expected = (1 + strength) * predictions[0] - strength * predictions[7]
        assert torch.allclose(guided(predict, labels, hidden, bias), expected, rtol=1e-6)


def test_lambda_1_is_the_unguided_sampler_bit_for_bit(fitted: DDPM) -> None:
    labels = fitted.labels(64, seed=5)
    noise = normals(64, 64, seed=5).float().reshape(64, 1, 8, 8)
    with torch.no_grad():
        drawn = denoised(lambda x, level: fitted.network(x, level, labels).sample, noise, fitted.scheduler(), 2)
    assert torch.equal(fitted.sample(64, seed=5), on_grid(drawn))
    assert not torch.equal(fitted.sample(64, seed=5, bias=0.5), on_grid(drawn))


def test_the_sampler_of_normal_data_is_linear_and_has_their_deviation() -> None:
    deviation, centre = 0.12, 0.2
    scheduler = family("ddpm:levels=1000").scheduler()
    kept = scheduler.alphas_cumprod.double()

    def predict(noisy: Tensor, level: Tensor) -> Tensor:
        """The velocity that is expected of data from N(centre, deviation^2)."""
        signal, noise = kept[level].sqrt(), (1 - kept[level]).sqrt()
        gain = (noisy - signal * centre) / (kept[level] * deviation**2 + noise**2)
        return signal * noise * gain - noise * (centre + signal * deviation**2 * gain)

    noise = normals(1, 9, seed=1).reshape(9, 1, 1, 1).clamp(-2.5, 2.5)
    drawn = denoised(predict, noise, scheduler, 1000)
    # A thousand steps of the first order are within 1 % of the exact flow, centre + deviation * noise.
    assert torch.allclose(drawn, centre + deviation * noise, atol=0.01 * deviation * 2.5)
    halved = denoised(predict, 0.5**0.5 * noise, scheduler, 1000)
    assert torch.allclose(halved - centre, 0.5**0.5 * (drawn - centre), atol=1e-5)  # float32 in the scheduler's tables


def test_without_classes_lambda_multiplies_the_variance_of_the_first_noise() -> None:
    bare = family(SMALL).fit(Pool(GREY), seed=3)
    noise = 0.5 * normals(64, 64, seed=5).float().reshape(64, 1, 8, 8)
    with torch.no_grad():
        drawn = denoised(lambda x, level: bare.network(x, level).sample, noise, bare.scheduler(), 2)
    assert torch.equal(bare.sample(64, seed=5, bias=0.25), on_grid(drawn))
    modes = bare.sample(3, seed=5, bias=0.0)
    assert torch.equal(modes, modes[:1].expand_as(modes))


def test_the_loss_is_that_of_the_velocity_and_hides_a_share_of_the_labels() -> None:
    made, layout = family(SMALL), Layout(1, 8, 3)
    network = made.build(layout)
    initialise(network, 1)
    lesson = made.lesson(network, layout)
    noise, level, dropped = lesson.draw(GREY.repeat(200, 1, 1, 1), torch.Generator().manual_seed(0))
    # 2,400 draws, within four standard errors
    assert abs(float(dropped.double().mean()) - DROPPED) < 4 * (DROPPED * (1 - DROPPED) / 2400) ** 0.5
    assert set(level.tolist()) == set(range(200))

    hidden = torch.arange(12) % 4 == 0
    batch = Batch(GREY, LABELLED.labels, (noise[:12], level[:12], hidden))
    kept = made.scheduler().alphas_cumprod[level[:12]].reshape(12, 1, 1, 1)
    noisy = kept.sqrt() * GREY + (1 - kept).sqrt() * noise[:12]
    assert batch.labels is not None
    predicted = network(noisy, level[:12], batch.labels.masked_fill(hidden, 3)).sample
    velocity = kept.sqrt() * noise[:12] - (1 - kept).sqrt() * GREY
    expected = (predicted - velocity).square().flatten(1).mean(1)
    assert torch.allclose(lesson.losses(batch), expected, rtol=1e-4)  # the same in another order, float32


def test_learns_two_pictures_each_of_its_class() -> None:
    dark, striped = torch.full((1, 8, 8), -0.8), 0.8 * torch.linspace(-1, 1, 8).sign().expand(1, 8, 8)
    pool = Pool(torch.stack([dark, striped]), torch.tensor([3.0, 1.0]), torch.tensor([0, 1]))
    made = family("ddpm:channels=8,batch=16,levels=50,sampling-steps=10,rate=0.01")
    learnt = made.fit(pool, seed=1, budget=Budget(50))
    drawn, labels = learnt.sample(64, seed=2), learnt.labels(64, seed=2)
    assert labels is not None and len(labels.unique()) == 2
    own = (drawn - pool.samples[labels]).abs().flatten(1).mean(1)
    other = (drawn - pool.samples[1 - labels]).abs().flatten(1).mean(1)
    assert bool((own < other).all())
    assert float(own.mean()) < 0.25  # what so short a training reaches, of pictures 0.8 apart


@pytest.mark.parametrize("pool", [Pool(COLOURED), Pool(torch.zeros(4, 1, 28, 28), labels=torch.arange(4))])
def test_learns_pictures_of_other_sizes(pool: Pool) -> None:
    learnt = family("ddpm:batch=2,steps=1,channels=8,sampling-steps=1").fit(pool, seed=0)
    assert learnt.sample(1, seed=0).shape[1:] == pool.samples.shape[1:]


def test_guidance_without_end_is_refused(fitted: DDPM) -> None:
    assert torch.isfinite(fitted.sample(2, seed=0, bias=LEAST_BIAS)).all()
    for bias in (0.0, 0.049):
        with pytest.raises(UserError, match=r"the sampling bias is .*; generator ddpm guides .*: give 0.05 or more"):
            fitted.sample(1, seed=0, bias=bias)


def test_refuses_steps_that_do_not_divide_the_levels() -> None:
    with pytest.raises(UserError, match=r"sampling-steps is 30, which does not divide the 200 levels; .* such as 25"):
        open_generator("ddpm:sampling-steps=30")


def test_names_the_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtra, match=r"Generator ddpm needs the package diffusers, .* 'simulacra\[diffusers\]'"):
        family(SMALL).fit(Pool(GREY), seed=0)
