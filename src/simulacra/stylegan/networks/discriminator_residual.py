"""The discriminator of StyleGAN2: blocks with shortcuts, at the full resolution from the start."""

from math import sqrt

from torch import Tensor, nn

from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.discriminator import Discriminator
from simulacra.stylegan.networks.layers import Convolution, Scaled, activated
from simulacra.stylegan.networks.operations import Operator


class Residual(Operator):
    """Two convolutions and a shortcut, at half the size."""

    def __init__(self, description: Description, resolution: int) -> None:
        super().__init__()
        before, after = description.channels(resolution), description.channels(resolution // 2)
        self.convolution = Convolution(before, before, 3, gain=1.0)
        self.down = Convolution(before, after, 3, gain=1.0)
        self.shortcut = Scaled((after, before, 1, 1), gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, C, r, r) to (N, out, r / 2, r / 2)."""
        shortcut = self.operations.smooth_down_convolve(x, self.shortcut.kernel)
        y = activated(self.convolution(x), sqrt(2))
        y = self.operations.smooth_down_convolve(y, self.down.kernel)
        y = activated(y + self.down.bias.to(y.dtype)[:, None, None], sqrt(2))
        # Both branches have variance 1, so that their sum over sqrt(2) has it again.
        return (y + shortcut) / sqrt(2)


class ResidualDiscriminator(Discriminator):
    """The discriminator of StyleGAN2.

    Source: Karras et al. 2020, section 4.1 and figure 7c.
    """

    def __init__(self, description: Description) -> None:
        super().__init__(description, before=1.0, after=sqrt(2))
        sides = description.resolutions
        self.from_rgb = Convolution(description.colours, description.channels(sides[-1]), 1, gain=1.0)
        self.blocks = nn.ModuleDict({str(side): Residual(description, side) for side in sides[1:]})

    def _features(self, pictures: Tensor, lod: float) -> Tensor:
        x = activated(self.from_rgb(pictures), sqrt(2))
        for side in reversed(self.description.resolutions[1:]):
            x = self.blocks[str(side)](x)
        return x
