"""Anchor re-injection: every few copies the copier is shown the original again."""

from typing import TYPE_CHECKING

from pydantic import Field

from simulacra.copying.remedies.contract import Remedy
from simulacra.specification import Parameters

if TYPE_CHECKING:
    from torch import Tensor


class AnchorParameters(Parameters):
    """How often, and how much."""

    every: int = Field(10, ge=2, description="copies from one re-injection to the next")
    share: float = Field(1.0, gt=0, le=1, description="of the original in what the copier is then given; 1 is all")


class Anchor(Remedy):
    """At copies m, 2m, 3m ... the copier is given the original, or a mix of it with the frame before."""

    family = "anchor"
    summary = "shows the copier the original again every few copies"
    origin = "users' practice of restating the original instead of chaining"
    autonomous = False
    Parameters = AnchorParameters
    parameters: AnchorParameters

    def before(self, parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """The original, mixed with the frame before; see `Remedy.before`."""
        if step % self.parameters.every:
            return parent
        return parent.lerp(origin, self.parameters.share)
