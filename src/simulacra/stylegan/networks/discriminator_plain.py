"""The discriminator of StyleGAN: convolutions straight down, growing with the generator."""

from math import sqrt

import torch
from torch import Tensor, nn

from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.discriminator import Discriminator
from simulacra.stylegan.networks.growth import active_resolution, fade_share, halve
from simulacra.stylegan.networks.layers import Convolution, activated
from simulacra.stylegan.networks.operations import Operator


class Reduce(Operator):
    """A convolution, then one to half the size."""

    def __init__(self, description: Description, resolution: int) -> None:
        super().__init__()
        before, after = description.channels(resolution), description.channels(resolution // 2)
        self.convolution = Convolution(before, before, 3, sqrt(2))
        self.down = Convolution(before, after, 3, sqrt(2))
        self.blur = description.blur

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, C, r, r) to (N, out, r / 2, r / 2)."""
        x = activated(self.convolution(x))
        return activated(self.operations.down_convolve(x, self.down.kernel, self.down.bias, self.blur))


class PlainDiscriminator(Discriminator):
    """The discriminator of StyleGAN 1 and the progressive GAN; grows as the generator does.

    Source: Karras et al. 2018, table 2, with the blur of Karras, Laine and Aila 2019, section 2.1.
    """

    def __init__(self, description: Description) -> None:
        super().__init__(description, before=sqrt(2), after=1.0)
        sides = description.resolutions
        coloured = sides if description.progressive else sides[-1:]
        self.from_rgb = nn.ModuleDict(
            {str(side): Convolution(description.colours, description.channels(side), 1, sqrt(2)) for side in coloured}
        )
        self.blocks = nn.ModuleDict({str(side): Reduce(description, side) for side in sides[1:]})

    def _features(self, pictures: Tensor, lod: float) -> Tensor:
        resolution, share = active_resolution(self.description, lod), fade_share(lod)
        x = activated(self.from_rgb[str(resolution)](pictures))
        if share:
            x = self.blocks[str(resolution)](x)
            resolution //= 2
            x = torch.lerp(x, activated(self.from_rgb[str(resolution)](halve(pictures))), share)
        while resolution > 4:
            x = self.blocks[str(resolution)](x)
            resolution //= 2
        return x
