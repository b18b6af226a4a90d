"""The control of hosted copiers: out to the service's size and back, with no service in between."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.copiers.controls import Filter
from simulacra.copiers.hosted.canvas import SIZES, Fit, Placement, sizes

if TYPE_CHECKING:
    from torch import Tensor


class HostedResizeParameters(Parameters):
    """Which sizes, and how a picture of another shape fills them."""

    sizes: str = Field("gpt-image-1", description=f"WIDTHxHEIGHT in pixels, or a service's set: {', '.join(SIZES)}")
    fit: Fit = Field("pad", description="pad by reflection and cut off again, or stretch, and back")
    filter: Filter = Field("lanczos", description="filter of both resizes; all but nearest are antialiased")

    @field_validator("sizes")
    @classmethod
    def _known(cls, text: str) -> str:
        sizes(text)
        return text


class HostedResize(Copier):
    """What a hosted copier does besides asking the model: the same code, rounding to 8 bits at the far end included."""

    family = "hosted-resize"
    summary = "resizes to the size a hosted model works in and back, with no model in between"
    licence = "MIT"
    origin = "Simulacra; the path of the hosted copiers"
    determinism = Determinism.SAME_MACHINE
    control = True
    Parameters = HostedResizeParameters
    parameters: HostedResizeParameters

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Resize there and back; see `Copier.copy`."""
        import torch

        from simulacra.images.pixels import to_picture, to_pixels

        height, width = pictures.shape[-2:]
        chosen = self.parameters
        placement = Placement.on(sizes(chosen.sizes), (width, height), chosen.fit, chosen.filter)
        copies, receipts = [], []
        for picture in pictures:
            began = perf_counter()
            answered = to_picture(to_pixels(placement.out(picture[None].cpu())))
            copies.append(placement.back(answered))
            receipts.append(Receipt(perf_counter() - began, placement.record()))
        return torch.cat(copies).to(pictures.device), receipts
