"""LPIPS: how different two pictures look, by a network for recognising things and what people said of its channels.

The published measure, version 0.1, with AlexNet or VGG16. It is the squared distance of two vectors, as ST-LPIPS is;
`perception_stlpips` says why.

Source: Zhang, Isola, Efros, Shechtman and Wang 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", equation 1.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from simulacra.measures import perception_trunks as trunks
from simulacra.measures.perception_stlpips import as_vector, standardised

HEADS = "lpips-heads"
"""Entry of the weights table: the weights of the channels."""


class Network(NamedTuple):
    """A trunk and, of each of its stages, the square roots of the weights of its channels."""

    trunk: trunks.Trunk
    roots: tuple[Tensor, ...]


def from_weights(trunk: trunks.Trunk, heads: Mapping[str, Tensor]) -> Network:
    """The network with these weights of its channels, under their published names."""
    return Network(
        trunk, tuple(heads[f"lin{stage}.model.1.weight"].sqrt() for stage in range(len(trunk.layout.stages)))
    )


def embed(picture: Tensor, network: Network) -> Tensor:
    """One picture as a vector; the LPIPS of two pictures of one size is `perception_stlpips.distance` of theirs.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1], both sides of the trunk's smallest or more.
        network: from `from_weights`.

    Returns:
        Shape (D,), float32; D depends on the size alone: about 10 numbers a pixel by AlexNet, 122 by VGG16.
    """
    return as_vector(trunks.answers(standardised(picture), network.trunk), network.roots)
