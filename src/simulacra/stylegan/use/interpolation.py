"""A film through latents: from seed to seed and back to the first, on the sphere of z or straight through w."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.stylegan.networks import Description, latents
from simulacra.stylegan.use.figure import Figure, check_cutoff
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.sheet import Canvas, on_white

PARALLEL = 1e-6
"""Radians; directions nearer than this are interpolated straight, for the sphere's formula divides by their sine."""


class Interpolation(Figure):
    """Frames between seeds, each seed once; a loop goes on from the last seed to the first.

    In z the way follows the sphere, because nearly all normal latents lie on one; in w it is straight.

    Source: Shoemake 1985, "Animating Rotation with Quaternion Curves", equation 1; Karras, Laine and Aila 2019,
    section 4.1, for the two spaces.
    """

    name: ClassVar[str] = "interpolation"

    seeds: tuple[int, ...] = Field((0, 1, 2, 3), min_length=2, description="two or more whole numbers, 0 or more")
    between: int = Field(24, ge=1, description="frames from each seed to the next, 1 or more")
    space: Literal["z", "w"] = Field("w", description="z or w")
    loop: bool = Field(True, description="whether the film goes back to the first seed")
    milliseconds: int = Field(40, ge=20, multiple_of=10, description="of each frame, a multiple of 10 from 20 up")
    psi: float = Field(1.0, description="truncation, a finite number; 1 for none")
    cutoff: int | None = Field(None, description="layers truncated, from the coarsest; None for all")

    def check(self, description: Description) -> None:
        """See `Figure.check`."""
        super().check(description)
        check_cutoff(description, self.cutoff)
        if self.noise == "seed":
            raise UserError("between two seeds a picture has none of its own: --noise must be stored, none, or a seed")

    @property
    def frames(self) -> int:
        """How many the film has."""
        legs = len(self.seeds) if self.loop else len(self.seeds) - 1
        return legs * self.between + (0 if self.loop else 1)

    def drawn(self, maker: Maker) -> Canvas:
        """The frames one beneath the other, transparency on white: what the record's digest is taken of."""
        self.check(maker.description)
        side = maker.description.resolution
        return Canvas(self.frames * side, side, 3, self._pictures(maker))

    def _pictures(self, maker: Maker) -> Iterator[Pixels]:
        ends = [*self.seeds, self.seeds[0]] if self.loop else list(self.seeds)
        places = [(one, other, step / self.between) for one, other in pairwise(ends) for step in range(self.between)]
        if not self.loop:
            places.append((ends[-1], ends[-1], 0.0))
        return maker.each(partial(self._frame, maker, *place) for place in places)

    def _frame(self, maker: Maker, one: int, other: int, share: float) -> Pixels:
        if self.space == "w":
            w = torch.lerp(maker.w(one, self.label), maker.w(other, self.label), share)
        else:
            z = latents(maker.description, [one, other])
            labels = [maker.label(seed, self.label) for seed in (one, other)]
            w = maker.mapped(slerp(z[:1], z[1:], share), _between(labels, share, maker.description.labels))
        return on_white(maker.pixels(maker.styles(w, self.psi, self.cutoff), maker.noise(self.noise, one)))


def _between(labels: list[int | None], share: float, count: int) -> Tensor | None:
    """Weights of the classes of two ends, shape (1, count); None where there are none."""
    if None in labels:
        return None
    weights = torch.zeros(1, count)
    for label, weight in zip(labels, (1 - share, share), strict=True):
        weights[0, label] += weight
    return weights


def slerp(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Between two vectors along the circle through their directions; lengths are interpolated straight.

    Args:
        one: shape (1, D), not zero.
        other: the same.
        share: 0 for the first, 1 for the second.

    Returns:
        Shape (1, D), in the precision of the vectors.
    """
    first, second = one.double(), other.double()
    lengths = first.norm(), second.norm()
    first, second = first / lengths[0], second / lengths[1]
    angle = torch.acos((first * second).sum().clamp(-1, 1))
    if float(angle) < PARALLEL:
        direction = torch.lerp(first, second, share)
    else:
        direction = (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * second) / torch.sin(angle)
    return (torch.lerp(*lengths, share) * direction).to(one.dtype)
