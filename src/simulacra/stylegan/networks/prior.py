"""Latents by seed: picture 17 is the same in any batch, on any device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from simulacra.seeds import derive_seed
from simulacra.stylegan.networks.description import Description

_PURPOSE = "latent of a picture"


def latents(description: Description, seeds: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """Normal latents z.

    Args:
        description: of the generator.
        seeds: one for each picture.
        device: where the result goes; numbers are drawn on the processor.

    Returns:
        Shape (len(seeds), z_dim), float32.
    """
    z = torch.empty(len(seeds), description.z_dim)
    for row, seed in zip(z, seeds, strict=True):
        row.normal_(generator=torch.Generator().manual_seed(derive_seed(seed, _PURPOSE)))
    return z.to(device)
