"""Parameters against the published counts: whole networks, each part, each config, each resolution."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from simulacra.stylegan.networks import Description, Discriminator, Generator
from simulacra.stylegan.networks.build import empty_discriminator


def shape(build: Callable[[], nn.Module]) -> nn.Module:
    """A network without memory for its weights."""
    with torch.device("meta"):
        return build()


def generator(description: Description) -> Generator:
    network = shape(lambda: Generator(description))
    assert isinstance(network, Generator)
    return network


def discriminator(description: Description) -> Discriminator:
    network = shape(lambda: empty_discriminator(description))
    assert isinstance(network, Discriminator)
    return network


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # A and B differ by a blur, E and F by how they are trained.
        ("A", 23_079_115),
        ("B", 23_079_115),
        ("C", 30_400_651),
        ("D", 26_214_539),
        ("E", 26_219_627),
        ("F", 26_219_627),
    ],
)
def test_generator_of_each_config_at_1024(config: str, expected: int) -> None:
    assert count(generator(Description.stylegan1(config))) == expected


RESOLUTIONS = [
    # resolution, style layers, generator, synthesis, discriminator, noise values
    (32, 8, 22_841_356, 20_740_108, 20_726_785, 2_720),
    (64, 10, 25_137_935, 23_036_687, 22_498_049, 10_912),
    (128, 12, 25_843_858, 23_742_610, 22_941_313, 43_680),
    (256, 14, 26_086_229, 23_984_981, 23_052_353, 174_752),
    (512, 16, 26_179_768, 24_078_520, 23_080_225, 699_040),
    (1024, 18, 26_219_627, 24_118_379, 23_087_249, 2_796_192),
]


@pytest.mark.parametrize(("resolution", "layers", "whole", "synthesis", "judge", "noise"), RESOLUTIONS)
def test_each_resolution(resolution: int, layers: int, whole: int, synthesis: int, judge: int, noise: int) -> None:
    description = Description.stylegan1(resolution=resolution)
    network = generator(description)
    assert len(description.layers) == len(network.synthesis.stored_noise) == layers
    assert count(network) == whole
    assert count(network.synthesis) == synthesis
    assert count(discriminator(description)) == judge
    assert sum(image.numel() for image in network.synthesis.stored_noise) == noise


def test_each_layer_of_the_generator_at_1024() -> None:
    network = generator(Description.stylegan1())
    assert count(network.mapping) == 8 * 262_656 == 2_101_248
    layers = network.synthesis.get_submodule("layers")
    assert [count(layer) for layer in layers.children()] == [
        *(534_528, 2_885_632),
        *[2_885_632] * 6,
        *(1_442_816, 852_992),
        *(426_496, 279_040),
        *(139_520, 102_656),
        *(51_328, 42_112),
        *(21_056, 18_752),
    ]
    to_rgb = [count(layer) for layer in network.synthesis.get_submodule("to_rgb").children()]
    assert to_rgb == [1_539] * 4 + [771, 387, 195, 99, 51]
    assert sum(to_rgb) == 7_659


def test_each_layer_of_the_discriminator_at_1024() -> None:
    network = discriminator(Description.stylegan1())
    from_rgb = [count(layer) for layer in network.get_submodule("from_rgb").children()]
    assert from_rgb == [2_048] * 4 + [1_024, 512, 256, 128, 64]
    assert sum(from_rgb) == 10_176
    pairs = {
        side: tuple(count(layer) for layer in block.children())
        for side, block in network.get_submodule("blocks").named_children()
    }
    assert pairs == {
        "1024": (2_320, 4_640),
        "512": (9_248, 18_496),
        "256": (36_928, 73_856),
        "128": (147_584, 295_168),
        "64": (590_080, 1_180_160),
        **dict.fromkeys(("32", "16", "8"), (2_359_808, 2_359_808)),
    }
    head = [count(network.get_submodule(name)) for name in ("convolution", "dense", "logits")]
    assert head == [2_364_416, 4_194_816, 513]


def test_a_grown_network_keeps_only_the_last_rgb_layer() -> None:
    assert count(generator(Description.stylegan1(progressive=False))) == 26_212_019


@pytest.mark.parametrize(
    ("resolution", "base", "most", "w_dim", "depth", "expected"),
    [
        (32, 1024, 64, 64, 2, (280_547, 278_753)),
        (32, 2048, 128, 128, 4, (1_149_123, 1_112_513)),
        (64, 2048, 64, 64, 2, (371_171, 352_609)),
        (64, 2048, 128, 128, 4, (1_193_315, 1_140_129)),
    ],
)
def test_tiny_networks(
    resolution: int, base: int, most: int, w_dim: int, depth: int, expected: tuple[int, int]
) -> None:
    description = Description.stylegan1(
        resolution=resolution, channel_base=base, channel_max=most, z_dim=w_dim, mapping_depth=depth, progressive=False
    )
    assert (count(generator(description)), count(discriminator(description))) == expected


def test_stylegan2() -> None:
    assert count(generator(Description.stylegan2())) == 30_370_060
    assert count(discriminator(Description.stylegan2())) == 29_012_513
    assert count(generator(Description.stylegan2(resolution=256, channel_base=16384))) == 24_767_458


def test_transparency_and_labels_add_what_they_must() -> None:
    plain, clear = Description.stylegan1(resolution=64), Description.stylegan1(resolution=64, colours=4)
    # One more channel at each of the RGB layers: five of 512, 512, 512, 512 and 256 maps, and their biases.
    assert count(generator(clear)) - count(generator(plain)) == 4 * 512 + 256 + 5
    assert count(discriminator(clear)) - count(discriminator(plain)) == 4 * 512 + 256
    labelled = Description.stylegan1(resolution=64, labels=10)
    # An embedding of ten labels, a first dense layer twice as wide; ten logits in place of one.
    assert count(generator(labelled)) - count(generator(plain)) == 10 * 512 + 512 * 512
    assert count(discriminator(labelled)) - count(discriminator(plain)) == 9 * 513
