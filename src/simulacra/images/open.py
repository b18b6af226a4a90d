"""Open any picture file as 8-bit sRGB pixels, saying in words every conversion that was made on the way."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from threading import Lock
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from simulacra.errors import UserError
from simulacra.images.depth import eight_bits, raw_mode
from simulacra.images.names import printable
from simulacra.images.pixels import Pixels
from simulacra.images.profile import gamma_to_srgb, profile_to_srgb
from simulacra.images.resize import fit
from simulacra.images.webp import LARGEST_SIDE

PIXEL_LIMIT = 100_000_000
"""Pixels a file may claim to hold unless the user says otherwise; about 300 MB in memory."""

_NO_PICTURES = frozenset({"EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5"})
"""Formats Pillow knows but does not decode itself: drawings, film, weather data. EPS it hands to an interpreter."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by its EXIF orientation. Rotations count anticlockwise."""

_EXPANDED = {
    "1": "black and white expanded to RGB",
    "L": "grey expanded to RGB",
    "P": "palette expanded to RGB",
    "CMYK": "CMYK converted to RGB without an ICC profile, so its colours are approximate",
}
"""What is told when a mode becomes RGB."""

_COLOURS = {"LA": "L", "PA": "P", "RGBA": "RGB", "RGBX": "RGB"}
"""Modes without their alpha or padding."""

_pillow = Lock()  # Pillow's limit and the warning filters belong to the process


@dataclass(frozen=True)
class OpenedPicture:
    """A picture as it enters the laboratory."""

    pixels: Pixels  # (H, W, 3), uint8, sRGB, upright, opaque; (H, W, 4) where its alpha was asked for
    told: tuple[str, ...]  # one short sentence for every conversion, in the order they were made


def open_picture(path: Path, *, pixel_limit: int = PIXEL_LIMIT, longest_side: int | None = None) -> OpenedPicture:
    """Open a picture file of any format Pillow decodes.

    The first picture of several is taken and turned upright by its EXIF orientation; deeper samples are reduced to 8
    bits, a palette is expanded, colours are converted to sRGB by the ICC profile (or the gamma of a PNG), transparency
    is placed on white, and the picture is shrunk if asked. `docs/pictures.md` has the rules.

    Args:
        path: of the file.
        pixel_limit: pixels the header may claim; above it nothing is decoded.
        longest_side: the longer side is shrunk to this many pixels; None keeps the size.

    Raises:
        UserError: the file is missing, unreadable, no picture, damaged or cut off, or the picture is too large.
    """
    if pixel_limit < 1:
        raise UserError(f"--pixel-limit is {pixel_limit}; it must be 1 or more")
    with _readable(path) as file:
        opened = read_picture(file, printable(path), pixel_limit=pixel_limit)
    pixels, told = opened.pixels, opened.told
    before_height, before_width, _ = pixels.shape
    if longest_side is not None:
        pixels = fit(pixels, longest_side)
        height, width, _ = pixels.shape
        if (before_height, before_width) != (height, width):
            told += (f"shrunk from {before_width}x{before_height} to {width}x{height} px",)
    if max(pixels.shape) > LARGEST_SIDE:
        raise UserError(
            f"{printable(path)} is {before_width}x{before_height} px, and a frame can have at most {LARGEST_SIDE} px a "
            f"side; shrink it with --size"
        )
    return OpenedPicture(pixels, told)


def read_picture(file: BinaryIO, name: str, *, pixel_limit: int = PIXEL_LIMIT, alpha: bool = False) -> OpenedPicture:
    """Read a picture from an open file, at its own size, by the rules of `open_picture`.

    Args:
        file: holds the whole picture and can seek; a `BytesIO` will do.
        name: what a message calls it.
        pixel_limit: pixels the header may claim; above it nothing is decoded.
        alpha: keep the transparency as a fourth channel instead of placing the picture on white.

    Raises:
        UserError: it is no picture, damaged or cut off, or too large.
    """
    told: list[str] = []
    image, raw, turn = _decode(file, name, pixel_limit, told)
    image = _to_rgb(image, raw, name, told, alpha)
    if turn is not None:
        image = image.transpose(turn)
    return OpenedPicture(np.array(image), tuple(dict.fromkeys(told)))


