"""A copier as a plugin: fewer levels of brightness in each colour."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from pydantic import Field

from simulacra.copiers import Copier, Determinism, Parameters, Receipt

if TYPE_CHECKING:
    from torch import Tensor


class PosteriseParameters(Parameters):
    """How coarse the result is."""

    levels: int = Field(4, ge=2, le=256, description="levels left in each colour")


class Posterise(Copier):
    """Rounds each colour to a few levels, which the second copy finds already done: a fixed point after one copy."""

    family = "posterise"
    summary = "rounds each colour to a few levels"
    licence = "MIT"
    origin = "the example of docs/extending.md"
    determinism = Determinism.EXACT
    control = True
    Parameters = PosteriseParameters
    parameters: PosteriseParameters

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Round to the nearest of the levels; see `Copier.copy`."""
        began = perf_counter()
        last = self.parameters.levels - 1
        copies = (pictures * last).round() / last
        seconds = (perf_counter() - began) / len(pictures)
        return copies, [Receipt(seconds, {"levels": self.parameters.levels}) for _ in seeds]
