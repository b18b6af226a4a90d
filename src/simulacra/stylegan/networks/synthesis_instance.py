"""Synthesis of StyleGAN: every layer is brought to mean 0 and deviation 1, then styled. Grows; configs A to F."""

from collections.abc import Sequence
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.stylegan.networks.description import Description, Layer
from simulacra.stylegan.networks.growth import active_resolution, double, fade_share
from simulacra.stylegan.networks.layers import Convolution, Dense, Scaled, activated, normalised
from simulacra.stylegan.networks.operations import Operator
from simulacra.stylegan.networks.synthesis import Synthesis


class StyledLayer(Operator):
    """What stands before it, then noise, bias, leaky ReLU, instance normalisation and style.

    Without styles, as in configs A and B, the vector at every pixel is normalised instead.

    Source: Karras, Laine and Aila 2019, figure 1b.
    """

    def __init__(self, description: Description, layer: Layer) -> None:
        super().__init__()
        channels = description.channels(layer.resolution)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.strength = nn.Parameter(torch.zeros(channels)) if layer.noisy else None
        self.style = Dense(description.w_dim, 2 * channels) if description.styles else None

    def finished(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """What follows the bias.

        Args:
            x: shape (N, C, r, r), with the bias; it is overwritten.
            w: shape (N, w_dim).
            noise: shape (N, 1, r, r) or (1, 1, r, r); None for a layer without noise.
        """
        if noise is not None and self.strength is not None:
            x = x.addcmul_(noise.to(x.dtype), self.strength.to(x.dtype)[:, None, None])
        x = activated(x)
        if self.style is None:
            return normalised(x)
        scale, shift = self.style(w).chunk(2, dim=1)
        return self.operations.restyle(x, scale + 1, shift)


class Start(StyledLayer):
    """Layer 0: a learned constant of 4x4 pixels, or in configs A to C a dense layer of the latent."""

    def __init__(self, description: Description, layer: Layer) -> None:
        super().__init__(description, layer)
        self.channels = description.channels(4)
        if description.constant:
            self.const = nn.Parameter(torch.ones(1, self.channels, 4, 4))
        else:
            # A quarter of the usual gain, as in the progressive GAN; its bias is that of the layer.
            self.dense = Dense(description.w_dim, 16 * self.channels, sqrt(2) / 4, bias=None)
        self.constant = description.constant

    def forward(self, _: None, w: Tensor, noise: Tensor | None) -> Tensor:
        """Shape (N, C, 4, 4)."""
        x = self.const if self.constant else self.dense(w).reshape(-1, self.channels, 4, 4)
        return self.finished((x + self.bias[:, None, None]).repeat(len(w) // len(x), 1, 1, 1), w, noise)


class Same(StyledLayer):
    """A layer after a convolution of the same size."""

    def __init__(self, description: Description, layer: Layer) -> None:
        super().__init__(description, layer)
        channels = description.channels(layer.resolution)
        self.convolution = Scaled((channels, channels, 3, 3), sqrt(2))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Shape (N, C, r, r) to the same."""
        x = F.conv2d(x, self.convolution.kernel, self.bias, padding=1)
        return self.finished(x, w, noise)


class Up(StyledLayer):
    """A layer after doubling, a convolution and a blur."""

    def __init__(self, description: Description, layer: Layer) -> None:
        super().__init__(description, layer)
        before, after = (description.channels(side) for side in (layer.resolution // 2, layer.resolution))
        self.convolution = Scaled((after, before, 3, 3), sqrt(2))
        self.blur = description.blur

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Shape (N, in, r / 2, r / 2) to (N, C, r, r)."""
        x = self.operations.up_convolve(x, self.convolution.kernel, self.bias, self.blur)
        return self.finished(x, w, noise)


class InstanceSynthesis(Synthesis):
    """The synthesis network of StyleGAN 1, and of the progressive GAN it grew from.

    Source: Karras, Laine and Aila 2019, sections 2 and C.
    """

    def __init__(self, description: Description) -> None:
        super().__init__(description)
        kinds = {"start": Start, "conv": Same, "up": Up}
        self.layers = nn.ModuleList(kinds[layer.name.split("/")[1]](description, layer) for layer in description.layers)
        # An RGB layer at every resolution where the network can grow, else at the last alone.
        coloured = description.resolutions if description.progressive else description.resolutions[-1:]
        self.to_rgb = nn.ModuleDict(
            {str(side): Convolution(description.channels(side), description.colours, 1, gain=1.0) for side in coloured}
        )

    def _pictures(self, ws: Tensor, noise: Sequence[Tensor | None], lod: float) -> Tensor:
        resolution, share = active_resolution(self.description, lod), fade_share(lod)
        x, coarse = None, None
        for layer, module in zip(self.description.layers, self.layers, strict=True):
            if layer.resolution > resolution:
                break
            if share and layer.name == f"{resolution}x{resolution}/up":
                coarse = self.to_rgb[str(resolution // 2)](x)
            x = module(x, ws[:, layer.row], noise[layer.row])
        pictures: Tensor = self.to_rgb[str(resolution)](x)
        return pictures if coarse is None else torch.lerp(pictures, double(coarse), share)
