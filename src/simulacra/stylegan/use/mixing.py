"""Style mixing: pictures that take some layers' styles from another. Figure 3 of the paper."""

from functools import partial
from typing import ClassVar

from pydantic import Field

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.stylegan.networks import Description
from simulacra.stylegan.networks.styles import replace
from simulacra.stylegan.use import choices
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import Canvas, Row, Tile, sheet


class Mixing(Figure):
    """A table of targets by sources: each picture is the target of its row with some styles of its column's source.

    Source: Karras, Laine and Aila 2019, figure 3; its seeds are the defaults.
    """

    name: ClassVar[str] = "mixing"

    sources: tuple[int, ...] = Field((639, 701, 687, 615, 2268), min_length=1, description="whole numbers, 0 or more")
    targets: tuple[int, ...] = Field(
        (888, 829, 1898, 1733, 1614, 845), min_length=1, description="whole numbers, 0 or more"
    )
    layers: tuple[str, ...] = Field(
        (), description="layers taken from the source, one entry for all targets or one for each; () deals groups out"
    )
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)
        if len(self.layers) not in {0, 1, len(self.targets)}:
            raise UserError(
                f"--layers names {len(self.layers)} groups for {len(self.targets)} targets; give one for each target, "
                "or one for all"
            )
        for text in self.layers:
            choices.layers(description, text)

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        whole = {seed: partial(self._picture, maker, seed, None, range(0)) for seed in (*self.sources, *self.targets)}
        rows = [Row([None, *(whole[source] for source in self.sources)], "sources")]
        for target, text in zip(self.targets, self._dealt(maker.description), strict=True):
            taken = choices.layers(maker.description, text)
            mixed: list[Tile] = [partial(self._picture, maker, target, source, taken) for source in self.sources]
            rows.append(Row([whole[target], *mixed], choices.caption(text)))
        return sheet(maker, rows, ["targets", *map(str, self.sources)])

    def _dealt(self, description: Description) -> list[str]:
        """The layers of each row. Dealt out, coarse come first and get what is left over."""
        if self.layers:
            return list(self.layers) * (len(self.targets) if len(self.layers) == 1 else 1)
        names = list(choices.groups(description))
        return sorted((names[row % len(names)] for row in range(len(self.targets))), key=names.index)

    def _picture(self, maker: Maker, target: int, source: int | None, rows: range) -> Pixels:
        ws = maker.styles(maker.w(target, self.label), self.psi, self.cutoff)
        if source is not None:
            ws = replace(ws, maker.styles(maker.w(source, self.label), self.psi, self.cutoff), rows)
        return maker.pixels(ws, maker.noise(self.noise, target))
