"""Pictures with more than 8 bits a sample, brought to 8 by scaling: Pillow's own conversions would clip them at 255."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, such as `RGB;16B`; known only before the pixels are loaded, empty if never."""
    for tile in getattr(image, "tile", []):
        arguments = tile[3]
        first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
        return first if isinstance(first, str) else ""
    return ""


def eight_bits(image: Image.Image, raw: str, told: list[str]) -> Image.Image:
    """The picture with 8 bits a sample; any other than a deep one comes back as it is.

    - 16-bit grey is divided by 257 and rounded, so that black and white stay black and white.
    - 16-bit colour is read by Pillow itself, which keeps the upper byte.
    - Floats within [0, 1] are multiplied by 255.
    - Other floats and 32-bit whole numbers have no agreed white: they are stretched from their least to their greatest.

    Args:
        image: loaded.
        raw: its `raw_mode`.
        told: gets a sentence for what was done.

    Raises:
        ValueError: a float is not finite.
    """
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        white, bits = (4095, 12) if raw.startswith("I;12") else (65535, 16)
        told.append(f"{bits} bits a sample scaled to 8")
        return _with_transparent_value(_scaled(values, white), values, image.info.get("transparency"))
    if image.mode == "I":
        values = np.asarray(image)
        if image.format in ("PNG", "PPM"):  # defined as 16-bit there
            told.append("16 bits a sample scaled to 8")
            return _with_transparent_value(_scaled(values, 65535), values, image.info.get("transparency"))
        told.append(f"32-bit samples stretched from {values.min()}...{values.max()} to 0...255")
        return _stretched(values)
    if image.mode == "F":
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise ValueError("it holds samples that are not finite numbers")
        if values.min() >= 0 and values.max() <= 1:
            told.append("floating-point samples scaled from 0...1 to 0...255")
            return Image.fromarray(np.rint(values * 255.0).astype(np.uint8))
        told.append(f"floating-point samples stretched from {values.min():g}...{values.max():g} to 0...255")
        return _stretched(values)
    if ";16" in raw:
        told.append("16 bits a sample reduced to the upper 8")
    return image


def _scaled(values: NDArray[np.integer], white: int) -> Image.Image:
    """Whole numbers in [0, white] as 8 bits, rounded half up."""
    scaled = (values.clip(0, white).astype(np.uint32) * 510 + white) // (2 * white)
    return Image.fromarray(scaled.astype(np.uint8))


def _stretched(values: NDArray[np.number]) -> Image.Image:
    least, greatest = float(values.min()), float(values.max())
    span = greatest - least or 1.0  # a flat picture becomes black
    return Image.fromarray(np.rint((values.astype(np.float64) - least) * (255 / span)).astype(np.uint8))


def _with_transparent_value(grey: Image.Image, values: NDArray[np.integer], transparent: object) -> Image.Image:
    """Grey with the pixels of one 16-bit value made transparent, as a PNG may ask."""
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey
