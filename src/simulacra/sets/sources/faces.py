"""Faces drawn from Toon Head, a design by Johan Melin, with every factor known: as many as wanted, no two draws alike.

Each factor of a face is drawn on its own from (seed, index, factor), so factors are independent, face 17 is the same in
any set, and a longer set begins with the shorter one. Glasses and backgrounds are additions of this project, and the
view is closer than the designer's.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.images.open import OpenedPicture
from simulacra.seeds import derive_seed
from simulacra.sets.drawing import EXTRA, PURPOSE, Design, rasterised
from simulacra.sets.layout import Attribute
from simulacra.sets.sources.contract import Source, opaque

STYLE = "toon-head"
STYLE_SHA256 = "dadff40eef129a1390d4c5be94c750a0474f783fbbf812e36a4a5188d95da146"

VIEW = (128, 144, 512, 512)
"""Left, top, width and height of what is shown of the canvas of 768x768: the face fills the picture, as in FFHQ."""

NONE = "none"


@dataclass(frozen=True)
class Factor:
    """One thing that varies: its values by name, what each stands for in the design, and how often it comes."""

    name: str
    values: Mapping[str, str]
    weights: Mapping[str, int]  # 1 where nothing is said

    def draw(self, seed: int, index: int) -> int:
        """The value of one face, as an index into `values`."""
        bounds = list(accumulate(self.weights.get(value, 1) for value in self.values))
        return bisect_right(bounds, derive_seed(seed, f"face-{self.name}", index) % bounds[-1])


def _factor(name: str, values: str | Mapping[str, str], **weights: int) -> Factor:
    """Values that are named as the design names them may be given in one text."""
    return Factor(name, {value: value for value in values.split()} if isinstance(values, str) else values, weights)


PARTS = {
    "hair": _factor("hair", {"bun": "bun", "side-combed": "sideComed", "spiky": "spiky", "undercut": "undercut"}),
    "rearHair": _factor(
        "back-hair",
        {
            NONE: "",
            "neck-high": "neckHigh",
            "shoulder-high": "shoulderHigh",
            "long-straight": "longStraight",
            "long-wavy": "longWavy",
        },
        none=2,
    ),
    "eyebrows": _factor("brows", "angry happy neutral raised sad"),
    "eyes": _factor("eyes", "bow happy humble wide wink"),
    "mouth": _factor("mouth", "agape angry laugh sad smile"),
    "beard": _factor(
        "beard",
        {
            NONE: "",
            "chin": "chin",
            "chin-and-moustache": "chinMoustache",
            "full": "fullBeard",
            "long": "longBeard",
            "moustache": "moustacheTwirl",
        },
        none=8,
    ),
    "clothes": _factor(
        "clothes",
        {
            "dress": "dress",
            "jacket": "openJacket",
            "shirt": "shirt",
            "t-shirt": "tShirt",
            "turtleneck": "turtleNeck",
        },
    ),
}
"""Factors by the component they choose a variant of."""

PALETTES = {
    # The design's fifth skin, #c68e7a, differs from tan by 16 levels at most: nobody could check such a label.
    "skin": _factor("skin", {"deep": "#5c3829", "brown": "#a36b4f", "tan": "#b98e6a", "light": "#f1c3a5"}),
    "hair": _factor(
        "hair-colour",
        {"black": "#2c1b18", "brown": "#724133", "red": "#a55728", "dark-blond": "#b58143", "blond": "#d6b370"},
    ),
    "clothes": _factor(
        "clothes-colour",
        {
            "black": "#151613",
            "grey": "#545454",
            "white": "#e8e9e6",
            "red": "#b11f1f",
            "orange": "#f97316",
            "yellow": "#eab308",
            "green": "#147f3c",
            "blue": "#0b3286",
            "purple": "#731ac3",
            "pink": "#ec4899",
        },
    ),
}
"""Factors by the palette they choose a colour of."""

_RIMS = '<g fill="#ffffff" fill-opacity=".15" stroke="#1b1b1b" stroke-width="13">{}</g>'

GLASSES = _factor(
    "glasses",
    {
        NONE: "",
        "round": _RIMS.format(
            '<circle cx="298" cy="404" r="64"/><circle cx="470" cy="404" r="64"/>'
            '<path fill="none" d="M362 398q22-16 44 0M234 396l-38-12M534 396l38-12"/>'
        ),
        "square": _RIMS.format(
            '<rect x="232" y="352" width="128" height="104" rx="22"/>'
            '<rect x="408" y="352" width="128" height="104" rx="22"/>'
            '<path fill="none" d="M360 388q24-14 48 0M232 386l-36-10M536 386l36-10"/>'
        ),
    },
    none=4,
)
"""Ours, painted above the eyes; lenses are clear glass, so the eyes stay seen."""

BACKGROUND = _factor(
    "background",
    {"rose": "#f0c4bb", "sand": "#efe0b0", "green": "#cfe3c2", "blue": "#c3daef", "lilac": "#d9ccef"},
)
"""Ours."""

FACTORS = (*PALETTES.values(), *PARTS.values(), GLASSES, BACKGROUND)


class Faces(Source):
    """Drawn faces.

    Args:
        count: how many, 1 or more.
        resolution: pixels a side.
        seed: of the factors.

    Raises:
        MissingExtra: the design or the rasteriser is not installed.
        UserError: the count is below 1.
    """

    def __init__(self, count: int, resolution: int, seed: int = 0) -> None:
        if count < 1:
            raise UserError(f"--count is {count}; it must be 1 or more")
        rasteriser = require("resvg_py", EXTRA, PURPOSE)
        self.resolution, self.seed = resolution, seed
        self.names = [f"face {index}" for index in range(count)]
        self._design  # noqa: B018  # says now, not in a worker, that the extra is missing
        codes = np.array([[factor.draw(seed, index) for factor in FACTORS] for index in range(count)], dtype=np.int64)
        self.attributes = {
            factor.name: Attribute(tuple(factor.values), codes[:, column]) for column, factor in enumerate(FACTORS)
        }
        self.facts = {
            "kind": "faces",
            "name": "Toon Head",
            "licence": "CC BY 4.0",
            "credit": "Remix of ToonHead by Johan Melin (https://www.figma.com/community/file/1589627891082866389), "
            "CC BY 4.0; glasses and backgrounds added, view closer",
            "design": STYLE_SHA256,
            "rasteriser": f"resvg {rasteriser.__resvg_version__}",
            "seed": seed,
        }

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One face, drawn at the resolution of the set."""
        return opaque(rasterised(self.svg(index), self.resolution), alpha)

    def svg(self, index: int) -> str:
        """One face as an SVG document."""
        parts = {component: self._meant(factor, index) for component, factor in PARTS.items()}
        colours = {palette: self._meant(factor, index) for palette, factor in PALETTES.items()}
        drawing = self._design.compose(
            {"head": "head", "body": "body"} | {component: variant for component, variant in parts.items() if variant},
            {"stroke": "#000000"} | colours,
            {"eyes": self._meant(GLASSES, index)},
        )
        left, top, width, height = VIEW
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}" fill="none">'
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{self._meant(BACKGROUND, index)}"/>'
            f"{drawing}</svg>"
        )

    def _meant(self, factor: Factor, index: int) -> str:
        """What the value of a factor stands for in the design."""
        meanings = tuple(factor.values.values())
        return meanings[int(self.attributes[factor.name].codes[index])]

    @cached_property
    def _design(self) -> Design:
        return Design(STYLE, STYLE_SHA256)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_design"}
