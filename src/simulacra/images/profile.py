"""Colours as a file means them, brought to sRGB: by its ICC profile, or by the gamma of a PNG."""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_SRGB_GAMMA = 0.45455
"""What a PNG states for sRGB, to the five digits that it can."""


def profile_to_srgb(image: Image.Image, profile: bytes, told: list[str]) -> Image.Image:
    """Convert a picture from its ICC profile to sRGB.

    Relative colorimetric with black point compensation, as editors do by default: colours that sRGB has stay exact,
    white stays white and black stays black. A profile that moves no colour by more than one step of 255 is sRGB by
    another name and leaves every pixel as it is.

    Args:
        image: of mode RGB, L, CMYK or another without alpha.
        profile: the bytes of the ICC profile.
        told: gets a sentence when colours were converted, or the profile cannot be used.

    Returns:
        The picture in mode RGB, or as it came when the profile changes nothing or cannot be used.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        # A grey picture may carry a colour profile; its greys are then colours of that profile.
        fits = source.profile.xcolor_space.strip() == "RGB" and image.mode in ("L", "YCbCr", "RGBX")
        coloured = image.convert("RGB") if fits else image
        transform = ImageCms.buildTransform(
            source,
            _srgb(),
            coloured.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        told.append("its ICC profile is damaged or does not fit the picture, and was ignored")
        return image
    if coloured.mode in ("L", "RGB") and _changes_nothing(transform, coloured.mode):
        return image
    told.append(f"colours converted to sRGB from ICC profile {_name(source)}")
    converted = ImageCms.applyTransform(coloured, transform)
    assert converted is not None  # only an in-place transform returns nothing
    return converted


def gamma_to_srgb(image: Image.Image, gamma: float, told: list[str]) -> Image.Image:
    """Convert a picture from the gamma a PNG states to that of sRGB, taken as 1/2.2 as PNG readers do.

    Args:
        image: of mode L or RGB.
        gamma: the exponent from light to sample, such as 0.45455; 1 for linear samples.
        told: gets a sentence when samples were converted.

    Source: W3C 2003, "Portable Network Graphics Specification", section 13.13.
    """
    if not 0.01 < gamma < 10 or abs(gamma / _SRGB_GAMMA - 1) < 0.01:
        return image
    told.append(f"gamma {gamma:g} converted to that of sRGB")
    samples = np.arange(256) / 255
    table = np.rint(255 * samples ** (_SRGB_GAMMA / gamma)).astype(int).tolist()
    return image.point(table * len(image.getbands()))


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the transform moves no colour of a grid, or no grey, by more than one step of 255."""
    if mode == "L":
        probe = np.arange(256, dtype=np.uint8)[None]  # (1, 256)
    else:
        steps = np.linspace(0, 255, 16).astype(np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)  # (1, 4096, 3)
    image = Image.fromarray(probe)
    moved = ImageCms.applyTransform(image, transform)
    assert moved is not None
    return bool(np.abs(np.asarray(moved, dtype=int) - np.asarray(image.convert("RGB"), dtype=int)).max() <= 1)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    """The profile's own name in quotes, without what would break a line of output."""
    name = profile.profile.profile_description or ""
    clean = "".join(c for c in name if c.isprintable()).strip()[:60]
    return f'"{clean}"' if clean else "without a name"
