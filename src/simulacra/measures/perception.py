"""The perception channel: how different do two frames look, and do they still show the same thing?

Both numbers come from trained networks, which know what people and ImageNet's labels know and no more. The channel runs
where their weights are; they are not fetched by themselves, because they cost more than all other channels together.
"""

from typing import ClassVar

import torch
from torch import Tensor

from simulacra import weights
from simulacra.images.resize import fitted_size, resize
from simulacra.measures import features_effnetlite, perception_stlpips
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value

LONGEST_SIDE = 256
"""Pixels: larger pictures are reduced to it before they are compared, which bounds time and memory."""

NETWORKS = (perception_stlpips.WEIGHTS, features_effnetlite.WEIGHTS)

TOO_SMALL = Undefined(
    f"the picture is too small: with its longer side at most {LONGEST_SIDE} px, "
    f"its shorter side must be {perception_stlpips.SMALLEST} px or more"
)


class Perception(Channel):
    """ST-LPIPS, and the cosine distance of general features."""

    name = "perception"
    by_default = False  # two networks over every frame cost more than all other channels together
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "stlpips_alex",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            f"Shift-tolerant LPIPS by AlexNet, pictures whose longer side is above {LONGEST_SIDE} px reduced to it.",
            "Ghildyal and Liu 2022, after Zhang, Isola, Efros, Shechtman and Wang 2018",
        ),
        Measure(
            "cosine_effnetlite0",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            f"1 minus the cosine between the {features_effnetlite.LENGTH:,} pooled features of EfficientNet-Lite0, "
            f"pictures brought to {features_effnetlite.SIDE} px squares; 0 to 1.",
            "Tan and Le 2019, EfficientNet; Lite variant by Liu 2020",
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """Run the two networks on each picture.

        Each picture goes through them alone, so no value depends on its neighbours in the batch.

        Args:
            pictures: shape (N, 3, H, W), float32, sRGB in [0, 1].

        Returns:
            `features` (N, 1280), float64, and, where the picture is large enough, `activations` (N, D), float32:
            11 MB a picture of 256 px or more.

        Raises:
            MissingWeights: the channel cannot run here; see `unavailable`.
        """
        lite = features_effnetlite.network()
        singles = torch.split(pictures, 1)
        features = {"features": torch.stack([features_effnetlite.embed(single, lite) for single in singles])}
        height, width = pictures.shape[-2:]
        size = fitted_size(width, height, LONGEST_SIDE)
        if min(size) >= perception_stlpips.SMALLEST:
            alex = perception_stlpips.network()
            fitted = (resize(single, *size, "bicubic").clamp(0, 1) for single in singles)
            features["activations"] = torch.stack([perception_stlpips.embed(single, alex) for single in fitted])
        return features

    def describe(self, features: Features) -> Columns:
        """Nothing: both measures compare."""
        return {}

    def compare(self, features: Features, reference: Features) -> Columns:
        """Both distances of each frame from its reference; exactly 0 for equal frames."""
        cosine = features_effnetlite.cosine_distance(features["features"], reference["features"])
        stlpips: list[Value] = [TOO_SMALL] * len(cosine)
        if "activations" in features:
            stlpips = perception_stlpips.distance(features["activations"], reference["activations"]).tolist()
        return {"stlpips_alex": stlpips, "cosine_effnetlite0": cosine.tolist()}

    def weights(self) -> dict[str, str]:
        """Digests of both networks."""
        return {file: digest for name in NETWORKS for file, digest in weights.digest(name).items()}

    def unavailable(self) -> str | None:
        """Why there can be no values here: the networks are not fetched by themselves."""
        absent = [name for name in NETWORKS if weights.state(name) is not weights.State.READY]
        if not absent:
            return None
        named = " and ".join(absent)
        return f"the weights {named} are missing or damaged; type: simulacra weights get {' '.join(absent)}"
