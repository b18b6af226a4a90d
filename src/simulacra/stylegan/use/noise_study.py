"""What per-pixel noise does: other draws for one latent, where they differ, and which layers do it. Figures 4 and 5."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.seeds import derive_seed
from simulacra.stylegan.networks import Description
from simulacra.stylegan.networks import noise as noises
from simulacra.stylegan.use import choices
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import Canvas, Row, Tile, on_white, sheet

GAIN = 4
"""Deviations are shown this many times as bright: white is a quarter of the range."""


class _NoiseFigure(Figure):
    """What both figures have: seeds, truncation, and a network that takes noise."""

    seeds: tuple[int, ...] = Field((0, 1), min_length=1, description="whole numbers, 0 or more")
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)
        if not description.noise_shapes:
            raise UserError("this network takes no noise (configs A to D do not), so there is none to study")

    def _picture(self, maker: Maker, seed: int, noise: noises.Noise) -> Pixels:
        return maker.pixels(maker.styles(maker.w(seed, self.label), self.psi, self.cutoff), noise)


class Realisations(_NoiseFigure):
    """A row for each seed: a few pictures of one latent under other noise, and the deviation of every pixel.

    The deviation is that of the grey value over `draws` pictures, shown `GAIN` times as bright.

    Source: Karras, Laine and Aila 2019, figure 4: four realisations, and the deviation over 100.
    """

    name: ClassVar[str] = "noise-realisations"

    shown: int = Field(4, ge=1, description="realisations on the sheet, 1 or more")
    draws: int = Field(100, ge=2, description="realisations behind the deviation, 2 or more")

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        rows = []
        for seed in self.seeds:
            tiles: list[Tile] = [partial(self._realisation, maker, seed, draw) for draw in range(self.shown)]
            rows.append(Row([*tiles, partial(self._shown_deviation, maker, seed)], str(seed)))
        return sheet(maker, rows, [*(f"noise {draw}" for draw in range(self.shown)), f"deviation x{GAIN}"])

    def deviation(self, maker: Maker, seed: int) -> NDArray[np.float64]:
        """Standard deviation of each pixel's grey value over the draws.

        Args:
            maker: of the pictures.
            seed: of the latent.

        Returns:
            Shape (r, r), in 8-bit levels, 0 to 127.5; divided by the number of draws, as the paper's.
        """
        mean = np.zeros((maker.description.resolution,) * 2)
        squares = np.zeros_like(mean)
        # Welford's recurrence: the plain difference of sums of squares would lose small deviations.
        for count, grey in enumerate(self._greys(maker, seed), start=1):
            before = grey - mean
            mean += before / count
            squares += before * (grey - mean)
        return np.sqrt(squares / self.draws)

    def _greys(self, maker: Maker, seed: int) -> Iterator[NDArray[np.float64]]:
        for draw in range(self.draws):
            yield on_white(self._realisation(maker, seed, draw)).mean(axis=2, dtype=np.float64)

    def _realisation(self, maker: Maker, seed: int, draw: int) -> Pixels:
        return self._picture(maker, seed, maker.noise(derive_seed(seed, "noise realisation", draw), seed))

    def _shown_deviation(self, maker: Maker, seed: int) -> Pixels:
        levels = np.clip(np.rint(GAIN * self.deviation(maker, seed)), 0, 255).astype(np.uint8)
        return np.repeat(levels[..., None], 3, axis=2)


class NoiseByLayer(_NoiseFigure):
    """A row for each seed: noise in all layers, in none, then in some only, for as many columns as wanted.

    Source: Karras, Laine and Aila 2019, figure 5: fine ones only, then coarse ones only; fine begins at 64 px of 1024.
    """

    name: ClassVar[str] = "noise-by-layer"

    split: int | None = Field(None, description="resolution in px at which fine begins; None: 64, or half the picture")
    layers: tuple[str, ...] = Field(
        (), description="layers that alone have noise, an entry for each column; () for fine and coarse by `split`"
    )

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        if self.split is not None and self.layers:
            raise UserError("--split and --layers both say which layers have noise; give one of them")
        if self.split is not None and self.split not in description.resolutions[1:]:
            known = ", ".join(map(str, description.resolutions[1:]))
            raise UserError(f"--split is {self.split}; it must be a resolution of this network above 4 px: {known}")
        for text in self.layers:
            rows = choices.layers(description, text)
            if not any(description.layers[row].noisy for row in rows):
                raise UserError(f"--layers names {text!r}, and no noise enters there; name layers that have some")

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        columns = [
            ("all", range(len(maker.description.layers))),
            ("none", range(0)),
            *self._alone(maker.description),
        ]
        rows = [Row([partial(self._only, maker, seed, rows) for _, rows in columns], str(seed)) for seed in self.seeds]
        return sheet(maker, rows, [caption for caption, _ in columns])

    def _alone(self, description: Description) -> list[tuple[str, range]]:
        """Caption and layers of each column after the first two."""
        if self.layers:
            return [(choices.caption(text), choices.layers(description, text)) for text in self.layers]
        split = self.split or min(64, description.resolution // 2)
        fine = next(layer.row for layer in description.layers if layer.resolution == split)
        return [(f"fine, from {split} px", range(fine, len(description.layers))), ("coarse", range(fine))]

    def _only(self, maker: Maker, seed: int, rows: range) -> Pixels:
        silence, noise = maker.noise("none", seed), maker.noise(self.noise, seed)
        return self._picture(maker, seed, noises.swapped(maker.description, silence, noise, rows))
