"""Pictures as bytes: PNG on the way out, whatever the service made of it on the way in."""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.images.pixels import Pixels


@dataclass(frozen=True)
class Opened:
    """A picture from an answer."""

    pixels: "Pixels" = field(repr=False)  # (H, W, 3), uint8, sRGB
    format: str  # Pillow's name of it, such as "PNG"
    told: tuple[str, ...]  # every conversion that opening it took


def png(pixels: "Pixels") -> bytes:
    """Pixels (H, W, 3) as a PNG without any metadata."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def open_bytes(data: bytes) -> Opened:
    """Open a picture from bytes, by the rules for every file: orientation, profile and transparency included.

    Raises:
        UserError: the bytes are no picture, are damaged or cut off, or claim too many pixels.
    """
    from PIL import Image

    from simulacra.images.open import open_picture

    with TemporaryDirectory() as folder:
        path = Path(folder) / "the picture in the answer"
        path.write_bytes(data)
        try:
            opened = open_picture(path)
        except UserError as error:
            raise UserError(str(error).replace(str(path), path.name)) from error
    with Image.open(BytesIO(data)) as image:
        return Opened(opened.pixels, str(image.format), opened.told)
