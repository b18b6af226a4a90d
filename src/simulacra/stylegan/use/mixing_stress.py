"""The mixing stress test: how far pictures of several mixed latents lie from real ones. Table 2 of the paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels, to_picture
from simulacra.measures.of_sets.contract import value_name
from simulacra.measures.of_sets.embedding import features_of
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.frechet import MEASURE, frechet_from_moments, moments
from simulacra.seeds import derive_seed
from simulacra.sets import PictureSet
from simulacra.stylegan.networks.styles import mix
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import on_white

_AT_ONCE = 64
"""Pictures whose features are taken together, for memory's sake; the numbers do not depend on it."""


@dataclass(frozen=True)
class Mixed:
    """What one row of the test's table says."""

    latents: int  # mixed in each picture
    name: str  # of the distance, with features and counts: "frechet_effnetlite0_70k_5k"
    distance: float


def mixed_pictures(
    maker: Maker, latents: int, count: int, seed: int, classes: NDArray[np.int64] | None = None
) -> Iterator[Pixels]:
    """Pictures that take their layers from several latents in turn, at random crossovers, without truncation.

    Crossovers are distinct and drawn for each picture, so that every latent styles a layer at least.

    Args:
        maker: of the pictures.
        latents: k, mixed in each picture; 1 mixes nothing.
        count: pictures.
        seed: of everything drawn; the first latent and the noise of a picture are the same for every k.
        classes: pictures have classes as often as they are in here, shape (N,); None: all equally often.

    Raises:
        UserError: the network has fewer layers than latents, or no pictures are asked for.

    Source: Karras, Laine and Aila 2019, table 2 and section 3.1.
    """
    layers = len(maker.description.layers)
    if not 1 <= latents <= layers:
        raise UserError(f"{latents} latents are to be mixed; this network has layers for 1 to {layers}")
    if count < 1:
        raise UserError(f"--count is {count}; it must be 1 or more")
    seeds = (derive_seed(seed, "mixed picture", index) for index in range(count))
    return maker.each(partial(_mixed, maker, latents, each, classes) for each in seeds)


def stress(
    maker: Maker, real: PictureSet, features: Features, *, latents: Sequence[int], count: int, seed: int
) -> Iterator[Mixed]:
    """Fréchet distance between real pictures and such mixed ones, for several numbers of latents.

    Args:
        maker: of the pictures.
        real: at the network's resolution; all of its pictures are used. Where it has as many classes as the network,
            those made have each as often.
        features: what the distance is taken in.
        latents: numbers of latents, each 1 or more; the paper's are 1 to 4.
        count: pictures made for each.
        seed: of everything drawn.

    Yields:
        A row of the table as soon as it is measured.

    Raises:
        UserError: the set is of another resolution, or a number is out of range.
    """
    if count < 2:
        raise UserError(f"--count is {count}; it must be 2 or more, since a covariance takes two pictures")
    side = maker.description.resolution
    if real.resolution != side:
        raise UserError(
            f"{real.path} has pictures of {real.resolution} px and the network makes {side} px; build the set again: "
            f"simulacra data build SOURCE OUT.zip --resolution {side}"
        )
    classes = real.classes if real.label_dimensions == maker.description.labels else None
    moments_of_real = moments(features_of(real, features))
    for number in latents:
        made = mixed_pictures(maker, number, count, seed, classes)
        parts = []
        while chunk := [pixels for _, pixels in zip(range(_AT_ONCE), made, strict=False)]:
            parts.append(features.extract(_pictures(iter(chunk))))
        name = value_name(MEASURE.stem, features.name, len(real), count)
        yield Mixed(number, name, frechet_from_moments(moments_of_real, moments(torch.cat(parts))))


def _mixed(maker: Maker, latents: int, seed: int, classes: NDArray[np.int64] | None) -> Pixels:
    sources = [seed, *(derive_seed(seed, "mixed latent", index) for index in range(1, latents))]
    # One picture has one class: that of its first latent.
    label = maker.label(seed, None if classes is None else int(classes[seed % len(classes)]))
    styles = [maker.styles(maker.w(source, label)) for source in sources]
    ws = mix(styles, drawn_crossovers(styles[0].shape[1], latents, seed))
    return maker.pixels(ws, maker.noise("seed", seed))


def drawn_crossovers(layers: int, latents: int, seed: int) -> list[int]:
    """Where the second and every later latent begins: `latents - 1` different layers from 1 up, rising."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "crossovers", latents))
    inner: list[int] = (torch.randperm(layers - 1, generator=generator)[: latents - 1] + 1).tolist()
    return sorted(inner)


def _pictures(pixels: Iterator[Pixels]) -> Tensor:
    return torch.cat([to_picture(on_white(one)) for one in pixels])
