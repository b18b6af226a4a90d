"""Codecs as copiers: JPEG, WebP and AVIF, and JPEG on a grid that moves from copy to copy."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.images.pixels import Pixels

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
SUBSAMPLING: Subsampling = "4:2:0"  # what cameras and the web use


class Codec(Copier):
    """What the codecs share: to 8 bits, encode, decode. The library does it, so its version is part of the identity."""

    licence = "MIT; the codec comes with Pillow under its own open licence"
    differentiable = False
    control = True
    format: ClassVar[str]
    """Pillow's name of the file format."""
    libraries: ClassVar[tuple[str, ...]]
    """Pillow's names of the libraries behind it, the one it cannot do without first."""

    def check(self) -> None:
        """Refuse when this Pillow was built without the codec; see `Copier.check`."""
        from PIL import features

        if not features.check(self.libraries[0]):
            raise UserError(f"this Pillow has no {self.format} codec; type: pip install --upgrade pillow")

    def operator(self) -> dict[str, Any]:
        """As every copier's, with the versions of the codec's libraries: another one may give other pictures."""
        from PIL import features

        return super().operator() | {"libraries": {name: features.version(name) for name in self.libraries}}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Encode and decode each picture; see `Copier.copy`."""
        import torch

        from simulacra.images.pixels import to_picture, to_pixels

        self.check()
        copies, receipts = [], []
        for picture in pictures:
            began = perf_counter()
            copied, effective = self.through(to_pixels(picture), step)
            copies.append(to_picture(copied))
            receipts.append(Receipt(perf_counter() - began, effective))
        return torch.cat(copies).to(pictures.device), receipts

    def through(self, pixels: "Pixels", step: int) -> "tuple[Pixels, dict[str, Any]]":
        """Pixels (H, W, 3) through the codec, and what was really done."""
        encoded = BytesIO()
        image = _image(pixels)
        options = self.options()
        image.save(encoded, self.format, **options)
        return _pixels(encoded), options | {"bytes": encoded.tell()}

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What Pillow's encoder is given."""


class JPEGParameters(Parameters):
    """How much JPEG throws away."""

    quality: int = Field(75, ge=1, le=100, description="1 (smallest) to 100 (best)")
    subsampling: Subsampling = Field(SUBSAMPLING, description="resolution of the two colour planes")


class JPEG(Codec):
    """A control that settles: on a fixed grid the copies reach an exact fixed point."""

    family = "jpeg"
    summary = "saves as JPEG and opens again, on a fixed grid of 8 px blocks"
    origin = "ITU-T T.81 (JPEG), by libjpeg-turbo in Pillow"
    determinism = Determinism.EXACT  # integer transform, equal with and without vector instructions
    format = "JPEG"
    libraries = ("jpg", "libjpeg_turbo")
    Parameters = JPEGParameters
    parameters: JPEGParameters

    def fidelity(self) -> Mapping[str, Any]:
        """A high quality and full colour; see `Copier.fidelity`."""
        return {"quality": 95, "subsampling": "4:4:4"}

    def options(self) -> dict[str, Any]:
        """Quality and subsampling, sequential, with the standard tables."""
        return {"quality": self.parameters.quality, "subsampling": self.parameters.subsampling}


class WebPParameters(Parameters):
    """How much WebP throws away, and how hard it searches."""

    quality: int = Field(80, ge=0, le=100, description="0 (smallest) to 100 (best of the lossy mode)")
    method: int = Field(4, ge=0, le=6, description="effort of the encoder: 0 (fast) to 6 (thorough)")


class WebP(Codec):
    """A control that may end in a cycle: the encoder predicts each block from its neighbours."""

    family = "webp"
    summary = "saves as lossy WebP and opens again"
    origin = "RFC 9649 (WebP), by libwebp in Pillow"
    determinism = Determinism.EXACT
    format = "WEBP"
    libraries = ("webp",)
    Parameters = WebPParameters
    parameters: WebPParameters

    def fidelity(self) -> Mapping[str, Any]:
        """A high quality; see `Copier.fidelity`."""
        return {"quality": 95}

    def options(self) -> dict[str, Any]:
        """Quality and method of the lossy mode."""
        return {"quality": self.parameters.quality, "method": self.parameters.method, "lossless": False}


class AVIFParameters(Parameters):
    """How much AVIF throws away, and how hard it searches."""

    quality: int = Field(75, ge=0, le=100, description="0 (smallest) to 100 (best)")
    speed: int = Field(6, ge=0, le=10, description="speed of the encoder: 0 (thorough) to 10 (fast)")
    subsampling: Subsampling = Field(SUBSAMPLING, description="resolution of the two colour planes")


class AVIF(Codec):
    """The newest of the codecs. One thread, because the split into tiles may follow the thread count."""

    family = "avif"
    summary = "saves as AVIF and opens again"
    origin = "AV1 Image File Format 1.1, by libavif with the encoder aom and the decoder dav1d in Pillow"
    determinism = Determinism.SAME_MACHINE  # its colour conversion rounds differently with other vector instructions
    format = "AVIF"
    libraries = ("avif", "pil")  # Pillow tells the version of libavif; aom and dav1d go with its own
    Parameters = AVIFParameters
    parameters: AVIFParameters

    def fidelity(self) -> Mapping[str, Any]:
        """A high quality and full colour; see `Copier.fidelity`."""
        return {"quality": 95, "subsampling": "4:4:4"}

    def options(self) -> dict[str, Any]:
        """Quality, speed and subsampling; encoder and thread count pinned."""
        chosen = self.parameters
        return {
            "quality": chosen.quality,
            "speed": chosen.speed,
            "subsampling": chosen.subsampling,
            "codec": "aom",
            "max_threads": 1,
        }


class MovingGrid(JPEG):
    """The control that shows why JPEG settles: the same codec never does once its grid moves.

    Copy k is encoded with its top left corner at (5k mod 16, 3k mod 16) of a 16 px grid, the edge pixels repeated
    outwards, and the picture is cut out again. Sixteen copies visit sixteen places, no two alike in either direction.
    """

    family = "moving-grid"
    summary = "saves as JPEG and opens again, on a grid that moves from copy to copy"
    autonomous = False
    size_rule = SizeRule(largest=16383 - 15)

    def through(self, pixels: "Pixels", step: int) -> "tuple[Pixels, dict[str, Any]]":
        """Through JPEG at this step's place on the grid."""
        import numpy as np

        right, down = 5 * step % GRID, 3 * step % GRID
        moved = np.pad(pixels, ((down, 0), (right, 0), (0, 0)), mode="edge")
        copied, effective = super().through(moved, step)
        return copied[down:, right:], effective | {"offset": [right, down]}


GRID = 16
"""Pixels after which the JPEG grid repeats with halved colour planes."""


def _image(pixels: "Pixels") -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def _pixels(encoded: BytesIO) -> "Pixels":
    import numpy as np
    from PIL import Image

    with Image.open(encoded) as image:
        return np.array(image.convert("RGB"))  # a copy: Pillow's own memory is read-only