def picture_files(paths: Sequence[Path]) -> list[Path]:
    """Files as given, and for each folder the pictures directly in it, sorted by name.

    A picture in a folder is known by its extension; hidden files and folders within are passed over.

    Raises:
        UserError: a folder cannot be read, or holds no picture.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            raise UserError(
                f"folder {printable(path)} cannot be read: {error.strerror}; check its permissions"
            ) from error
        found = [p for p in entries if p.suffix.lower() in extensions() and p.name[0] != "." and p.is_file()]
        if not found:
            raise UserError(
                f"folder {printable(path)} holds no picture; give a picture file, or a folder with some in it"
            )
        files += found
    return files


def _decode(
    file: BinaryIO, name: str, pixel_limit: int, told: list[str]
) -> tuple[Image.Image, str, Image.Transpose | None]:
    """The first picture of a file, loaded, in whatever mode it has; its `raw_mode`; and what will turn it upright."""
    with _guarded(pixel_limit, told):
        try:
            image = Image.open(file, formats=_formats())
            raw = raw_mode(image)
            pictures = getattr(image, "n_frames", 1)
            # Asked twice: TIFF turns itself upright while it loads, and PNG may state the orientation after the pixels.
            stated = _orientation(image, told)
            image.load()
            left = _orientation(image, told)
            if image.format == "JPEG2000":
                _check_end_of_codestream(file)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise UserError(f"{name} claims {_claim(file, pixel_limit)}") from error
        except UnidentifiedImageError as error:
            raise UserError(
                f"{name} is not a picture, or its beginning is damaged; give a file that an image viewer opens"
            ) from error
        except Exception as error:  # whatever a decoder raises at bytes it cannot take is the file's fault
            reason = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise UserError(f"{name} is damaged or cut off: {printable(reason)}; get a whole copy of it") from error

    if pictures > 1 and image.format != "PSD":  # a PSD counts its layers, and opens as all of them together
        told.insert(0, f"the first of {pictures} pictures in the file taken")
    if stated in _UPRIGHT or left in _UPRIGHT:
        told.append(f"EXIF orientation {stated if stated in _UPRIGHT else left} applied")
    return image, raw, _UPRIGHT.get(left)


def _to_rgb(image: Image.Image, raw: str, name: str, told: list[str], keep_alpha: bool) -> Image.Image:
    """A loaded picture of any mode as opaque sRGB with 8 bits a sample, or with its alpha beside it."""
    info = image.info
    try:
        image = eight_bits(image, raw, told)
    except ValueError as error:
        raise UserError(f"{name} cannot be opened: {error}; replace them first") from error

    mode = _COLOURS.get(image.mode, image.mode)
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    colours = image.convert({"P": "RGB", "1": "L"}.get(mode, mode))
    if mode in ("1", "L", "P"):
        told.append(_EXPANDED[mode])

    if profile := info.get("icc_profile"):
        colours = profile_to_srgb(colours, profile, told)
    elif image.format == "PNG" and "srgb" not in info and "gamma" in info:
        colours = gamma_to_srgb(colours, info["gamma"], told)
    if colours.mode not in ("RGB", "L"):
        told.append(_EXPANDED.get(colours.mode, f"{colours.mode} converted to RGB"))
    opaque = colours.convert("RGB")

    if keep_alpha:
        opaque.putalpha(alpha if alpha is not None else Image.new("L", opaque.size, 255))
        return opaque
    if alpha is None or alpha.getextrema() == (255, 255):
        return opaque
    told.append("transparency placed on white")
    white = Image.new("RGB", opaque.size, "white")
    white.paste(opaque, mask=alpha)
    return white


def _orientation(image: Image.Image, told: list[str]) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a parser of nested offsets fails in many ways, and the picture does not need it
        told.append("its EXIF data are damaged and were ignored")
        return 1
    return orientation if isinstance(orientation, int) else 1


def _check_end_of_codestream(file: BinaryIO) -> None:
    """Refuse JPEG 2000 cut off where a tile part begins, which its decoder takes for the end.

    The marker FFD9 ends every codestream and cannot occur inside one (ITU-T T.800, annex A).
    """
    file.seek(0)
    data = file.read()
    if data.find(b"\xff\xd9", data.find(b"\xff\x4f\xff\x51")) < 0:  # from the start of the codestream on
        raise ValueError("the codestream has no end")


def _claim(file: BinaryIO, pixel_limit: int) -> str:
    """What the header of a too large picture claims, and the way out. ICO is not asked: it decodes as it opens."""
    Image.MAX_IMAGE_PIXELS = None
    try:
        width, height = Image.open(file, formats=[name for name in _formats() if name != "ICO"]).size
    except Exception:  # the same bytes as before, with the same faults
        return f"more than {pixel_limit:,} pixels; if you trust it, type a higher --pixel-limit"
    pixels = width * height
    return (
        f"{width}x{height} px, which is {pixels:,} pixels and above the limit of {pixel_limit:,}; "
        f"if you trust it, type --pixel-limit {pixels}"
    )


@contextmanager
def _guarded(pixel_limit: int, told: list[str]) -> Iterator[None]:
    """Pillow with this pixel limit and complete files only, its warnings told; all put back at the end."""
    with _pillow, warnings.catch_warnings(record=True) as caught:
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = pixel_limit, False
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before
        told += [f"the decoder warns: {printable(str(w.message).strip())}" for w in caught if w.category is UserWarning]


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    """A file opened for reading, or the reason why it cannot be."""
    name = printable(path)
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise UserError(f"{name} is a folder; give a picture file")
        if not S_ISREG(status.st_mode):
            raise UserError(f"{name} is not a regular file; give a picture file")
        if status.st_size == 0:
            raise UserError(f"{name} is empty; give a picture file")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise UserError(f"{name} does not exist; check the name") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{name} cannot be read: {reason}; check its name and permissions") from error
    with file:
        yield file


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in Image.ID if name not in _NO_PICTURES)


@cache
def extensions() -> frozenset[str]:
    """Extensions of files that can be opened, lower case with the dot."""
    return frozenset(ext for ext, name in Image.registered_extensions().items() if name in _formats())
