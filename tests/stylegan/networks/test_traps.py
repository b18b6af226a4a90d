"""Nine details that public ports get wrong, in the order of the reference's list; `test_oracle.py` holds the sums."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from simulacra.stylegan.networks import Description, build_discriminator, build_generator, noise
from simulacra.stylegan.networks.growth import fade
from simulacra.stylegan.networks.layers import with_deviation
from simulacra.stylegan.networks.styles import drawn_crossover

from .toys import TINY_1, seeded, shaken

WIDE = Description.stylegan1(resolution=16, channel_base=1024, channel_max=64, z_dim=64)


def test_1_constant_strengths_and_biases_start_where_they_must() -> None:
    generator = build_generator(WIDE, 1)
    parameters = dict(generator.named_parameters())
    assert torch.equal(parameters["synthesis.layers.0.const"], torch.ones(1, 64, 4, 4))
    strengths = [value for name, value in parameters.items() if name.endswith("strength")]
    assert len(strengths) == 6
    biases = [value for name, value in parameters.items() if name.endswith("bias")]
    assert len(biases) == 8 + 2 * 6 + 3  # mapping, layers and their styles, RGB
    judge = dict(build_discriminator(WIDE, 2).named_parameters())
    judging = [value for name, value in judge.items() if name.endswith("bias")]
    assert len(judging) == 2 * 2 + 3 + 3  # two a block, from RGB, the last convolution and the two dense layers
    assert not any(value.any() for value in [*strengths, *biases, *judging])
    with torch.no_grad():  # without a w, a layer comes out of its style normalised and nothing else
        x = torch.randn(2, 64, 4, 4, generator=seeded())
        layer = generator.synthesis.get_submodule("layers.1")
        styled = layer.double()(x.double(), torch.zeros(2, 64).double(), None)
    assert styled.mean((2, 3)).abs().max() < 1e-12
    assert (styled.var((2, 3), correction=0) - 1).abs().max() < 1e-6  # epsilon is 1e-8 of variances about 1


def test_2_weights_are_normal_and_scaled_when_used() -> None:
    generator, judge = build_generator(WIDE, 1), build_discriminator(WIDE, 2)
    expected = {  # stored deviation, and gain over the root of the inputs
        "mapping.layers.3": (100, np.sqrt(2 / 64) * 0.01),
        "synthesis.layers.1.convolution": (1, np.sqrt(2 / (9 * 64))),
        "synthesis.layers.2.convolution": (1, np.sqrt(2 / (9 * 64))),
        "synthesis.layers.2.style": (1, np.sqrt(1 / 64)),
        "synthesis.to_rgb.8": (1, np.sqrt(1 / 64)),
        "blocks.16.convolution": (1, np.sqrt(2 / (9 * 64))),
        "blocks.8.down": (1, np.sqrt(2 / (9 * 64))),
        "from_rgb.16": (1, np.sqrt(2 / 3)),
        "convolution": (1, np.sqrt(2 / (9 * 65))),
        "dense": (1, np.sqrt(2 / 1024)),
        "logits": (1, np.sqrt(1 / 64)),
    }
    for name, (deviation, constant) in expected.items():
        module = (generator if name.startswith(("mapping", "synthesis")) else judge).get_submodule(name)
        weight, kernel = (torch.as_tensor(getattr(module, each)).detach() for each in ("weight", "kernel"))
        error = deviation / np.sqrt(2 * weight.numel())
        assert abs(float(weight.std()) - deviation) < 4 * error, name  # four standard errors of a deviation
        torch.testing.assert_close(kernel, weight * constant)


def test_3_every_layer_has_its_own_noise_with_a_strength_for_each_map() -> None:
    generator = build_generator(TINY_1, 1)
    stored = generator.synthesis.stored_noise
    assert [image.shape[-1] for image in stored] == [4, 4, 8, 8, 16, 16]
    assert not torch.equal(stored[2], stored[3])
    ws = torch.randn(1, 6, 7, generator=seeded())
    for row, layer in enumerate(generator.synthesis.get_submodule("layers").children()):
        strength = layer.get_parameter("strength")
        assert strength.shape == (TINY_1.channels(stored[row].shape[-1]),)
        nn.init.constant_(strength, 0.5)
        changed = list(stored)
        changed[row] = -stored[row]
        with torch.no_grad():
            assert not torch.equal(generator.synthesis(ws, changed), generator.synthesis(ws))
            nn.init.zeros_(strength)
            assert torch.equal(generator.synthesis(ws, changed), generator.synthesis(ws))


@pytest.mark.parametrize("config", ["A", "B"])
def test_4_the_blur_stands_after_each_up_convolution_with_zeros_outside(config: str) -> None:
    description = Description.stylegan1(config, resolution=8, channel_base=8, channel_max=1, z_dim=4)
    layer = build_generator(description, 1).synthesis.get_submodule("layers.2").double()
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    kernel[0, 0, 1, 1] = 1
    layer.get_submodule("convolution").weight = nn.Parameter(kernel / layer.get_submodule("convolution").constant)
    spike = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    spike[0, 0, 0, 1] = 1  # on the border, so that what the blur sends beyond is lost
    convolved = layer.operations.up_convolve(spike, layer.get_submodule("convolution").kernel, None, layer.blur)
    expected = torch.zeros(8, 8, dtype=torch.float64)
    if config == "A":
        expected[0:2, 2:4] = 1
    else:
        expected[0:3, 1:5] = torch.outer(torch.tensor([3.0, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 16
    torch.testing.assert_close(convolved[0, 0], expected, rtol=0, atol=1e-15)


def test_4_and_before_each_down_convolution() -> None:
    description = Description.stylegan1(resolution=8, channel_base=8, channel_max=1, z_dim=4)
    block = build_discriminator(description, 1).get_submodule("blocks.8").double()
    x = torch.randn(1, 1, 8, 8, generator=seeded(), dtype=torch.float64)
    down = block.get_submodule("down")
    taps = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 4
    blurred = nn.functional.conv2d(x, torch.outer(taps, taps)[None, None], padding=1)
    expected = nn.functional.avg_pool2d(nn.functional.conv2d(blurred, down.kernel, padding=1), 2)
    found = block.operations.down_convolve(x, down.kernel, down.bias, block.blur)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)


# 5, the fused kernels, is in test_operations.py.


@pytest.mark.parametrize(("lod", "layers"), [(0.0, 18), (0.7, 18), (3.0, 12), (6.5, 6), (7.0, 4)])
def test_6_one_crossover_a_batch_among_the_layers_that_work(lod: float, layers: int) -> None:
    generator, draws = seeded(), 4000
    counts = Counter(drawn_crossover(Description.stylegan1(), lod, generator) for _ in range(draws))
    unmixed = counts.pop(None)
    assert abs(unmixed / draws - 0.1) < 4 * np.sqrt(0.1 * 0.9 / draws)  # four standard errors of a share
    assert set(counts) == set(range(1, layers))
    expected = 0.9 * draws / (layers - 1)
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in counts.values())


def test_6_without_mixing_there_is_none() -> None:
    assert all(drawn_crossover(Description.stylegan1("E"), 0.0, seeded(seed)) is None for seed in range(20))


def test_7_the_average_of_w_follows_every_batch() -> None:
    generator = build_generator(TINY_1, 1).double()
    assert not generator.w_avg.any()
    expected = np.zeros(7)
    for seed in range(5):
        w = 3 + torch.randn(4, 7, generator=seeded(seed), dtype=torch.float64)
        generator.track(w)
        expected = 0.995 * expected + 0.005 * w.numpy().mean(0)
    np.testing.assert_allclose(generator.w_avg.numpy(), expected, rtol=1e-12)  # float64, five sums


def test_8_from_rgb_has_the_activation() -> None:
    judge = build_discriminator(TINY_1, 1)
    x = torch.randn(1, 4, 4, 4, generator=seeded())
    layer = judge.get_submodule("from_rgb.4")
    with torch.no_grad():
        nn.init.constant_(layer.get_parameter("bias"), -100.0)  # far below 0, where the slope is a fifth
        features = judge._features(x, 2.0)
        torch.testing.assert_close(features, 0.2 * layer(x))


@pytest.mark.parametrize(("batch", "groups"), [(8, 2), (4, 1), (3, 1), (6, 2), (5, 5), (1, 1)])
def test_8_minibatch_deviation_in_groups_of_four_as_one_map(batch: int, groups: int) -> None:
    x = torch.randn(batch, 3, 4, 4, generator=seeded(), dtype=torch.float64)
    found = with_deviation(x)
    assert found.shape == (batch, 4, 4, 4)
    for index in range(batch):
        deviation = x[index % groups :: groups].numpy().std(0)
        expected = np.sqrt(deviation**2 + 1e-8).mean()
        np.testing.assert_allclose(found[index, 3].numpy(), expected, rtol=1e-12)  # float64 throughout


def test_8_minibatches_that_are_judged_together_do_not_meet() -> None:
    judge = shaken(build_discriminator(TINY_1, 1))
    pictures = torch.randn(12, 4, 16, 16, generator=seeded(), dtype=torch.float64)
    labels = torch.eye(TINY_1.labels, dtype=torch.float64)[torch.arange(12) % TINY_1.labels]
    together = judge(pictures, labels, parts=2)
    torch.testing.assert_close(together, torch.cat([judge(pictures[:6], labels[:6]), judge(pictures[6:], labels[6:])]))
    assert (together - judge(pictures, labels)).abs().max() > 1e-6  # in one minibatch its groups are others


def test_8_the_head_is_three_by_three_then_two_dense_layers() -> None:
    judge = build_discriminator(Description.stylegan1(resolution=8), 1)
    shapes = [tuple(judge.get_submodule(name).weight.shape) for name in ("convolution", "dense", "logits")]
    assert shapes == [(512, 513, 3, 3), (512, 8192), (1, 512)]


def test_9_real_pictures_are_faded_too() -> None:
    pictures = torch.randn(2, 3, 8, 8, generator=seeded(), dtype=torch.float64)
    blocks = pictures.numpy().reshape(2, 3, 4, 2, 4, 2).mean((3, 5)).repeat(2, 2).repeat(2, 3)
    np.testing.assert_allclose(
        fade(pictures, 4.25).numpy(), 0.75 * pictures.numpy() + 0.25 * blocks, rtol=0, atol=1e-15
    )
    assert fade(pictures, 4.0) is pictures


def test_noise_enters_before_the_bias_and_the_activation() -> None:
    generator = build_generator(TINY_1, 1).double()
    layer = generator.synthesis.get_submodule("layers.1")
    nn.init.constant_(layer.get_parameter("strength"), 10.0)
    image = noise.drawn(TINY_1, [1])[1].double()
    with torch.no_grad():
        x = layer(torch.zeros(1, 5, 4, 4, dtype=torch.float64), torch.zeros(1, 7, dtype=torch.float64), image)
        expected = nn.functional.instance_norm(nn.functional.leaky_relu(10 * image, 0.2), eps=1e-8)
    torch.testing.assert_close(x, expected.expand(1, 5, 4, 4), rtol=0, atol=1e-12)
