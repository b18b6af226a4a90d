"""The generator of both families: mapping, the running average of w, synthesis."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.mapping import Mapping
from simulacra.stylegan.networks.styles import broadcast, truncate
from simulacra.stylegan.networks.synthesis import Synthesis
from simulacra.stylegan.networks.synthesis_demodulated import DemodulatedSynthesis
from simulacra.stylegan.networks.synthesis_instance import InstanceSynthesis

W_AVG_BETA = 0.995
"""Weight of the past in the running average of w, at each batch."""

_SYNTHESES: dict[str, type[Synthesis]] = {"stylegan1": InstanceSynthesis, "stylegan2": DemodulatedSynthesis}


class Generator(nn.Module):
    """A map from latents to pictures.

    `mapping(z, labels)` gives w; `synthesis(ws, noise, lod)` gives pictures; calling the generator does both, with
    truncation between them.
    """

    w_avg: Tensor

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.description = description
        self.mapping = Mapping(description)
        self.synthesis: Synthesis = _SYNTHESES[description.family](description)
        self.register_buffer("w_avg", torch.zeros(description.w_dim))

    def forward(
        self,
        z: Tensor,
        labels: Tensor | None = None,
        psi: float | Tensor = 1.0,
        cutoff: int | None = None,
        noise: Sequence[Tensor] | None = None,
        lod: float = 0.0,
    ) -> Tensor:
        """Make pictures from latents.

        Args:
            z: shape (N, z_dim), normal.
            labels: shape (N, labels); None for a network without labels.
            psi: truncation, for all layers or one for each; 1 for none. See `styles.truncate`.
            cutoff: how many layers, from the coarsest, are truncated; None for all.
            noise: as `Synthesis.forward` takes it; None for the stored noise.
            lod: level of detail, 0 when fully grown.

        Returns:
            Shape (N, colours, r, r), nominally in [-1, 1] and not clamped.

        Raises:
            UserError: an argument does not fit the network.
        """
        ws = truncate(self.styles(z, labels), self.w_avg, psi, cutoff)
        return cast(Tensor, self.synthesis(ws, noise, lod))

    def styles(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """The mapped latents for every layer, shape (N, layers, w_dim), to be truncated and mixed."""
        return broadcast(self.mapping(z, labels), len(self.description.layers))

    @torch.no_grad()
    def track(self, w: Tensor) -> None:
        """Move the running average of w towards the mean of a batch; once for every batch mapped in training.

        Args:
            w: shape (N, w_dim), as mapped: before mixing and truncation.
        """
        self.w_avg.lerp_(w.detach().to(self.w_avg).mean(0), 1 - W_AVG_BETA)
