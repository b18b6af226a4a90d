"""Pictures of a generation for people: one sheet, with the same streams in the same places in every generation."""

from io import BytesIO

from PIL import Image
from torch import Tensor

COLUMNS = 8
"""Pictures a row; a sheet has as many rows."""

SHOWN = COLUMNS**2


def sheet(pictures: Tensor) -> bytes:
    """A square sheet of pictures, without gaps, as PNG.

    Args:
        pictures: shape (64, 1 or 3, H, W), in [-1, 1].
    """
    count, channels, height, width = pictures.shape
    levels = ((pictures + 1) * 127.5).round().clamp(0, 255).byte().cpu()
    tiled = levels.reshape(count // COLUMNS, COLUMNS, channels, height, width).permute(0, 3, 1, 4, 2)
    pixels = tiled.reshape(count // COLUMNS * height, COLUMNS * width, channels).numpy()
    data = BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(data, "PNG")
    return data.getvalue()
