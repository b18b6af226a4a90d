"""JPEG 2000, from Pillow, and JPEG XL, from imagecodecs, as copiers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from simulacra.copiers.codecs import Codec
from simulacra.copiers.contract import Determinism, Parameters
from simulacra.errors import UserError
from simulacra.extras import require

if TYPE_CHECKING:
    from simulacra.images.pixels import Pixels


class JPEG2000Parameters(Parameters):
    """How much JPEG 2000 throws away."""

    ratio: float = Field(20, ge=1, le=1000, description="how many times smaller than the bare pixels the file shall be")
    wavelet: Literal["9/7", "5/3"] = Field(
        "9/7", description="9/7, on floats, as cameras use; or 5/3, on whole numbers, which at ratio 1 loses nothing"
    )


class JPEG2000(Codec):
    """A control without blocks: it blurs and rings where JPEG makes squares."""

    family = "jpeg2000"
    summary = "saves as JPEG 2000 and opens again"
    origin = "ITU-T T.800 (JPEG 2000), by OpenJPEG in Pillow"
    determinism = Determinism.SAME_MACHINE  # the 9/7 wavelet and the rate control are floats
    format = "JPEG2000"
    libraries = ("jpg_2000",)
    Parameters = JPEG2000Parameters
    parameters: JPEG2000Parameters

    def fidelity(self) -> Mapping[str, Any]:
        """A file not so small; see `Copier.fidelity`."""
        return {"ratio": 5.0}

    def options(self) -> dict[str, Any]:
        """One quality layer at the ratio, and the wavelet."""
        chosen = self.parameters
        return {"quality_mode": "rates", "quality_layers": [chosen.ratio], "irreversible": chosen.wavelet == "9/7"}


class JPEGXLParameters(Parameters):
    """How much JPEG XL throws away, and how hard it searches."""

    distance: float = Field(
        1.0, ge=0, le=25, description="of Butteraugli: 1 is said to be just invisible, 0 loses nothing, 25 is the worst"
    )
    effort: int = Field(7, ge=1, le=9, description="of the encoder: 1 (fast) to 9 (thorough)")


class JPEGXL(Codec):
    """A control with a visual model inside: it is told how far the copy may look from the original, not its size."""

    family = "jpegxl"
    summary = "saves as JPEG XL and opens again"
    licence = "MIT; the codec, libjxl, comes with imagecodecs, both BSD-3-Clause"
    origin = "ISO/IEC 18181 (JPEG XL), by libjxl in imagecodecs"
    determinism = (
        Determinism.SAME_MACHINE
    )  # transforms, colours and filters are floats, by the vector instructions here
    extra = "jxl"
    format = "JPEG XL"
    libraries = ()  # none of Pillow's
    Parameters = JPEGXLParameters
    parameters: JPEGXLParameters

    def check(self) -> None:
        """Refuse when imagecodecs is missing, or was built without the codec; see `Copier.check`."""
        self._codec()

    def operator(self) -> dict[str, Any]:
        """As every copier's, with the version of libjxl: another one may give other pictures."""
        name, _, version = str(self._codec().jpegxl_version()).partition(" ")
        return super().operator() | {"libraries": {name: version}}

    def through(self, pixels: "Pixels", step: int) -> "tuple[Pixels, dict[str, Any]]":
        """Through libjxl; see `Codec.through`."""
        codec, options = self._codec(), self.options()
        encoded = codec.jpegxl_encode(pixels, **options)
        return codec.jpegxl_decode(encoded, numthreads=options["numthreads"]), options | {"bytes": len(encoded)}

    def fidelity(self) -> Mapping[str, Any]:
        """A shorter distance; see `Copier.fidelity`."""
        return {"distance": 0.3}

    def options(self) -> dict[str, Any]:
        """Distance and effort, on one thread; at distance 0 the lossless mode."""
        chosen = self.parameters
        lossless = chosen.distance == 0
        return {"distance": chosen.distance, "effort": chosen.effort, "lossless": lossless, "numthreads": 1}

    def _codec(self) -> Any:
        codecs = require("imagecodecs", "jxl", "JPEG XL")
        if not codecs.JPEGXL.available:
            raise UserError("this imagecodecs has no JPEG XL codec; type: pip install --upgrade imagecodecs")
        return codecs
