import pytest
import torch

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description, latents, noise

from .toys import TINY_2, seeded

DESCRIPTION = Description.stylegan1(resolution=16)


def equal(one: noise.Noise, other: noise.Noise) -> list[bool]:
    return [torch.equal(a, b) for a, b in zip(one, other, strict=True)]


def test_a_seed_gives_the_same_noise_and_latent_in_any_batch() -> None:
    alone, among = noise.drawn(DESCRIPTION, [17]), noise.drawn(DESCRIPTION, [3, 17, 4])
    assert all(torch.equal(one[0], many[1]) for one, many in zip(alone, among, strict=True))
    assert torch.equal(latents(DESCRIPTION, [17])[0], latents(DESCRIPTION, [3, 17, 4])[1])
    assert not torch.equal(latents(DESCRIPTION, [17]), latents(DESCRIPTION, [3]))


def test_layers_and_seeds_have_streams_of_their_own() -> None:
    images = noise.drawn(DESCRIPTION, [1, 2])
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[0][0], images[0][1])


def test_drawn_noise_and_latents_are_normal() -> None:
    z = latents(DESCRIPTION, range(40))
    values = torch.cat([z.flatten(), *(image.flatten() for image in noise.drawn(DESCRIPTION, range(40)))])
    # five standard errors of a mean and of a deviation
    assert abs(float(values.mean())) < 5 / len(values) ** 0.5
    assert abs(float(values.std()) - 1) < 5 / (2 * len(values)) ** 0.5


def test_noise_for_training_comes_from_one_stream() -> None:
    one, again = (noise.fresh(DESCRIPTION, 3, seeded(1)) for _ in range(2))
    assert all(equal(one, again))
    assert [tuple(image.shape) for image in one] == [(3, *shape) for shape in DESCRIPTION.noise_shapes]


def test_silent_scaled_and_swapped() -> None:
    one, other = noise.drawn(DESCRIPTION, [1]), noise.drawn(DESCRIPTION, [2])
    assert not any(image.any() for image in noise.silent(DESCRIPTION))
    middle = DESCRIPTION.group("middle")
    scaled = noise.scaled(DESCRIPTION, one, 0.5, middle)
    assert equal(scaled, one) == [True] * 4 + [False] * 2
    assert torch.equal(scaled[4], one[4] / 2)
    swapped = noise.swapped(DESCRIPTION, one, other, middle)
    assert equal(swapped, one) == [True] * 4 + [False] * 2
    assert equal(swapped, other) == [False] * 4 + [True] * 2


def test_ranges_are_rows_of_styles_in_both_families() -> None:
    one, other = noise.drawn(TINY_2, [1]), noise.drawn(TINY_2, [2])
    # Rows 3, 4 and 5 of stylegan2 are middle at 16 px; the last is the way to RGB and takes no noise.
    assert equal(noise.swapped(TINY_2, one, other, TINY_2.group("middle")), one) == [True] * 3 + [False] * 2


def test_noise_of_another_network_is_refused() -> None:
    with pytest.raises(UserError, match=r"^the noise has 6 images and the generator 5 noisy layers"):
        noise.scaled(TINY_2, noise.drawn(DESCRIPTION, [1]), 1, range(3))
