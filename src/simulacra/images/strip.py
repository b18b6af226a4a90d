"""Many frames on one picture: the film strip and the contact sheet, and which frames a strip should show."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from unicodedata import combining, normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simulacra.images.pixels import Pixels

_BACKGROUND = (0x11, 0x11, 0x11)
_INK = (0x9C, 0x9C, 0x9C)  # contrast 6.8 to 1 on the background
_GLYPHS = frozenset("…·°±")  # beyond ASCII, what the built-in font draws


def drift_spaced(drift: Sequence[float], tiles: int) -> list[int]:
    """Frames equally spaced in drift: a strip of them shows the change, not the clock.

    Drift counts as the largest value so far, so that jitter and cycles take no tiles. A single copy that drifts further
    than one space takes one tile, and the spaces it saves go to the rest. Where nothing drifts, frames are equally
    spaced in time.

    Args:
        drift: one value a frame, the distance from frame 0, in any unit.
        tiles: frames wanted, 2 or more.

    Returns:
        Increasing indices without repeats, the first and the last frame always among them; all frames when there are no
        more than `tiles`.

    Raises:
        ValueError: there is no frame, fewer than 2 tiles are wanted, or a drift is not finite.
    """
    frames = len(drift)
    if frames < 1 or tiles < 2:
        raise ValueError(f"{tiles} tiles of {frames} frames: a strip needs at least 2 tiles and a frame")
    if not all(isfinite(value) for value in drift):
        raise ValueError("a drift is not finite, so frames cannot be spaced by it")
    if frames <= tiles:
        return list(range(frames))

    furthest = np.maximum.accumulate(np.asarray(drift, dtype=np.float64))
    steps = np.diff(furthest)  # (frames - 1,)
    steps += 1e-6 * max(steps.sum(), 1e-300) / len(steps)  # time decides only where drift does not

    # Cap the steps at one space, which depends on the capped steps: a space is what is left over, equally shared.
    descending = np.sort(steps)[::-1]
    capped = 0
    space = steps.sum() / (tiles - 1)
    while descending[capped] > space:
        capped += 1
        space = descending[capped:].sum() / (tiles - 1 - capped)

    # No step is longer than a space, so no two targets fall on one frame; the factor absorbs the rounding of the sum.
    position = np.concatenate([[0.0], np.cumsum(np.minimum(steps, space))])
    targets = np.arange(1, tiles - 1) * space * (1 - 1e-9)
    return [0, *np.searchsorted(position, targets).tolist(), frames - 1]


def film_strip(pictures: Sequence[Pixels], labels: Sequence[str], *, tile_height: int = 160) -> Pixels:
    """One row of tiles of equal height, each with its label beneath.

    Args:
        pictures: shapes (H, W, 3), uint8, of any sizes; at least one.
        labels: one a picture. The built-in font draws ASCII and `…·°±`; accents are dropped, the rest become `?`.
        tile_height: in pixels, 16 or more.

    Returns:
        Shape (H', W', 3), uint8: pictures shrunk with Lanczos, or enlarged by repeating pixels, which invents nothing.
    """
    look = _Look.of(tile_height)
    tiles = [_tile(pixels, tile_height / pixels.shape[0], look) for pixels in pictures]
    return _sheet(tiles, labels, columns=len(tiles), look=look)


def contact_sheet(
    pictures: Sequence[Pixels], labels: Sequence[str], *, columns: int = 8, tile_height: int = 160
) -> Pixels:
    """Rows of tiles in reading order, each picture within a square of `tile_height`, with its label beneath.

    Args:
        pictures: shapes (H, W, 3), uint8, of any sizes; at least one.
        labels: one a picture, drawn as in `film_strip`.
        columns: tiles in a row, 1 or more.
        tile_height: side of the square in pixels, 16 or more.

    Returns:
        Shape (H', W', 3), uint8.
    """
    look = _Look.of(tile_height)
    tiles = [_tile(pixels, tile_height / max(pixels.shape), look) for pixels in pictures]
    return _sheet(tiles, labels, columns=min(columns, len(tiles)), look=look)


@dataclass(frozen=True)
class _Look:
    """Distances in pixels that follow from the size of a tile."""

    margin: int
    gap: int
    radius: int
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    line: int  # height of a label with the space above it

    @classmethod
    def of(cls, tile_height: int) -> "_Look":
        if tile_height < 16:
            raise ValueError(f"tile_height is {tile_height}; it must be 16 or more")
        letters = min(20, max(10, tile_height // 12))
        return cls(
            margin=max(6, tile_height // 12),
            gap=max(3, tile_height // 24),
            radius=max(1, tile_height // 50),
            font=ImageFont.load_default(letters),
            line=letters + letters // 2,
        )


def _tile(pixels: Pixels, scale: float, look: _Look) -> Image.Image:
    """A picture at its size on the sheet, with rounded corners."""
    height, width, _ = pixels.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resample = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    tile = Image.fromarray(pixels).resize(size, resample)

    finer = 4  # Pillow draws without antialiasing
    corners = Image.new("L", (size[0] * finer, size[1] * finer))
    edge = (0, 0, corners.width - 1, corners.height - 1)
    ImageDraw.Draw(corners).rounded_rectangle(edge, look.radius * finer, fill=255)
    rounded = Image.new("RGB", size, _BACKGROUND)
    rounded.paste(tile, mask=corners.resize(size, Image.Resampling.BOX))
    return rounded


def _sheet(tiles: Sequence[Image.Image], labels: Sequence[str], columns: int, look: _Look) -> Pixels:
    if not tiles or columns < 1:
        raise ValueError("a sheet needs at least one picture and one column")
    if len(labels) != len(tiles):
        raise ValueError(f"{len(tiles)} pictures have {len(labels)} labels")
    rows = [range(start, min(start + columns, len(tiles))) for start in range(0, len(tiles), columns)]
    # A column is as wide as its widest tile and a row as high as its highest.
    widths = [max(tiles[i].width for i in range(column, len(tiles), columns)) for column in range(columns)]
    heights = [max(tiles[i].height for i in row) for row in rows]

    sheet = Image.new(
        "RGB",
        (
            2 * look.margin + sum(widths) + look.gap * (columns - 1),
            2 * look.margin + sum(heights) + look.line * len(rows) + look.gap * (len(rows) - 1),
        ),
        _BACKGROUND,
    )
    draw = ImageDraw.Draw(sheet)
    top = look.margin
    for row, height in zip(rows, heights, strict=True):
        left = look.margin
        for i, width in zip(row, widths, strict=False):  # the last row may be short
            sheet.paste(tiles[i], (left + (width - tiles[i].width) // 2, top + (height - tiles[i].height) // 2))
            text = _shortened(_drawable(labels[i]), width + look.gap, draw, look)
            draw.text((left + width / 2, top + height + look.line), text, fill=_INK, font=look.font, anchor="md")
            left += width + look.gap
        top += height + look.line + look.gap
    return np.asarray(sheet)


def _drawable(text: str) -> str:
    """The text in one line of characters the font has: letters without their accents, `?` for what remains."""
    letters = []
    for character in " ".join(text.split()):
        parts = character if character in _GLYPHS else normalize("NFKD", character)
        letters += [part for part in parts if not combining(part)]
    return "".join(c if c.isascii() or c in _GLYPHS else "?" for c in letters)


def _shortened(text: str, width: float, draw: ImageDraw.ImageDraw, look: _Look) -> str:
    """The text, or as much of its beginning as fits with an ellipsis."""
    if draw.textlength(text, font=look.font) <= width:
        return text
    while text and draw.textlength(f"{text}…", font=look.font) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
