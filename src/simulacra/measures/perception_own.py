"""Channels of networks whose weights no package carries: LPIPS, DISTS, CLIP, DINOv2 and DreamSim, for who has them.

Each is a channel of its own, measured only where it is named, so that a person pays for what was asked and every run
says which network it was measured with: the digests are part of its protocol.
"""

from abc import abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from simulacra import weights
from simulacra.errors import MissingExtra, MissingWeights
from simulacra.extras import require
from simulacra.images.resize import fitted_size, resize
from simulacra.measures import (
    features_transformers,
    perception_dists,
    perception_dreamsim,
    perception_lpips,
    perception_stlpips,
)
from simulacra.measures import perception_trunks as trunks
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value

LONGEST_SIDE = 256
"""Pixels: LPIPS and DISTS reduce larger pictures to it, which bounds time and memory."""

_REDUCED = f"pictures whose longer side is above {LONGEST_SIDE} px reduced to it."


class _Own(Channel):
    """A channel of one measure, which compares what a network makes of each picture alone."""

    by_default = False  # large networks over every frame cost more than all other channels together
    own: ClassVar[str]  # what the user brings, an entry of the weights table
    packaged: ClassVar[tuple[str, str] | None] = None  # entry and file of what a package carries beside it

    def prepare(self, pictures: Tensor) -> Features:
        """Run the network on each picture alone, so that no value depends on its neighbours in the batch.

        Raises:
            MissingExtra, MissingWeights: the channel cannot run here; see `unavailable`.
        """
        rows = [self.embed(picture) for picture in torch.split(pictures, 1)]
        return {key: torch.cat([row[key] for row in rows]) for key in rows[0]}

    def describe(self, features: Features) -> Columns:
        """Nothing: the measure compares."""
        return {}

    def compare(self, features: Features, reference: Features) -> Columns:
        """The distance of each frame from its reference; exactly 0 for equal frames."""
        return {self.measures[0].name: self.distances(features, reference)}

    @abstractmethod
    def embed(self, picture: Tensor) -> Features:
        """What is kept of one picture, shape (1, 3, H, W)."""

    @abstractmethod
    def distances(self, features: Features, reference: Features) -> list[Value]:
        """One value a frame."""

    def weights(self) -> dict[str, str]:
        """Digests of the user's files and of what a package carries beside them."""
        found = weights.taken_digest(self.own)
        if self.packaged is not None:
            entry, file = self.packaged
            found = found | weights.digest(entry, [file])
        return found

    def unavailable(self) -> str | None:
        """Why there can be no values here, with what to type."""
        try:
            weights.taken(self.own)
            if self.packaged is not None:
                weights.find(*self.packaged)
        except MissingWeights as error:
            return str(error)
        return None


class LPIPS(_Own):
    """LPIPS by AlexNet."""

    name = "lpips"
    layout: ClassVar[trunks.Layout] = trunks.ALEXNET
    own = trunks.ALEXNET.weights
    packaged = (perception_lpips.HEADS, "lpips-alex.pth")
    measures = (
        Measure(
            "lpips_alex",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            f"LPIPS 0.1 by AlexNet, {_REDUCED}",
            "Zhang, Isola, Efros, Shechtman and Wang 2018, equation 1",
        ),
    )

    def embed(self, picture: Tensor) -> Features:
        """The vector of a picture; none where it is too small."""
        fitted = _fitted(picture)
        if min(fitted.shape[-2:]) < self.layout.smallest:
            return {"none": torch.zeros(1)}
        network = _lpips(self.layout, weights.taken(self.own), weights.find(*self.packaged))
        return {"vector": perception_lpips.embed(fitted, network)[None]}

    def distances(self, features: Features, reference: Features) -> list[Value]:
        """LPIPS of each frame and its reference."""
        if "vector" not in features:
            return [_too_small(self.layout)] * len(features["none"])
        return list(perception_stlpips.distance(features["vector"], reference["vector"]).tolist())


class LPIPSVGG(LPIPS):
    """LPIPS by VGG16."""

    name = "lpips-vgg"
    layout = trunks.VGG16
    own = trunks.VGG16.weights
    packaged = (perception_lpips.HEADS, "lpips-vgg.pth")
    measures = (
        Measure(
            "lpips_vgg",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            f"LPIPS 0.1 by VGG16, {_REDUCED}",
            "Zhang, Isola, Efros, Shechtman and Wang 2018, equation 1",
        ),
    )


