"""Features by what a person types: `effnetlite0`, `pixels:32`, `inception:FILE`, `dinov2:FOLDER`."""

from collections.abc import Callable
from pathlib import Path

from simulacra.errors import UserError, unknown
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.features_dinov2 import DINOv2
from simulacra.measures.of_sets.features_effnetlite0 import EffNetLite0
from simulacra.measures.of_sets.features_inception import Inception
from simulacra.measures.of_sets.features_pixels import Pixels


def open_features(text: str) -> Features:
    """The features that a name and its argument stand for.

    Args:
        text: a name, or a name, a colon and its argument.

    Raises:
        UserError: the name is unknown, or its argument is missing or wrong.
    """
    name, _, argument = text.partition(":")
    if name not in BUILT_IN:
        raise unknown("features", name, BUILT_IN)
    return BUILT_IN[name](argument)


def _effnetlite0(argument: str) -> Features:
    if argument:
        raise UserError(f"the features effnetlite0 take no argument, and {argument!r} was given; type: effnetlite0")
    return EffNetLite0()


def _pixels(argument: str) -> Features:
    if not argument:
        return Pixels()
    if not argument.isdecimal():
        raise UserError(f"the side of the pixel features is {argument!r}; it must be a whole number, such as pixels:32")
    return Pixels(int(argument))


def _inception(argument: str) -> Features:
    if not argument:
        raise UserError(
            "the features inception need a file; type: inception:FILE, a state dict of the FID Inception-V3"
        )
    return Inception(Path(argument))


def _dinov2(argument: str) -> Features:
    if not argument:
        raise UserError("the features dinov2 need a folder; type: dinov2:FOLDER, as transformers saves it")
    return DINOv2(Path(argument))


BUILT_IN: dict[str, Callable[[str], Features]] = {
    "effnetlite0": _effnetlite0,
    "pixels": _pixels,
    "inception": _inception,
    "dinov2": _dinov2,
}
