"""The mapping network: from the normal latent z, and a label, to the intermediate latent w."""

from itertools import pairwise
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.layers import SLOPE, Dense, normalised
from simulacra.stylegan.networks.precision import full_precision


class Mapping(nn.Module):
    """Normalise z, with the embedded label behind it, then dense layers with leaky ReLU; the last has it too.

    Source: Karras, Laine and Aila 2019, sections 2 and C.
    """

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.labels = description.labels
        self.z_dim = description.z_dim
        # stylegan1 has the gain of the activation in the weights, stylegan2 after it: the biases differ by sqrt(2)
        self.after = sqrt(2) if description.family == "stylegan2" else 1.0
        gain = sqrt(2) / self.after
        # an embedding is looked up, not summed: its constant is 1
        self.embedding = (
            Dense(description.labels, description.z_dim, sqrt(description.labels), bias=None)
            if description.labels
            else None
        )
        lengths = [description.z_dim * (2 if description.labels else 1)]
        lengths += [description.w_dim] * description.mapping_depth
        self.layers = nn.ModuleList(
            Dense(before, after, gain, description.mapping_rate) for before, after in pairwise(lengths)
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents.

        Args:
            z: shape (N, z_dim), normal.
            labels: shape (N, labels), one-hot or any weights of classes; None for a network without labels.

        Returns:
            w, shape (N, w_dim), in the precision of the weights.

        Raises:
            UserError: z or the labels do not fit the network.
        """
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise UserError(f"z has shape {tuple(z.shape)}; this network takes (N, {self.z_dim})")
        check_labels(labels, self.labels, len(z))
        with full_precision(z.device):
            if self.embedding is not None:
                z = torch.cat([z, self.embedding(labels).to(z.dtype)], dim=1)
            w = normalised(z)
            for layer in self.layers:
                w = F.leaky_relu(layer(w), SLOPE) * self.after
        return w


def check_labels(labels: Tensor | None, expected: int, batch: int) -> None:
    """Refuse labels that a network does not take, or their absence.

    Raises:
        UserError: labels are missing, superfluous, or of another shape.
    """
    if labels is None and expected:
        raise UserError(f"this network was made for labels; give them, of shape ({batch}, {expected})")
    if labels is not None and not expected:
        raise UserError("this network has no labels; leave them out")
    if labels is not None and labels.shape != (batch, expected):
        raise UserError(f"labels have shape {tuple(labels.shape)}; this network takes ({batch}, {expected})")
