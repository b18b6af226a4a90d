"""Synthesis of StyleGAN2: styles scale kernels, which are then brought to length 1; pictures add up by skips.

Instance normalisation is gone, and with it the droplets it leaves in every picture.
"""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from simulacra.stylegan.networks.description import Description, Layer
from simulacra.stylegan.networks.growth import active_resolution
from simulacra.stylegan.networks.layers import Dense, Scaled, activated
from simulacra.stylegan.networks.operations import Operator
from simulacra.stylegan.networks.synthesis import Synthesis

_GAIN = sqrt(2)  # of the leaky ReLU; it stands after it here, not in the weights


class DemodulatedLayer(Operator):
    """Modulated convolution, noise, bias, leaky ReLU.

    Source: Karras et al. 2020, figure 2d.
    """

    def __init__(self, description: Description, layer: Layer) -> None:
        super().__init__()
        self.up = layer.name.endswith("/up")
        before = description.channels(layer.resolution // 2 if self.up else layer.resolution)
        after = description.channels(layer.resolution)
        self.style = Dense(description.w_dim, before, bias=1.0)
        self.convolution = Scaled((after, before, 3, 3), 1.0)
        self.bias = nn.Parameter(torch.zeros(after))
        self.strength = nn.Parameter(torch.zeros(())) if layer.noisy else None

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Shape (N, in, r, r) to (N, C, r, r), or twice the size."""
        x = self.operations.modulated_convolve(x, self.convolution.kernel, self.style(w), demodulate=True, up=self.up)
        # The gain goes first, as in `activated`, since it then comes free with the bias.
        x = torch.add(_GAIN * self.bias.to(x.dtype)[:, None, None], x, alpha=_GAIN)
        if noise is not None and self.strength is not None:
            x = x.add_((_GAIN * self.strength * noise).to(x.dtype))
        return activated(x)


class ToRGB(Operator):
    """A modulated 1x1 convolution to colours, without demodulation and without activation."""

    def __init__(self, description: Description, resolution: int) -> None:
        super().__init__()
        channels = description.channels(resolution)
        self.style = Dense(description.w_dim, channels, bias=1.0)
        self.convolution = Scaled((description.colours, channels, 1, 1), 1.0)
        self.bias = nn.Parameter(torch.zeros(description.colours))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Shape (N, C, r, r) to (N, colours, r, r)."""
        x = self.operations.modulated_convolve(x, self.convolution.kernel, self.style(w), demodulate=False, up=False)
        return x + self.bias.to(x.dtype)[:, None, None]


class DemodulatedSynthesis(Synthesis, Operator):
    """The synthesis network of StyleGAN2, with output skips.

    Source: Karras et al. 2020, sections 2 and 4.1.
    """

    def __init__(self, description: Description) -> None:
        super().__init__(description)
        self.const = nn.Parameter(torch.zeros(1, description.channels(4), 4, 4))
        # The last row of `ws` has no layer of its own: it only styles the way to RGB.
        self.layers = nn.ModuleList(DemodulatedLayer(description, layer) for layer in description.layers[:-1])
        self.to_rgb = nn.ModuleDict({str(side): ToRGB(description, side) for side in description.resolutions})

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the stored noise and the constant."""
        super().initialise(generator)
        with torch.no_grad():
            self.const.normal_(generator=generator)

    def _pictures(self, ws: Tensor, noise: Sequence[Tensor | None], lod: float) -> Tensor:
        active_resolution(self.description, lod)  # refuses every level but 0
        x = self.layers[0](self.const.expand(len(ws), -1, -1, -1), ws[:, 0], noise[0])
        pictures: Tensor = self.to_rgb["4"](x, ws[:, 1])
        for row, side in zip(range(1, len(self.layers), 2), self.description.resolutions[1:], strict=True):
            x = self.layers[row](x, ws[:, row], noise[row])
            x = self.layers[row + 1](x, ws[:, row + 1], noise[row + 1])
            # The way to RGB is styled by the row that also styles the next resolution's first layer.
            coloured = self.to_rgb[str(side)](x, ws[:, row + 2])
            pictures = coloured + self.operations.smooth_up(pictures)
        return pictures
