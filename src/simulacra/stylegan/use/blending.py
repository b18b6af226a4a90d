"""Blends of several sources, layer by layer: the picture that the paper's readers remember."""

from functools import partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.stylegan.networks import Description
from simulacra.stylegan.use import choices
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker, NoiseChoice
from simulacra.stylegan.use.sheet import Canvas, Row, sheet


class Blend(Figure):
    """One picture with the styles of several: in each layer the weighted mean of the sources that name it.

    The first source fills the layers that none names. Noise by seed is that of the first source.
    """

    name: ClassVar[str] = "blend"

    sources: tuple[int, ...] = Field((0, 1, 2), min_length=1, description="whole numbers, 0 or more")
    layers: tuple[str, ...] = Field((), description="layers of each source; () for all layers of all")
    weights: tuple[float, ...] = Field((), description="finite numbers, one for each source; () for equal ones")
    alone: bool = Field(False, description="the blend by itself, at its own size and with its alpha")
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)
        for option, given in (("layers", self.layers), ("weights", self.weights)):
            if len(given) not in {0, len(self.sources)}:
                raise UserError(
                    f"--{option} has {len(given)} entries for {len(self.sources)} sources; give one for each source"
                )
        self._shares(description)

    def drawn(self, maker: Maker) -> Canvas:
        """See `Figure.drawn`."""
        self.check(maker.description)
        blend = partial(self._blended, maker)
        if self.alone:
            side = maker.description.resolution
            return Canvas(side, side, maker.description.colours, maker.each([blend]))
        sources = [
            partial(maker.one, seed, self.label, self.psi, self.cutoff, self._noise_of(seed)) for seed in self.sources
        ]
        return sheet(maker, [Row([*sources, blend], captions=[*self._captions(), "blend"])])

    def _blended(self, maker: Maker) -> Pixels:
        shares = self._shares(maker.description)
        sources = torch.cat(
            [maker.styles(maker.w(seed, self.label), self.psi, self.cutoff) for seed in self.sources]
        )  # (k, layers, w_dim)
        ws = (sources.double() * shares[:, :, None].to(sources.device)).sum(0, keepdim=True).to(sources.dtype)
        return maker.pixels(ws, maker.noise(self._noise_of(self.sources[0]), self.sources[0]))

    def _shares(self, description: Description) -> Tensor:
        """Share of each source in each layer, shape (k, layers), float64; every column adds up to 1."""
        shares = torch.zeros(len(self.sources), len(description.layers), dtype=torch.float64)
        named = self.layers or ("all",) * len(self.sources)
        weights = self.weights or (1.0,) * len(self.sources)
        for row, (text, weight) in enumerate(zip(named, weights, strict=True)):
            shares[row, list(choices.layers(description, text))] = weight
        unnamed = torch.ones(len(description.layers), dtype=torch.bool)
        for text in named:
            unnamed[list(choices.layers(description, text))] = False
        shares[0, unnamed] = 1
        sums = shares.sum(0)
        if bool((sums == 0).any()):
            layer = int((sums == 0).nonzero()[0])
            raise UserError(f"the weights of layer {layer} add up to 0, so it has no mean; change --weights")
        return shares / sums

    def _noise_of(self, seed: int) -> NoiseChoice:
        return self.noise if self.noise != "seed" else seed

    def _captions(self) -> list[str]:
        captions = [str(seed) for seed in self.sources]
        for given in (self.layers, tuple(f"{weight:g}" for weight in self.weights)):
            captions = [f"{said} · {more}" for said, more in zip(captions, given, strict=True)] if given else captions
        return captions