class DISTS(_Own):
    """DISTS by VGG16."""

    name = "dists"
    own = trunks.VGG16.weights
    packaged = (perception_dists.WEIGHTS, "dists.pt")
    measures = (
        Measure(
            "dists_vgg",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            f"DISTS by VGG16, {_REDUCED}",
            "Ding, Ma, Wang and Simoncelli 2020, equations 3 to 8",
        ),
    )

    def embed(self, picture: Tensor) -> Features:
        """The maps of a picture and their moments; none where it is too small."""
        fitted = _fitted(picture)
        if min(fitted.shape[-2:]) < trunks.VGG16.smallest:
            return {"none": torch.zeros(1)}
        return perception_dists.embed(fitted, self._network())

    def distances(self, features: Features, reference: Features) -> list[Value]:
        """DISTS of each frame and its reference."""
        if "none" in features:
            return [_too_small(trunks.VGG16)] * len(features["none"])
        return list(perception_dists.distance(features, reference, self._network()).tolist())

    def _network(self) -> perception_dists.Network:
        return _dists(weights.taken(self.own), weights.find(*self.packaged))


class CLIP(_Own):
    """Cosine distance of CLIP's picture features."""

    name = "clip"
    own: ClassVar[features_transformers.Kind] = "clip"
    measures = (
        Measure(
            "cosine_clip",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "1 minus the cosine between the projected features of CLIP's picture tower, of the middle of the pictures "
            "at the size it was trained on; 0 to 2.",
            "Radford and others 2021, CLIP",
        ),
    )

    def embed(self, picture: Tensor) -> Features:
        """The direction of a picture's features."""
        network = features_transformers.network(self.own, weights.taken(self.own))
        return {"features": features_transformers.embed(picture, network)[None]}

    def distances(self, features: Features, reference: Features) -> list[Value]:
        """1 minus the cosine."""
        return _cosine_distances(features["features"], reference["features"])

    def unavailable(self) -> str | None:
        """Why there can be no values here: no weights, or no library that runs them."""
        reason = super().unavailable()
        if reason is None:
            try:
                require("transformers", features_transformers.EXTRA, f"the {self.name} channel")
            except MissingExtra as error:
                return str(error)
        return reason


class DINOv2(CLIP):
    """Cosine distance of DINOv2's features."""

    name = "dinov2"
    own = "dinov2"
    measures = (
        Measure(
            "cosine_dinov2",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "1 minus the cosine between the class tokens of DINOv2, of the middle of the pictures at the size it was "
            "trained on; 0 to 2.",
            "Oquab and others 2023, DINOv2",
        ),
    )


class DreamSim(_Own):
    """DreamSim by its branch DINO ViT-B/16."""

    name = "dreamsim"
    own = perception_dreamsim.WEIGHTS
    measures = (
        Measure(
            "dreamsim_dino_vitb16",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "DreamSim by its single branch DINO ViT-B/16: 1 minus the correlation of the class tokens after the last "
            f"block, pictures brought to {perception_dreamsim.SIDE} px squares; 0 to 2.",
            "Fu, Tamir, Sundaram, Chai, Zhang, Dekel and Isola 2023, DreamSim",
        ),
    )

    def embed(self, picture: Tensor) -> Features:
        """The direction of a picture's class token."""
        return {"features": perception_dreamsim.embed(picture, _dreamsim(weights.taken(self.own)))[None]}

    def distances(self, features: Features, reference: Features) -> list[Value]:
        """1 minus the correlation."""
        return _cosine_distances(features["features"], reference["features"])


def _cosine_distances(directions: Tensor, reference: Tensor) -> list[Value]:
    """1 minus the cosine, as half the squared distance of directions, which is 0 for equal ones."""
    return list(((directions - reference).square_().sum(1) / 2).tolist())


def _fitted(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    return resize(picture, *fitted_size(width, height, LONGEST_SIDE), "bicubic").clamp(0, 1)


def _too_small(layout: trunks.Layout) -> Undefined:
    return Undefined(
        f"the picture is too small for {layout.weights}: with the longer side at {LONGEST_SIDE} px or less, "
        f"the shorter side must be {layout.smallest} px or more"
    )


@lru_cache(maxsize=2)
def _lpips(layout: trunks.Layout, trunk: Path, heads: Path) -> perception_lpips.Network:
    return perception_lpips.from_weights(trunks.from_weights(layout, weights.tensors(trunk)), weights.tensors(heads))


@lru_cache(maxsize=1)
def _dists(trunk: Path, channels: Path) -> perception_dists.Network:
    network = trunks.from_weights(trunks.VGG16, weights.tensors(trunk))
    return perception_dists.from_weights(network, weights.tensors(channels))


@lru_cache(maxsize=1)
def _dreamsim(folder: Path) -> perception_dreamsim.Network:
    return perception_dreamsim.network(folder)
