"""Drawings from a DiceBear style: a JSON file of named parts with variants, put together and turned into pixels.

The format: a canvas of elements in the order they are painted, each an SVG element or the place of a component; a
component has variants, each again elements; an attribute is a text or the name of a palette.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.images.pixels import Pixels

EXTRA = "drawings"

PURPOSE = "A set of drawn faces"


class Design:
    """A style, read as data from the package `dicebear-styles`.

    Args:
        name: of the style.
        digest: SHA-256 of the file, in hex, so that the same pictures are drawn everywhere.

    Raises:
        MissingExtra: the package is not installed.
        UserError: it holds another version of the style.
    """

    def __init__(self, name: str, digest: str) -> None:
        require("dicebear_styles", EXTRA, PURPOSE)
        data = files("dicebear_styles").joinpath(f"{name}.json").read_bytes()
        if sha256(data).hexdigest() != digest:
            raise UserError(
                f"the package dicebear-styles holds another version of {name} than the one that is drawn here; "
                f"type: pip install 'simulacra[{EXTRA}]'"
            )
        self._style: dict[str, Any] = json.loads(data)

    def variants(self, component: str) -> tuple[str, ...]:
        """The variants of a component."""
        return tuple(self._style["components"][component]["variants"])

    def palette(self, name: str) -> tuple[str, ...]:
        """The colours of a palette, as `#rrggbb`."""
        return tuple(self._style["colors"][name]["values"])

    def compose(self, variants: Mapping[str, str], colours: Mapping[str, str], above: Mapping[str, str]) -> str:
        """The SVG elements of one drawing.

        Args:
            variants: which variant of each component; one that is left out is not drawn.
            colours: which colour of each palette.
            above: SVG elements of our own, painted above the component of this name.
        """
        painted = ""
        for element in self._style["canvas"]["elements"]:
            painted += self._paint(element, variants, colours) + above.get(element["name"], "")
        return painted

    def _paint(self, element: Mapping[str, Any], variants: Mapping[str, str], colours: Mapping[str, str]) -> str:
        name, children = element["name"], element.get("children", ())
        if element["type"] == "component":
            if name not in variants:
                return ""
            name, children = "g", self._style["components"][name]["variants"][variants[name]]["elements"]
        attributes = "".join(
            f" {key}={quoteattr(colours[value['name']] if isinstance(value, Mapping) else str(value))}"
            for key, value in element.get("attributes", {}).items()
        )
        inner = "".join(self._paint(child, variants, colours) for child in children)
        return f"<{name}{attributes}>{inner}</{name}>"


def rasterised(svg: str, resolution: int) -> Pixels:
    """A square SVG document as pixels (resolution, resolution, 3), antialiased by resvg."""
    data = require("resvg_py", EXTRA, PURPOSE).svg_to_bytes(
        svg_string=svg, width=resolution, height=resolution, skip_system_fonts=True
    )
    with Image.open(BytesIO(bytes(data))) as image:
        return np.asarray(image.convert("RGB"))
