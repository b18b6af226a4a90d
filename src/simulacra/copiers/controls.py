"""Controls without a model: the identity, and a resize down and back with nothing in between."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.copiers.padding import to_multiple

if TYPE_CHECKING:
    from torch import Tensor

# As in images.resize, which would bring torch into the listing; a test holds them equal.
Filter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


class Identity(Copier):
    """The control that must not drift at all: whatever moves in its chain is a fault of the laboratory."""

    family = "identity"
    summary = "gives the picture back unchanged"
    licence = "MIT"
    origin = "Simulacra"
    determinism = Determinism.EXACT
    differentiable = True
    control = True

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Give the pictures back; see `Copier.copy`."""
        return pictures.clone(), [Receipt(seconds=0.0) for _ in range(len(pictures))]


class ResizeParameters(Parameters):
    """How far down, and with which filter."""

    filter: Filter = Field("bicubic", description="filter of both resizes; all but nearest are antialiased")
    factor: int = Field(
        2, ge=2, le=16, description="shrink by this whole factor; other sizes are padded by reflection and cropped back"
    )
    scale: float | None = Field(
        None, gt=0, le=4, description="resize to round(scale x side) and back instead; nothing is padded"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "ResizeParameters":
        if self.scale is not None and "factor" in self.model_fields_set:
            raise ValueError("factor and scale exclude each other; give one of them")
        return self


class Resize(Copier):
    """The resizing of an enlarger without its network: with equal filter and factor, that enlarger's control."""

    family = "resize"
    summary = "resizes down and back up, with no model in between"
    licence = "MIT"
    origin = "Simulacra; filters as in Pillow, on floats"
    determinism = Determinism.SAME_MACHINE
    differentiable = True
    control = True
    Parameters = ResizeParameters
    parameters: ResizeParameters

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Resize down and back; see `Copier.copy`."""
        began = perf_counter()
        height, width = pictures.shape[-2:]
        chosen = self.parameters
        if chosen.scale is None:
            small, padded = shrink(pictures, chosen.factor, chosen.filter)
        else:
            across, down = (max(1, round(side * chosen.scale)) for side in (width, height))
            small = _resize(pictures, across, down, chosen.filter)
            padded = (width, height)
        copies = _resize(small, *padded, chosen.filter)[..., :height, :width]
        effective = {
            "filter": chosen.filter,
            "resized_to": [small.shape[-1], small.shape[-2]],
            "padded_to": list(padded),
        }
        seconds = (perf_counter() - began) / len(pictures)
        return copies, [Receipt(seconds, effective) for _ in range(len(pictures))]


def shrink(pictures: "Tensor", factor: int, filter: Filter) -> "tuple[Tensor, tuple[int, int]]":
    """Shrink by a whole factor, as every enlarger here does before its network and `resize` does as their control.

    Args:
        pictures: shape (N, 3, H, W).
        factor: 1 or more; sides that are no multiple of it are padded by reflection first.
        filter: antialiased but for "nearest"; what it overshoots is clamped to [0, 1].

    Returns:
        The small pictures, and the width and height before shrinking, padding included.
    """
    padded = to_multiple(pictures, factor)
    height, width = padded.shape[-2:]
    return _resize(padded, width // factor, height // factor, filter), (width, height)


def _resize(pictures: "Tensor", width: int, height: int, filter: Filter) -> "Tensor":
    from simulacra.images.resize import resize

    return resize(pictures, width, height, filter).clamp(0, 1)
