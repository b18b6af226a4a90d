"""Pictures by seed: one at its own size, or many on a sheet. Figure 2 of the paper."""

from functools import partial
from typing import ClassVar

from pydantic import Field

from simulacra.stylegan.networks import Description
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import Canvas, Row, sheet


class Picture(Figure):
    """One picture at the network's resolution, with its alpha where it has one."""

    name: ClassVar[str] = "picture"

    seed: int = Field(0, ge=0, description="of the latent: a whole number, 0 or more")
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        side, colours = maker.description.resolution, maker.description.colours
        make = partial(maker.one, self.seed, self.label, self.psi, self.cutoff, self.noise)
        return Canvas(side, side, colours, maker.each([make]))

    def resolved(self, maker: Maker) -> "Picture":
        """The same picture with its drawn class and its noise seed named."""
        noise = self.seed if self.noise == "seed" else self.noise
        return self.model_copy(update={"noise": noise, "label": maker.label(self.seed, self.label)})


class Grid(Figure):
    """Pictures in rows, each above its seed.

    Source: Karras, Laine and Aila 2019, figure 2: uncurated pictures, truncated by 0.7 in the layers of 4 to 32 px.
    """

    name: ClassVar[str] = "grid"

    seeds: tuple[int, ...] = Field((0,), min_length=1, description="whole numbers, 0 or more")
    columns: int = Field(8, ge=1, description="pictures in a row, 1 or more")
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        rows = []
        for start in range(0, len(self.seeds), self.columns):
            seeds = self.seeds[start : start + self.columns]
            tiles = [partial(maker.one, seed, self.label, self.psi, self.cutoff, self.noise) for seed in seeds]
            rows.append(Row(tiles, captions=[str(seed) for seed in seeds]))
        return sheet(maker, rows)
