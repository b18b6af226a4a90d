"""The sheets of samples that a page carries: each once, without loss while they are small together."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from simulacra.autophagy.record import LoopRecord, Round
from simulacra.autophagy.sheet import COLUMNS
from simulacra.reports.loop_groups import LoopGroup
from simulacra.reports.pictures import webp_bytes

BUDGET = 12_000_000
"""Bytes of sheets as stored; above it they are carried as lossy WebP."""

SMALL = 450
"""Pixels of the longer side, gaps included, up to which a sheet is enlarged with its pixels kept sharp."""


@dataclass(frozen=True)
class Sheet:
    """Samples of one generation, always of the same random streams."""

    generation: int
    data: str  # the address that an element shows
    width: int
    height: int

    @property
    def small(self) -> bool:
        """Whether its pixels are few enough to be seen one by one."""
        return max(self.width, self.height) <= SMALL


@dataclass(frozen=True)
class Sheets:
    """All sheets of a page."""

    loops: tuple[tuple[tuple[Sheet | None, ...], ...], ...]  # a group, a seed, a generation
    restart: Sheet | None  # of the first null arm
    lossy: bool

    @property
    def any(self) -> bool:
        """Whether there is one at all."""
        return any(sheet for group in self.loops for seed in group for sheet in seed)


def sheets(groups: Sequence[LoopGroup], budget: int = BUDGET) -> Sheets:
    """Take the sheets of all generations from the store.

    Args:
        groups: the loops.
        budget: bytes as stored, up to which nothing is lost.

    Raises:
        UserError: a sheet is missing from the store.
    """
    held = [[[_bytes(record, each) for each in record.rounds] for record in group.records] for group in groups]
    restart = next(
        (
            (each, data)
            for group in groups
            for record in group.nulls
            for each in record.rounds
            if (data := _bytes(record, each))
        ),
        None,
    )
    size = sum(len(data or b"") for group in held for seed in group for data in seed)
    lossy = size > budget
    return Sheets(
        tuple(
            tuple(
                tuple(_sheet(number, data, lossy) if data else None for number, data in enumerate(seed, 1))
                for seed in group
            )
            for group in held
        ),
        _sheet(restart[0].generation, restart[1], lossy) if restart else None,
        lossy,
    )


def _bytes(record: LoopRecord, each: Round) -> bytes | None:
    return record.blob(each.shown) if each.shown else None


def _sheet(generation: int, data: bytes, lossy: bool) -> Sheet:
    with Image.open(BytesIO(data)) as stored:
        shown = _apart(stored)
    kind, carried = ("webp", webp_bytes(shown.convert("RGB"), 80)) if lossy else ("png", _png(shown))
    return Sheet(generation, f"data:image/{kind};base64,{b64encode(carried).decode()}", *shown.size)


def _apart(stored: Image.Image) -> Image.Image:
    """A sheet with gaps between its pictures, which touch as they are stored: small ones would run together."""
    pixels = np.asarray(stored)
    height, width = (side // COLUMNS for side in pixels.shape[:2])
    gap = max(1, height // 16)
    tiles = pixels.reshape(COLUMNS, height, COLUMNS, width, -1)
    spaced = np.pad(tiles, [(0, 0), (0, gap), (0, 0), (0, gap), (0, 0)])
    whole = spaced.reshape(COLUMNS * (height + gap), COLUMNS * (width + gap), -1)[:-gap, :-gap]
    return Image.fromarray(whole.squeeze(2) if pixels.ndim == 2 else whole)


def _png(image: Image.Image) -> bytes:
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
