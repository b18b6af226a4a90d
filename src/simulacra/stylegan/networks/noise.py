"""Noise images, one for each noisy layer: drawn from seeds, silenced, scaled, and swapped layer by layer.

`Noise` is what the generator takes: a tuple with one tensor of shape (N, 1, r, r), or (1, 1, r, r) for all pictures
alike, for each layer of `Description.layers` that is noisy, in their order.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.seeds import derive_seed
from simulacra.stylegan.networks.description import Description

Noise = tuple[Tensor, ...]

_PURPOSE = "noise of a picture"


def drawn(description: Description, seeds: Sequence[int], device: torch.device | str = "cpu") -> Noise:
    """Noise by seed: a picture's noise depends on its own seed and the layer, not on the batch it stands in.

    Numbers are drawn on the processor, so that a seed gives the same noise on every device.

    Args:
        description: of the generator.
        seeds: one for each picture; equal seeds give equal noise.
        device: where the result goes.
    """
    images = []
    for index, shape in enumerate(description.noise_shapes):
        image = torch.empty(len(seeds), *shape)
        for one, seed in zip(image, seeds, strict=True):
            one.normal_(generator=torch.Generator().manual_seed(derive_seed(seed, _PURPOSE, index)))
        images.append(image.to(device))
    return tuple(images)


def fresh(description: Description, count: int, generator: torch.Generator) -> Noise:
    """Noise for training: one stream for the whole batch, drawn where the generator lives.

    Args:
        description: of the generator network.
        count: pictures in the batch.
        generator: of random numbers; its device is that of the result.
    """
    return tuple(
        torch.randn(count, *shape, generator=generator, device=generator.device) for shape in description.noise_shapes
    )


def silent(description: Description, device: torch.device | str = "cpu") -> Noise:
    """No noise anywhere."""
    return tuple(torch.zeros(1, *shape, device=device) for shape in description.noise_shapes)


def scaled(description: Description, noise: Noise, factor: float, rows: range) -> Noise:
    """Noise made stronger or weaker in some layers; a factor of 0 silences them.

    Args:
        description: of the generator.
        noise: what to scale.
        factor: any number.
        rows: the layers, as rows of `ws`: `Description.group("fine")`, or any range.
    """
    return tuple(
        image * factor if row in rows else image for row, image in zip(_rows(description, noise), noise, strict=True)
    )


def swapped(description: Description, noise: Noise, other: Noise, rows: range) -> Noise:
    """Noise with another's in some layers.

    Args:
        description: of the generator.
        noise: kept outside `rows`.
        other: taken within `rows`.
        rows: the layers, as rows of `ws`.
    """
    pairs = zip(_rows(description, noise), noise, _checked(description, other), strict=True)
    return tuple(taken if row in rows else kept for row, kept, taken in pairs)


def _rows(description: Description, noise: Noise) -> list[int]:
    _checked(description, noise)
    return [layer.row for layer in description.layers if layer.noisy]


def _checked(description: Description, noise: Noise) -> Noise:
    if len(noise) != len(description.noise_shapes):
        raise UserError(
            f"the noise has {len(noise)} images and the generator {len(description.noise_shapes)} noisy layers; "
            "draw it for this generator"
        )
    return noise
