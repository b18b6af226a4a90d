"""Networks small enough to be computed by hand, and filled with numbers that leave nothing at its neutral start."""

import torch
from torch import Tensor, nn

from simulacra.stylegan.networks import Description

TINY_1 = Description.stylegan1(
    resolution=16, channel_base=32, channel_max=5, z_dim=6, w_dim=7, mapping_depth=2, labels=3, colours=4
)
TINY_2 = Description.stylegan2(
    resolution=16, channel_base=32, channel_max=5, z_dim=6, w_dim=7, mapping_depth=2, labels=3, colours=4
)
FAMILIES = [TINY_1, TINY_2]
NAMES = ["stylegan1", "stylegan2"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shaken(network: nn.Module, seed: int = 5) -> nn.Module:
    """The network in float64 with noise added to every parameter and to the average of w."""
    generator = seeded(seed)
    network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        for name, buffer in network.named_buffers():
            if name == "w_avg":
                buffer.normal_(generator=generator)
    return network


def one_hot(*classes: int, of: int = 3) -> Tensor:
    return torch.eye(of, dtype=torch.float64)[list(classes)]
