"""Tables of pictures with headings, drawn row by row: a sheet may be larger than memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simulacra.images.pixels import Pixels
from simulacra.stylegan.use.maker import Maker

Tile = Callable[[], Pixels]
"""Makes one square picture of the sheet, shape (r, r, 3) or (r, r, 4)."""

_SMALLEST = 96
"""Pixels; smaller pictures are enlarged, by repeating their pixels, until they are at least as large."""

_PAPER, _INK = 255, (0x55, 0x55, 0x55)  # contrast 7.5 to 1
_MARGIN, _GAP, _LETTERS = 8, 4, 12
_LINE = _LETTERS + 6
"""Height of a line of text in pixels."""


@dataclass(frozen=True)
class Canvas:
    """A picture that is drawn from top to bottom."""

    height: int
    width: int
    channels: int  # 3, or 4 with alpha that is not premultiplied
    bands: Iterator[Pixels]  # shapes (h, width, channels), h adding up to the height


@dataclass(frozen=True)
class Row:
    """One line of a sheet."""

    tiles: Sequence[Tile | None]  # None leaves a place empty
    label: str = ""  # before it
    captions: Sequence[str] = ()  # one beneath each tile, or none


def sheet(maker: Maker, rows: Sequence[Row], heads: Sequence[str] = ()) -> Canvas:
    """Lay pictures out in a table; transparency is placed on white.

    Args:
        maker: makes the tiles, on all cores.
        rows: at least one, with equally many tiles or fewer in the last.
        heads: above the columns; empty for none.

    Returns:
        An RGB canvas, which holds one row at a time.
    """
    font = ImageFont.load_default(_LETTERS)
    side = maker.description.resolution
    scale = -(-_SMALLEST // side)
    tile = side * scale
    columns = max(len(row.tiles) for row in rows)
    labels = max(round(font.getlength(row.label)) for row in rows)
    left = _MARGIN + (labels + _MARGIN if labels else 0)
    places = [left + column * (tile + _GAP) for column in range(columns)]
    width = places[-1] + tile + _MARGIN
    top = _MARGIN + (_LINE if heads else 0)
    heights = [tile + (_LINE if row.captions else 0) + _GAP for row in rows]
    made = maker.each(make for row in rows for make in row.tiles if make is not None)

    def bands() -> Iterator[Pixels]:
        middles = [place + tile / 2 for place in places]
        yield _written(top, width, [(x, top - 6, text) for x, text in zip(middles, heads, strict=False)], "ms", font)
        for row, height in zip(rows, heights, strict=True):
            captions = [(x, tile + _LETTERS + 2, text) for x, text in zip(middles, row.captions, strict=False)]
            band = _written(height, width, captions, "ms", font)
            band[:tile] = np.minimum(band[:tile], _written(tile, width, [(_MARGIN, tile / 2, row.label)], "lm", font))
            for place, make in zip(places, row.tiles, strict=False):
                if make is not None:
                    pixels = on_white(next(made))
                    band[:tile, place : place + tile] = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
            yield band
        yield np.full((_MARGIN - _GAP, width, 3), _PAPER, np.uint8)

    return Canvas(top + sum(heights) + _MARGIN - _GAP, width, 3, bands())


def on_white(pixels: Pixels) -> Pixels:
    """Opaque pixels, shape (H, W, 3): those without alpha as they are, others placed on white."""
    if pixels.shape[2] == 3:
        return pixels
    colours, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _written(
    height: int,
    width: int,
    texts: Sequence[tuple[float, float, str]],
    anchor: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> Pixels:
    """White paper with texts on it."""
    paper = Image.new("RGB", (width, height), (_PAPER,) * 3)
    draw = ImageDraw.Draw(paper)
    for x, y, text in texts:
        draw.text((x, y), text, fill=_INK, font=font, anchor=anchor)
    return np.array(paper)
