from functools import partial

import pytest
import torch

from simulacra.errors import UserError
from simulacra.images.pixels import to_pixels
from simulacra.stylegan.networks import latents
from simulacra.stylegan.networks import noise as noises
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.use import Maker

from .toys import PLAIN, RICH, maker, network

both = pytest.mark.parametrize("description", [PLAIN, RICH], ids=["stylegan1", "stylegan2"])


def floats(made_by: Maker, seed: int) -> torch.Tensor:
    return made_by.picture(made_by.styles(made_by.w(seed), 0.7), made_by.noise("seed", seed))


@both
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_picture_has_the_same_bits_in_any_company_and_on_any_cores(description: Description, threads: int) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = floats(maker(description), 17)
        torch.set_num_threads(threads)
        made_by = maker(description)
        among = list(made_by.each(partial(floats, made_by, seed) for seed in (*range(30), 17, 17)))
    finally:
        torch.set_num_threads(before)
    assert len(among) == 32
    assert all(torch.equal(alone, each) for each in (among[17], among[30], among[31]))
    assert not torch.equal(among[16], alone)


@both
def test_it_is_the_picture_of_the_network(description: Description) -> None:
    made_by, generator = maker(description), network(description)
    labels = torch.eye(3)[[2]] if description.labels else None
    noise = noises.drawn(description, [5])
    with torch.no_grad():
        meant = generator(latents(description, [5]), labels, 0.5, 2, noise).add(1).div(2).clamp(0, 1)
    ws = made_by.styles(made_by.w(5, 2 if description.labels else None), 0.5, 2)
    # The same operations; only the order of sums within a matrix product may differ between threads.
    assert torch.allclose(made_by.picture(ws, made_by.noise("seed", 5)), meant, atol=1e-5)


def test_noise_comes_from_where_it_is_asked_for() -> None:
    made_by, generator = maker(PLAIN), network(PLAIN)
    stored, seeded, other, none = (made_by.noise(choice, 4) for choice in ("stored", "seed", 9, "none"))
    assert all(torch.equal(*pair) for pair in zip(stored, generator.synthesis.stored_noise, strict=True))
    assert all(torch.equal(*pair) for pair in zip(seeded, noises.drawn(PLAIN, [4]), strict=True))
    assert all(torch.equal(*pair) for pair in zip(other, noises.drawn(PLAIN, [9]), strict=True))
    assert all(not image.any() for image in none)


def test_a_class_is_drawn_by_seed_where_none_is_given() -> None:
    made_by = maker(RICH)
    labels = [made_by.label(seed, None) for seed in range(60)]
    assert set(labels) == {0, 1, 2} and labels == [made_by.label(seed, None) for seed in range(60)]
    assert made_by.label(3, 2) == 2 and maker(PLAIN).label(3, None) is None
    drawn = made_by.label(7, None)
    assert torch.equal(made_by.w(7), made_by.w(7, drawn)) and not torch.equal(
        made_by.w(7), made_by.w(7, (drawn + 1) % 3)
    )


def test_pictures_are_made_a_few_ahead_and_no_more() -> None:
    started = []

    def count(index: int) -> int:
        started.append(index)
        return index

    made = maker(PLAIN).each(partial(count, index) for index in range(10_000))
    assert [next(made), next(made)] == [0, 1]
    assert len(started) <= 8 * torch.get_num_threads()


def test_alpha_is_kept_and_the_range_is_that_of_pictures() -> None:
    made_by = maker(RICH)
    picture = floats(made_by, 3)
    assert picture.shape == (1, 4, 16, 16) and float(picture.min()) >= 0 and float(picture.max()) <= 1
    assert to_pixels(picture).shape == made_by.one(3, None, 1.0, None, "seed").shape == (16, 16, 4)


def test_a_network_that_diverged_is_named_as_the_cause() -> None:
    broken = network(PLAIN)
    with torch.no_grad():
        broken.get_parameter("synthesis.layers.5.bias").fill_(torch.nan)
    with pytest.raises(UserError, match="numbers that are not finite; it diverged: take an earlier snapshot"):
        Maker(broken).one(0, None, 1.0, None, "stored")


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_here_is_refused(device: str) -> None:
    with pytest.raises(UserError, match=f"^--device {device} cannot be used here: .*; leave it out for the processor"):
        Maker(network(PLAIN), device=device)
