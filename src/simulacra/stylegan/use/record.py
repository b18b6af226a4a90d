"""What a picture says about its own making: enough to make it again, and to see when that cannot be."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from simulacra.errors import UserError, unknown
from simulacra.images.pixels import Pixels
from simulacra.stylegan.use.blending import Blend
from simulacra.stylegan.use.figure import Figure
from simulacra.stylegan.use.interpolation import Interpolation
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.mixing import Mixing
from simulacra.stylegan.use.noise_study import NoiseByLayer, Realisations
from simulacra.stylegan.use.pictures import Grid, Picture
from simulacra.stylegan.use.truncation import Truncation

_FIGURES: dict[str, type[Figure]] = {
    figure.name: figure
    for figure in (Picture, Grid, Truncation, Mixing, Blend, Realisations, NoiseByLayer, Interpolation)
}

_PACKAGES = ("simulacra", "torch", "pillow")
"""Whose versions decide bits: the rule of drawing, the arithmetic, the lettering."""

_VERSION = 1


class Record(BaseModel):
    """The metadata of one picture; `docs/generating.md` documents every field.

    Fields that a newer simulacra adds are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    format: Literal["simulacra-picture"] = "simulacra-picture"
    version: int = _VERSION
    figure: str  # what was drawn
    settings: dict[str, Any]  # seed or seeds, psi, cutoff, noise, label, and what else the figure takes
    network: str  # digest of the generator
    generation: int | None = None  # rounds of self-consumption behind the network; None where that is not known
    packages: dict[str, str]  # versions
    device: str  # "cpu", or "cuda" and the card
    pixels: str  # digest of what was drawn, before any lossy coding

    @classmethod
    def of(cls, figure: Figure, maker: Maker, pixels: str) -> "Record":
        """The record of a figure that a maker has drawn."""
        return cls(
            figure=figure.name,
            settings=figure.model_dump(mode="json"),
            network=maker.network,
            generation=maker.generation,
            packages=_versions(),
            device=maker.device,
            pixels=pixels,
        )

    @classmethod
    def read(cls, text: str, name: str) -> "Record":
        """The record in a text, the inverse of `to_text`.

        Raises:
            UserError: it is damaged, or written by a newer simulacra.
        """
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(f"the record in {name} is damaged; find a picture as it was written") from error
        if record.version > _VERSION:
            raise UserError(f"the record in {name} is of version {record.version}; install a newer simulacra")
        return record

    def to_text(self) -> str:
        """One line of JSON in ASCII, which every container takes."""
        return self.model_dump_json(ensure_ascii=True)

    def drawing(self) -> Figure:
        """The figure to draw again.

        Raises:
            UserError: it is of an unknown kind, or a setting breaks its rule.
        """
        if self.figure not in _FIGURES:
            raise unknown("figure", self.figure, _FIGURES)
        return _FIGURES[self.figure].of(**self.settings)

    def differences(self, maker: Maker) -> list[str]:
        """What here is not as it was when the picture was made, one sentence each; such things may change bits."""
        here = _versions()
        told = [
            f"it was made with {name} {was}, and this is {name} {here[name]}"
            for name, was in self.packages.items()
            if name in here and here[name] != was
        ]
        if self.device != maker.device:
            told.append(f"it was made on {self.device}, and this is {maker.device}")
        return told


class Digest:
    """The identity of pixels that come band by band: that of `images.pixels.pixel_digest`, also with alpha."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._digest = sha256(f"p1 uint8 {height}x{width}x{channels} sRGB ".encode())

    def update(self, band: Pixels) -> None:
        """Take the next rows in."""
        self._digest.update(np.ascontiguousarray(band).data)

    def __str__(self) -> str:
        return f"p1:{self._digest.hexdigest()}"


def digest_of_bands(bands: Iterable[Pixels], height: int, width: int, channels: int) -> str:
    """The digest of pixels in bands."""
    digest = Digest(height, width, channels)
    for band in bands:
        digest.update(band)
    return str(digest)


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES}
