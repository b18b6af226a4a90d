"""JPEG 2000 as a copier: a codec on wavelets, from Pillow."""

from typing import Any, Literal

from pydantic import Field

from simulacra.copiers.codecs import Codec
from simulacra.copiers.contract import Determinism, Parameters


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

    def options(self) -> dict[str, Any]:
        """One quality layer at the ratio, and the wavelet."""
        chosen = self.parameters
        return {"quality_mode": "rates", "quality_layers": [chosen.ratio], "irreversible": chosen.wavelet == "9/7"}
