from copy import deepcopy

import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description, Generator, build_generator, latents, noise
from simulacra.stylegan.networks.styles import mix, truncate

from .toys import FAMILIES, NAMES, one_hot, seeded, shaken

LABELS = one_hot(0, 2).float()
SMALL = {"resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 8}

families = pytest.mark.parametrize("description", FAMILIES, ids=NAMES)


def pictures(generator: Generator, z: Tensor, labels: Tensor | None = LABELS) -> Tensor:
    with torch.no_grad():
        made: Tensor = generator(z, labels)
    return made


@families
def test_the_call_is_mapping_truncation_and_synthesis(description: Description) -> None:
    generator = shaken(build_generator(description, 1)).float()
    z, images = latents(description, [1, 2]), noise.drawn(description, [3, 4])
    with torch.no_grad():
        ws = truncate(generator.styles(z, LABELS), generator.w_avg, 0.7, 2)
        expected = generator.synthesis(ws, images)
        assert torch.equal(generator(z, LABELS, psi=0.7, cutoff=2, noise=images), expected)
    assert expected.shape == (2, 4, 16, 16)


@families
def test_a_picture_does_not_depend_on_its_batch(description: Description) -> None:
    generator = shaken(build_generator(description, 1))
    z = latents(description, [5, 17, 8]).double()
    labels, images = one_hot(0, 2, 1), [each.double() for each in noise.drawn(description, [5, 17, 8])]
    with torch.no_grad():
        together = generator(z, labels, noise=images)
        alone = generator(z[1:2], labels[1:2], noise=[each[1:2] for each in images])
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-10)  # float64; batches may be summed otherwise


@families
def test_labels_change_the_picture(description: Description) -> None:
    generator, z = build_generator(description, 1), latents(description, [1])
    assert not torch.equal(pictures(generator, z, one_hot(0).float()), pictures(generator, z, one_hot(1).float()))


@pytest.mark.parametrize("config", ["A", "B", "C", "D", "E", "F"])
def test_every_config_makes_pictures_of_z(config: str) -> None:
    description = Description.stylegan1(config, **SMALL)
    generator = build_generator(description, 1)
    made = pictures(generator, latents(description, range(3)), None)
    assert made.shape == (3, 3, 16, 16)
    assert made.isfinite().all()
    assert (made[0] - made[1]).abs().max() > 0.01


def test_a_traditional_generator_may_have_a_mapping_and_a_style_based_one_none() -> None:
    for config, depth in [("B", 8), ("D", 0), ("D", 1)]:  # rows of the paper's table 4
        description = Description.stylegan1(config, **SMALL, mapping_depth=depth)
        assert pictures(build_generator(description, 1), latents(description, [1]), None).isfinite().all()


@pytest.mark.parametrize("config", ["B", "C", "F"])
@pytest.mark.parametrize("labels", [0, 3])
def test_every_parameter_of_stylegan_learns(config: str, labels: int) -> None:
    description = Description.stylegan1(config, **SMALL, labels=labels, progressive=False)
    _every_parameter_learns(description)


def test_every_parameter_of_stylegan2_learns() -> None:
    _every_parameter_learns(Description.stylegan2(**SMALL, labels=3))


def _every_parameter_learns(description: Description) -> None:
    generator = shaken(build_generator(description, 1))
    labels = one_hot(0, 1, 2, 0) if description.labels else None
    generator(torch.randn(4, 8, generator=seeded(), dtype=torch.float64), labels).square().sum().backward()
    still = [name for name, each in generator.named_parameters() if each.grad is None or not each.grad.any()]
    assert not still


@families
def test_mixing_takes_each_layer_from_its_source(description: Description) -> None:
    generator = shaken(build_generator(description, 1))
    one, two = (generator.styles(latents(description, [seed]).double(), one_hot(1)) for seed in (1, 2))
    with torch.no_grad():
        whole = generator.synthesis(mix([one, two], [len(description.layers)]))
        assert torch.equal(whole, generator.synthesis(one))
        last = generator.synthesis(mix([one, two], [len(description.layers) - 1]))
        first = generator.synthesis(mix([one, two], [1]))
    assert 0 < (last - whole).abs().mean() < (first - whole).abs().mean()


