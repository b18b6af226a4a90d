"""A whole chain in one picture, a column a frame: the colour ribbon and the slit-scan."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from simulacra.copying.result import Chain, CopyResult
from simulacra.images.colour import linear_to_srgb, srgb_to_linear
from simulacra.images.pixels import Pixels, to_picture, to_pixels
from simulacra.reports.pictures import evenly
from simulacra.reports.subjects import frame_at

MOST_COLUMNS = 400
"""Copies in one picture; a longer chain is sampled evenly, its first and last copy always in."""

BANDS = 24
"""Colours in a column of the ribbon."""

SLIT = 0.5
"""Which column of each frame the slit-scan takes, as a share of the width: the middle, until the reader drags it."""

SLIT_HEIGHT = 384
"""Pixels; the slit-scan of a higher picture is shrunk to it."""

_COUNTED = 64  # longest side the colours of a column are counted on; a palette needs no more pixels
_LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)  # of sRGB's primaries (IEC 61966-2-1)


@dataclass(frozen=True)
class Timeline:
    """One chain through time; a copy that the chain does not have is transparent in both pictures."""

    ribbon: str  # lossless WebP, base64; BANDS pixels high
    slit: str  # lossless WebP, base64
    columns: int  # copies in each
    slit_height: int  # pixels


def timeline(result: CopyResult, chain: Chain, reach: int) -> Timeline:
    """Draw one chain from frame 0 to copy `reach`; each stored frame is read once, and one is in memory at a time."""
    copies = evenly(reach + 1, MOST_COLUMNS)
    indices = [frame_at(chain, copy) for copy in copies]
    drawn: dict[int, tuple[Pixels, Pixels]] = {}
    for index in indices:
        if index is not None and index not in drawn:
            pixels = result.frame_pixels(chain.frames[index])
            column = pixels[:, slit_column(pixels.shape[1])]
            drawn[index] = palette(pixels), column.copy()  # a view would keep the whole frame
    ribbon, slit = (
        _side_by_side([None if index is None else drawn[index][part] for index in indices]) for part in (0, 1)
    )
    return Timeline(
        ribbon=_base64(ribbon),
        slit=_base64(_shrunk(slit)),
        columns=len(copies),
        slit_height=min(SLIT_HEIGHT, len(drawn[0][1])),
    )


def slit_column(width: int) -> int:
    """The column that the slit-scan takes of a frame of this width; page.js chooses alike."""
    return min(width - 1, int(SLIT * width))


def palette(pixels: Pixels) -> Pixels:
    """The colours of a picture from its lightest pixels to its darkest, as one column of the ribbon.

    The pixels are sorted by luminance and cut into equal groups; each band is the mean of a group in linear light.

    Args:
        pixels: shape (H, W, 3), uint8.

    Returns:
        Shape (BANDS, 3), uint8.
    """
    factor = max(1, -(-max(pixels.shape[:2]) // _COUNTED))
    small = np.asarray(Image.fromarray(pixels).reduce(factor))
    linear = srgb_to_linear(to_picture(small).double()).flatten(2)[0]  # (3, N)
    # Stable, so that equal luminances cannot change places from one machine to another.
    order = torch.sort(_LUMINANCE @ linear, descending=True, stable=True).indices
    # A picture of fewer pixels than bands repeats its pixels.
    ordered = linear[:, order].repeat_interleave(-(-BANDS // linear.shape[1]), dim=1)
    bands = torch.stack([group.mean(1) for group in ordered.tensor_split(BANDS, dim=1)], dim=1)  # (3, BANDS)
    return to_pixels(linear_to_srgb(bands).unsqueeze(-1))[:, 0]


def _side_by_side(columns: list[Pixels | None]) -> Image.Image:
    height = next(len(column) for column in columns if column is not None)
    sheet = np.zeros((height, len(columns), 4), np.uint8)
    for place, column in enumerate(columns):
        if column is not None:
            sheet[:, place, :3], sheet[:, place, 3] = column, 255
    return Image.fromarray(sheet)


def _shrunk(sheet: Image.Image) -> Image.Image:
    if sheet.height <= SLIT_HEIGHT:
        return sheet
    return sheet.resize((sheet.width, SLIT_HEIGHT), Image.Resampling.BOX)  # columns stay apart


def _base64(sheet: Image.Image) -> str:
    """Without loss: a reader sees single pixels, each as wide as a finger."""
    buffer = BytesIO()
    opaque = np.asarray(sheet)[..., 3].all()
    (sheet.convert("RGB") if opaque else sheet).save(buffer, "WEBP", lossless=True)
    return b64encode(buffer.getvalue()).decode()
