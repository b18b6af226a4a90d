"""Whole networks against the oracle, in float64: order, gains, biases, blurs, borders, growth, labels, all at once."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from simulacra.stylegan.networks import Description, build_discriminator, build_generator, noise, use_operations
from simulacra.stylegan.networks.operations import OperationsName

from . import oracle
from .toys import FAMILIES, NAMES, TINY_1, TINY_2, one_hot, seeded, shaken

# Both sides sum in float64 in different orders; values are of order 1 and pass about ten layers.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}

forms = pytest.mark.parametrize("form", ["fast", "reference"])


def state_of(network: nn.Module) -> dict[str, NDArray[np.float64]]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("description", FAMILIES, ids=NAMES)
def test_the_mapping(description: Description) -> None:
    generator = shaken(build_generator(description, 1))
    z, labels = torch.randn(3, 6, generator=seeded(), dtype=torch.float64), one_hot(2, 0, 1)
    with torch.no_grad():
        found = generator.mapping(z, labels).numpy()
    expected = [
        oracle.mapped(state_of(generator), one, label, description.family, 0.01)
        for one, label in zip(z.numpy(), labels.numpy(), strict=True)
    ]
    np.testing.assert_allclose(found, expected, **CLOSE)


@forms
@pytest.mark.parametrize("lod", [0.0, 0.25, 1.0, 1.75, 2.0])
def test_the_generator_of_stylegan(form: OperationsName, lod: float) -> None:
    generator = shaken(build_generator(TINY_1, 1))
    use_operations(generator, form)
    ws = torch.randn(2, 6, 7, generator=seeded(), dtype=torch.float64)
    images = [each.double() for each in noise.drawn(TINY_1, [3, 4])]
    with torch.no_grad():
        found = generator.synthesis(ws, images, lod).numpy()
    for index, picture in enumerate(found):
        side = 16 >> int(lod)
        by_side = oracle.generated_1(
            state_of(generator), ws[index].numpy(), [i[index, 0].numpy() for i in images], side
        )
        share = lod % 1
        expected = (
            by_side[side] if not share else (1 - share) * by_side[side] + share * oracle.doubled(by_side[side // 2])
        )
        np.testing.assert_allclose(picture, expected, **CLOSE)


@forms
@pytest.mark.parametrize("config", ["A", "B", "C", "D"])
def test_the_configs_before_noise(form: OperationsName, config: str) -> None:
    description = Description.stylegan1(config, resolution=16, channel_base=32, channel_max=5, z_dim=6)
    generator = shaken(build_generator(description, 1))
    use_operations(generator, form)
    ws = torch.randn(1, 6, 6, generator=seeded(), dtype=torch.float64)
    with torch.no_grad():
        found = generator.synthesis(ws)[0].numpy()
    expected = oracle.generated_1(state_of(generator), ws[0].numpy(), [], 16, blur=config != "A")[16]
    np.testing.assert_allclose(found, expected, **CLOSE)


@forms
def test_the_generator_of_stylegan2(form: OperationsName) -> None:
    generator = shaken(build_generator(TINY_2, 1))
    use_operations(generator, form)
    ws = torch.randn(2, 6, 7, generator=seeded(), dtype=torch.float64)
    images = [each.double() for each in noise.drawn(TINY_2, [3, 4])]
    with torch.no_grad():
        found = generator.synthesis(ws, images).numpy()
    for index, picture in enumerate(found):
        expected = oracle.generated_2(state_of(generator), ws[index].numpy(), [i[index, 0].numpy() for i in images], 16)
        np.testing.assert_allclose(picture, expected, **CLOSE)


@forms
@pytest.mark.parametrize("lod", [0.0, 0.25, 1.0, 1.75, 2.0])
def test_the_discriminator_of_stylegan(form: OperationsName, lod: float) -> None:
    discriminator = shaken(build_discriminator(TINY_1, 1))
    use_operations(discriminator, form)
    side = 16 >> int(lod)
    pictures = torch.randn(8, 4, side, side, generator=seeded(), dtype=torch.float64)
    labels = one_hot(0, 1, 2, 0, 1, 2, 0, 1)
    with torch.no_grad():
        found = discriminator(pictures, labels, lod).numpy()
    expected = oracle.judged_1(state_of(discriminator), pictures.numpy(), labels.numpy(), side, lod % 1)
    np.testing.assert_allclose(found, expected, **CLOSE)


@forms
def test_the_discriminator_of_stylegan2(form: OperationsName) -> None:
    discriminator = shaken(build_discriminator(TINY_2, 1))
    use_operations(discriminator, form)
    pictures = torch.randn(4, 4, 16, 16, generator=seeded(), dtype=torch.float64)
    labels = one_hot(0, 1, 2, 0)
    with torch.no_grad():
        found = discriminator(pictures, labels).numpy()
    expected = oracle.judged_2(state_of(discriminator), pictures.numpy(), labels.numpy(), 16)
    np.testing.assert_allclose(found, expected, **CLOSE)