@families
def test_stored_noise_is_the_default_and_one_image_serves_all(description: Description) -> None:
    generator, z = shaken(build_generator(description, 1)), latents(description, [1, 2]).double()
    labels = LABELS.double()
    with torch.no_grad():
        default = generator(z, labels)
        repeated = [each.expand(2, -1, -1, -1) for each in generator.synthesis.stored_noise]
        assert torch.equal(generator(z, labels, noise=repeated), default)
        assert not torch.equal(generator(z, labels, noise=noise.silent(description)), default)


@families
def test_memory_formats_give_the_same_pictures(description: Description) -> None:
    generator, z = shaken(build_generator(description, 1)), latents(description, [1, 2]).double()
    expected = pictures(generator, z, LABELS.double())
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(pictures(generator, z, LABELS.double()), expected, rtol=0, atol=1e-10)  # float64 sums


@families
def test_half_the_digits_make_nearly_the_same_pictures(description: Description) -> None:
    generator, z = build_generator(description, 1), latents(description, range(2))
    full = pictures(generator, z)
    with torch.autocast("cpu", torch.bfloat16):
        assert generator.mapping(z, LABELS).dtype == torch.float32
        half = pictures(generator, z)
    assert half.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits, an error of 2^-9 a value; a dozen roundings one after the other, of either sign
    assert (half.float() - full).square().mean().sqrt() < 12 * 2**-9 * full.std()


def test_normalisation_keeps_its_digits_in_half_precision() -> None:
    # Maps whose mean is large against their deviation: statistics in bfloat16 would lose them.
    layer = build_generator(FAMILIES[0], 1).synthesis.get_submodule("layers.1")
    x = 64 + torch.arange(64.0).reshape(1, 1, 8, 8)
    for name in ("fast", "reference"):
        restyle = layer.operations.restyle if name == "fast" else type(layer.operations)().restyle
        found = restyle(x.bfloat16(), torch.ones(1, 1), torch.zeros(1, 1))
        expected = restyle(x, torch.ones(1, 1), torch.zeros(1, 1))
        assert (found.float() - expected).abs().max() < 2**-7  # of values up to 1.7: the rounding of the result alone


@families
def test_shapes_can_be_had_without_the_work(description: Description) -> None:
    generator = build_generator(description, 1).to("meta")
    made = generator(torch.empty(5, 6, device="meta"), torch.empty(5, 3, device="meta"))
    assert made.shape == (5, 4, 16, 16)


@families
def test_copies_are_whole_and_apart(description: Description) -> None:
    generator = build_generator(description, 1)
    copied, z = deepcopy(generator), latents(description, [1, 2])
    assert torch.equal(pictures(copied, z), pictures(generator, z))
    generator.track(torch.ones(1, 7))
    assert not copied.w_avg.any()


@families
def test_equal_seeds_give_equal_bits(description: Description) -> None:
    one, again, other = (build_generator(description, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_descriptions_that_share_a_layer_share_its_first_weights() -> None:
    small, large = (build_generator(FAMILIES[0].changed(resolution=side), 1).state_dict() for side in (8, 16))
    name = "synthesis.layers.1.convolution.weight"
    assert torch.equal(small[name], large[name])


@families
def test_inputs_that_do_not_fit_are_told(description: Description) -> None:
    generator, z = build_generator(description, 1), latents(description, [1, 2])
    ws, images = generator.styles(z, LABELS), generator.synthesis.stored_noise
    with pytest.raises(UserError, match=r"^z has shape \(2, 5\); this network takes \(N, 6\)"):
        generator(z[:, :5], LABELS)
    with pytest.raises(UserError, match=r"^this network was made for labels; give them, of shape \(2, 3\)"):
        generator(z)
    with pytest.raises(UserError, match=r"^labels have shape \(2, 2\); this network takes \(2, 3\)"):
        generator(z, LABELS[:, :2])
    with pytest.raises(UserError, match=r"^ws has shape \(2, 5, 7\); this network takes \(N, 6, 7\)"):
        generator.synthesis(ws[:, :5])
    with pytest.raises(UserError, match=rf"^the noise has 2 images; this network takes {len(images)}, one a noisy"):
        generator.synthesis(ws, images[:2])
    with pytest.raises(UserError, match=r"^noise image 0 has shape \(3, 1, 4, 4\); this network takes \(2, 1, 4, 4\)"):
        generator.synthesis(ws, [each.expand(3, -1, -1, -1) for each in images])


def test_labels_where_there_are_none_are_refused() -> None:
    description = Description.stylegan1(**SMALL)
    with pytest.raises(UserError, match=r"^this network has no labels; leave them out"):
        build_generator(description, 1)(latents(description, [1, 2]), LABELS)
