"""Networks from a description and a seed."""

from collections.abc import Callable

import torch
from torch import nn

from simulacra.seeds import derive_seed
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.discriminator import Discriminator
from simulacra.stylegan.networks.discriminator_plain import PlainDiscriminator
from simulacra.stylegan.networks.discriminator_residual import ResidualDiscriminator
from simulacra.stylegan.networks.generator import Generator
from simulacra.stylegan.networks.layers import Scaled
from simulacra.stylegan.networks.synthesis import Synthesis

_DISCRIMINATORS: dict[str, Callable[[Description], Discriminator]] = {
    "stylegan1": PlainDiscriminator,
    "stylegan2": ResidualDiscriminator,
}


def build_generator(description: Description, seed: int) -> Generator:
    """A generator with fresh weights and stored noise; equal seeds give equal bits.

    Args:
        description: what to build.
        seed: of the weights. Each weight is drawn from a stream of its own name, so that descriptions that share a
            layer share its first weights.
    """
    network = Generator(description)
    _initialise(network, seed, "generator")
    return network


def build_discriminator(description: Description, seed: int) -> Discriminator:
    """A discriminator with fresh weights; see `build_generator`."""
    network = empty_discriminator(description)
    _initialise(network, seed, "discriminator")
    return network


def empty_discriminator(description: Description) -> Discriminator:
    """A discriminator whose weights are yet to be filled in."""
    return _DISCRIMINATORS[description.family](description)


def _initialise(network: nn.Module, seed: int, kind: str) -> None:
    for name, module in network.named_modules():
        if isinstance(module, Scaled | Synthesis):
            stream = derive_seed(seed, f"initial {kind} {name}")
            module.initialise(torch.Generator().manual_seed(stream))
