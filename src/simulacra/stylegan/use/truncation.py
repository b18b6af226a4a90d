"""The truncation sweep: what is lost and gained on the way to the average picture. Figure 8 of the paper."""

from functools import partial
from typing import ClassVar

from pydantic import Field

from simulacra.stylegan.networks import Description
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import Canvas, Row, sheet


class Truncation(Figure):
    """A row for each seed, a column for each psi: 1 is the picture itself, 0 the average, below 0 its opposite.

    Source: Karras, Laine and Aila 2019, figure 8 and section B.
    """

    name: ClassVar[str] = "truncation"

    seeds: tuple[int, ...] = Field((91, 388), min_length=1, description="whole numbers, 0 or more")
    psis: tuple[float, ...] = Field((1, 0.7, 0.5, 0, -0.5, -1), min_length=1, description="finite numbers")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        rows = [
            Row([partial(maker.one, seed, self.label, psi, self.cutoff, self.noise) for psi in self.psis], str(seed))
            for seed in self.seeds
        ]
        return sheet(maker, rows, [f"psi {psi:g}" for psi in self.psis])
