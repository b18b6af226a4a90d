"""The sizes a service makes pictures in, and the way there and back for a picture of another size.

Services answer in sizes of their own. A picture of another size is enlarged or shrunk to one of them, and the answer is
brought back by the same filter. Each step is recorded, and `hosted-resize` repeats it without the model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import TYPE_CHECKING, Any, Literal, Protocol

from simulacra.copiers.contract import SizeRule
from simulacra.copiers.controls import Filter
from simulacra.copiers.padding import reflect

if TYPE_CHECKING:
    from torch import Tensor

Fit = Literal["pad", "stretch"]
"""How a picture of another shape fills a canvas: borders by reflection, cut off again, or stretched, and back."""

Size = tuple[int, int]
"""Width and height in pixels."""


class Sizes(Protocol):
    """The canvases a service offers."""

    def choose(self, width: int, height: int) -> tuple[Size, Size]:
        """The canvas for a picture, and the largest place in it that keeps the picture's aspect."""


@dataclass(frozen=True)
class Listed:
    """A handful of sizes: that of the nearest aspect is taken."""

    sizes: tuple[Size, ...]

    def choose(self, width: int, height: int) -> tuple[Size, Size]:
        """See `Sizes.choose`."""
        canvas = min(self.sizes, key=lambda size: abs(log(size[0] / size[1]) - log(width / height)))
        scale = min(canvas[0] / width, canvas[1] / height)
        return canvas, (_between(round(width * scale), canvas[0]), _between(round(height * scale), canvas[1]))


@dataclass(frozen=True)
class Multiples:
    """Any size on a grid, within limits: the picture keeps its pixels where it can, and is padded to the grid."""

    grid: int
    longest: int  # side, in pixels
    ratio: int  # of the sides, at most
    least: int  # pixels in all
    most: int

    def choose(self, width: int, height: int) -> tuple[Size, Size]:
        """See `Sizes.choose`."""
        shortest = max(width, height) / self.ratio  # a narrower picture gets borders up to here
        area = max(width, shortest) * max(height, shortest)
        scale = max(1.0, sqrt(self.least / area))
        scale = min(scale, self.longest / max(width, height), sqrt(self.most / area))
        while True:
            # Rounded up, so that the least area is reached; a product a hair above a whole number stays at it.
            wide, high = (_between(ceil(side * scale - 1e-9), self.longest) for side in (width, height))
            inside = (wide, high)
            narrow = max(inside) / self.ratio
            across, down = (self.grid * ceil(max(side, narrow) / self.grid) for side in inside)
            if across * down <= self.most and max(across, down) <= self.longest:
                return (across, down), inside
            scale *= 0.995  # rounding up to the grid went over the limit


_GEMINI_3 = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
_GEMINI_25 = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
_TIMES = {"1K": 1, "2K": 2, "4K": 4}

RATIOS: Mapping[str, Mapping[str, Size]] = {
    "gemini-2.5": _GEMINI_25,
    **{
        f"gemini-{name}": {ratio: (width * times, height * times) for ratio, (width, height) in _GEMINI_3.items()}
        for name, times in _TIMES.items()
    },
}
"""Canvas by aspect ratio, as the Gemini API names them, for each set of sizes."""


def settled(area: int, grid: int, ratio: int) -> Listed:
    """The sizes that a model keeps which scales every picture to `area` pixels, each side to the nearest of a grid.

    A picture of one of them is not resized; any other would be, its sides by two factors that differ a little.

    Args:
        area: in pixels.
        grid: sides are multiples of this many pixels.
        ratio: of the sides, at most.
    """
    sides = range(grid, ceil(sqrt(area * ratio) / grid) * grid + 1, grid)
    pairs = [(width, height) for width in sides for height in sides if max(width, height) <= ratio * min(width, height)]
    return Listed(tuple(size for size in pairs if snapped(size, area, grid) == size))


def snapped(size: Size, area: int, grid: int) -> Size:
    """What becomes of a size under the rule of `settled`."""
    width = sqrt(area * (size[0] / size[1]))
    return round(width / grid) * grid, round(width / (size[0] / size[1]) / grid) * grid


SIZES: Mapping[str, Sizes] = {
    "gpt-image-1": Listed(((1024, 1024), (1536, 1024), (1024, 1536))),
    "gpt-image-2": Multiples(grid=16, longest=3840, ratio=3, least=655_360, most=8_294_400),
    **{name: Listed(tuple(ratios.values())) for name, ratios in RATIOS.items()},
    "qwen-image-edit": settled(1024**2, grid=32, ratio=4),
}
"""The sets of sizes by name. Sources: OpenAI, image generation guide; Google, Gemini API image generation; the
pipelines of Qwen-Image-Edit in diffusers."""

_PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_LONGEST = SizeRule().largest


def sizes(text: str) -> Sizes:
    """The sizes a text names: a set such as `gpt-image-1`, or one size such as `1024x1536`.

    Raises:
        ValueError: it is neither.
    """
    if text in SIZES:
        return SIZES[text]
    size = size_of(text)
    if size is None:
        raise ValueError(f"sizes is {text}; it must be WIDTHxHEIGHT in pixels or one of {', '.join(SIZES)}")
    return Listed((size,))


def size_of(text: str) -> Size | None:
    """The size that `WIDTHxHEIGHT` names; None for another text, or sides that no frame can have."""
    match = _PIXELS.fullmatch(text)
    size = (int(match[1]), int(match[2])) if match else None
    return size if size and max(size) <= _LONGEST else None


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on its canvas, and so the way there and back."""

    picture: Size
    canvas: Size
    inside: Size  # what the picture is resized to; the rest of the canvas is border, half on each side
    filter: Filter

    @classmethod
    def on(cls, offered: Sizes | None, picture: Size, fit: Fit, filter: Filter) -> "Placement":
        """The placement of a picture on what a service offers; None means that the picture goes out as it is."""
        if offered is None:
            return cls(picture, picture, picture, filter)
        canvas, inside = offered.choose(*picture)
        return cls(picture, canvas, canvas if fit == "stretch" else inside, filter)

    @property
    def offset(self) -> Size:
        """Pixels of border at the left and at the top."""
        return (self.canvas[0] - self.inside[0]) // 2, (self.canvas[1] - self.inside[1]) // 2

    def out(self, picture: "Tensor") -> "Tensor":
        """The canvas with the picture on it, (1, 3, H, W) to (1, 3, H', W'), clamped to [0, 1]."""
        left, top = self.offset
        placed = _resized(picture, self.inside, self.filter)
        right, bottom = self.canvas[0] - self.inside[0] - left, self.canvas[1] - self.inside[1] - top
        return reflect(placed, left, right, top, bottom)

    def back(self, answer: "Tensor") -> "Tensor":
        """The picture from an answer of any size, which is resized to the canvas first where borders must come off."""
        if self.inside != self.canvas:
            left, top = self.offset
            whole = _resized(answer, self.canvas, self.filter)
            answer = whole[..., top : top + self.inside[1], left : left + self.inside[0]]
        return _resized(answer, self.picture, self.filter)

    def record(self) -> dict[str, Any]:
        """What is declared of the resizing, for a receipt."""
        return {
            "filter": self.filter,
            "canvas": list(self.canvas),
            "inside": list(self.inside),
            "offset": list(self.offset),
        }


def _resized(picture: "Tensor", size: Size, filter: Filter) -> "Tensor":
    from simulacra.images.resize import resize

    if picture.shape[:-3:-1] == size:
        return picture
    return resize(picture, *size, filter).clamp(0, 1)


def _between(side: int, largest: int) -> int:
    return min(max(side, 1), largest)
