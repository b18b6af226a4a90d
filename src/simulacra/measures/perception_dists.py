"""DISTS: how different two pictures look where one texture may stand for another of its kind.

In each channel of VGG16 and of the picture itself, the means over places say what the texture is, and the covariance
over places says where things are. The trunk pools by the root of a blurred square in place of the maximum, so that it
does not alias.

Source: Ding, Ma, Wang and Simoncelli 2020, "Image Quality Assessment: Unifying Structure and Texture Similarity",
equations 3 to 8.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.measures import perception_trunks as trunks
from simulacra.measures.contract import Features

WEIGHTS = "dists-weights"
"""Entry of the weights table: how much each channel counts."""

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
_C1 = _C2 = 1e-6
_FLOOR = 1e-12  # under the root of the pooling, as published


class Network(NamedTuple):
    """VGG16 and the weights of the channels of each stage, which sum to 1 over both."""

    trunk: trunks.Trunk
    texture: tuple[Tensor, ...]  # alpha, of the means
    structure: tuple[Tensor, ...]  # beta, of the covariances


def from_weights(trunk: trunks.Trunk, weights: Mapping[str, Tensor]) -> Network:
    """The network with these weights of its channels, under their published names."""
    last = (stage.convolutions[-1].place for stage in trunk.layout.stages)
    channels = [3, *(len(trunk.layers[place][1]) for place in last)]
    alpha, beta = (weights[name].flatten().double() for name in ("alpha", "beta"))
    total = alpha.sum() + beta.sum()
    return Network(trunk, torch.split(alpha / total, channels), torch.split(beta / total, channels))


def embed(picture: Tensor, network: Network) -> Features:
    """What is compared of one picture.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1], both sides of the trunk's smallest or more.
        network: from `from_weights`.

    Returns:
        Of each stage s: `mean-s` and `variance-s`, shape (1, channels), float64, and `map-s`, the activations without
        their mean, shape (1, channels, places), float32: 125 numbers a pixel in all.
    """
    mean, spread = (torch.tensor(values, dtype=picture.dtype).view(3, 1, 1) for values in (_MEAN, _SPREAD))
    features: Features = {}
    for stage, maps in enumerate([picture, *trunks.answers((picture - mean) / spread, network.trunk, _pool)]):
        flat = maps.flatten(2)
        means = flat.mean(2, dtype=torch.float64)
        centred = flat - means[..., None].to(flat.dtype)
        features[f"mean-{stage}"] = means
        features[f"map-{stage}"] = centred
        features[f"variance-{stage}"] = centred.square().mean(2, dtype=torch.float64)
    return features


def distance(one: Features, other: Features, network: Network) -> Tensor:
    """DISTS, shape (N,), float64; exactly 0 for equal pictures.

    Both similarities are written as 1 minus a share of the difference, which is algebraically the published form.

    Args:
        one: from `embed`, of N pictures.
        other: of N pictures, or of one that serves them all.
        network: from `from_weights`.
    """
    total = torch.zeros((), dtype=torch.float64)
    for stage, (texture, structure) in enumerate(zip(network.texture, network.structure, strict=True)):
        mean, mean_other = one[f"mean-{stage}"], other[f"mean-{stage}"]
        apart = (mean - mean_other).square() / (mean.square() + mean_other.square() + _C1)
        varied = (one[f"map-{stage}"] - other[f"map-{stage}"]).square_().mean(2, dtype=torch.float64)
        moved = varied / (one[f"variance-{stage}"] + other[f"variance-{stage}"] + _C2)
        total = total + apart @ texture + moved @ structure
    return total


def _pool(x: Tensor) -> Tensor:
    """Half as many places along each side: the root of the square under a Hann window of 3 x 3."""
    line = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype) / 4
    window = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x * x, window, stride=2, padding=1, groups=x.shape[1]).add_(_FLOOR).sqrt_()
