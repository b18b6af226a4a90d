"""Pictures as trained networks take and give them: which sizes, which values, and how many at a time."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators.contract import Pool
from simulacra.workers import Workers

SIDES = range(8, 65, 4)
"""Sides of the pictures, px: each is halved at least once."""
CHUNK = 64
"""Samples that are always made together: what a convolution sums depends on how many pictures it is given at once."""


class Layout(NamedTuple):
    """The form of the pictures of a pool, which decides that of the networks."""

    colours: int
    side: int  # px
    classes: int  # 0 where the pool has no labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture: (C, H, W)."""
        return self.colours, self.side, self.side

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides from the full one down, each half of the one before; the last is odd, or 4 px or less."""
        sides = [self.side]
        while sides[-1] > 4 and sides[-1] % 2 == 0:
            sides.append(sides[-1] // 2)
        return tuple(sides)


def layout_of(pool: Pool, family: str) -> Layout:
    """The form of a pool's pictures.

    Args:
        pool: pictures of shape (N, C, S, S), float32, in [-1, 1]; C of 1 or 3, S one of `SIDES`.
        family: of the generator that asks.

    Raises:
        UserError: the samples are no such pictures.
    """
    samples = pool.samples
    shape = tuple(samples.shape)
    fits = samples.ndim == 4 and shape[1] in (1, 3) and shape[2] == shape[3] and shape[2] in SIDES
    if not fits or samples.dtype != torch.float32:
        raise UserError(
            f"generator {family} learns from square pictures of 8 to 64 px, a multiple of 4, in 1 or 3 channels, and "
            f"these samples are {samples.dtype} of shape {shape}; give float32 of shape (samples, channels, side, side)"
        )
    least, most = (float(end) for end in samples.aminmax())
    if least < -1 or most > 1:
        raise UserError(
            f"the pictures of the pool have values from {least:g} to {most:g}; generator {family} learns from values "
            "in -1 (black) to 1 (white): scale them"
        )
    return Layout(shape[1], shape[2], 0 if pool.labels is None else int(pool.labels.max()) + 1)


def on_grid(pictures: Tensor) -> Tensor:
    """Pictures as 8 bits keep them: every value the nearest k / 127.5 - 1, k in 0 to 255."""
    return pictures.clamp(-1, 1).add(1).mul(127.5).round().div(127.5).sub(1)


def in_chunks(
    count: int, first: int, shape: tuple[int, ...], draw: Callable[[int], Tensor], *, together: int = CHUNK
) -> Tensor:
    """Samples cut from whole chunks, so that sample k is computed with the same neighbours in any batch.

    Args:
        count: how many, 0 or more.
        first: place of the first.
        shape: of one sample.
        draw: from the place of a chunk's first sample to the `together` samples from there on.
        together: samples of a chunk.

    Returns:
        Shape (count, *shape), float32.
    """
    if not count:
        return torch.empty(0, *shape)
    begin = first // together * together
    places = range(begin, first + count, together)
    with Workers() as workers:
        chunks = workers.run([partial(_without_gradients, draw, place) for place in places])
    return torch.cat(chunks)[first - begin : first - begin + count]


@torch.no_grad()  # whether gradients are kept is each thread's own matter
def _without_gradients(draw: Callable[[int], Tensor], place: int) -> Tensor:
    return draw(place)
