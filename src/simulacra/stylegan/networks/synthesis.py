"""What the synthesis networks of both families share: layers by row, stored noise, and the checks of what goes in."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.stylegan.networks.description import Description


class Synthesis(nn.Module, ABC):
    """From styles and noise to pictures."""

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.description = description
        for index, shape in enumerate(description.noise_shapes):
            self.register_buffer(f"noise{index}", torch.zeros(1, *shape))

    @property
    def stored_noise(self) -> tuple[Tensor, ...]:
        """The noise that belongs to the network: what it takes when none is given."""
        return tuple(
            cast(Tensor, getattr(self, f"noise{index}")) for index in range(len(self.description.noise_shapes))
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the stored noise."""
        for image in self.stored_noise:
            image.normal_(generator=generator)

    def forward(self, ws: Tensor, noise: Sequence[Tensor] | None = None, lod: float = 0.0) -> Tensor:
        """Make pictures.

        Args:
            ws: shape (N, layers, w_dim), a style for each layer; rows of layers that do not work at `lod` are ignored.
            noise: one image for each noisy layer, shape (N, 1, r, r) or (1, 1, r, r); None for the stored noise.
            lod: level of detail, 0 when fully grown.

        Returns:
            Shape (N, colours, r, r) at the active resolution, nominally in [-1, 1] and not clamped.

        Raises:
            UserError: the styles, the noise or the level do not fit the network.
        """
        expected = (len(self.description.layers), self.description.w_dim)
        if ws.ndim != 3 or ws.shape[1:] != expected:
            raise UserError(f"ws has shape {tuple(ws.shape)}; this network takes (N, {expected[0]}, {expected[1]})")
        if noise is None:
            noise = self.stored_noise
        self._check_noise(noise, len(ws))
        return self._pictures(ws, _by_row(self.description, noise), lod)

    @abstractmethod
    def _pictures(self, ws: Tensor, noise: Sequence[Tensor | None], lod: float) -> Tensor:
        """Pictures from styles and noise that fit; the noise by row, None where a layer has none."""

    def _check_noise(self, noise: Sequence[Tensor], batch: int) -> None:
        shapes = self.description.noise_shapes
        if len(noise) != len(shapes):
            raise UserError(f"the noise has {len(noise)} images; this network takes {len(shapes)}, one a noisy layer")
        for index, (image, shape) in enumerate(zip(noise, shapes, strict=True)):
            if image.shape not in {(batch, *shape), (1, *shape)}:
                raise UserError(
                    f"noise image {index} has shape {tuple(image.shape)}; this network takes {(batch, *shape)}"
                )


def _by_row(description: Description, noise: Sequence[Tensor]) -> list[Tensor | None]:
    images = iter(noise)
    return [next(images) if layer.noisy else None for layer in description.layers]
