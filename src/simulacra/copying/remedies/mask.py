"""Mask: the copy only where it is allowed, the original everywhere else."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from simulacra.copying.remedies.contract import Remedy
from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.specification import Parameters

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.images.pixels import Pixels


class MaskParameters(Parameters):
    """Where the copy counts."""

    file: Path | None = Field(
        None, description="a picture, white where the copy is taken, black where the original stays, grey for a mix"
    )
    feather: int = Field(
        0, ge=0, le=512, description="pixels over which the copy fades in, from the mask's edge inwards"
    )


class Mask(Remedy):
    """Untouched areas stay untouched: whatever is black in the mask is the original exactly, at every copy."""

    family = "mask"
    summary = "takes the copy only inside a mask; outside, every frame is the original exactly"
    origin = "users' practice of compositing an edit back over its original"
    Parameters = MaskParameters
    parameters: MaskParameters

    def check(self, width: int, height: int) -> tuple[str, ...]:
        """Refuse a mask that is missing, no picture, of another shape, or without effect; see `Remedy.check`."""
        rows, columns = self._pixels.shape[:2]
        name = printable(self.parameters.file or "")
        if abs(columns * height - rows * width) > max(columns, rows, width, height):  # a pixel, as shrinking rounds
            raise UserError(
                f"mask {name} is {columns}x{rows} px, which is not the shape of a picture of {width}x{height} px; "
                f"give a mask of that size"
            )
        weights = self._weights(width, height)
        if not bool(weights.any()):
            feather = f", feathered by {self.parameters.feather} px" if self.parameters.feather else ""
            raise UserError(
                f"mask {name} leaves nothing to the copy{feather}; paint white where the copy shall be taken"
            )
        if bool((weights == 1).all()):
            raise UserError(f"mask {name} is white everywhere; paint black where the original shall stay")
        if (columns, rows) == (width, height):
            return ()
        return (f"the mask was resized from {columns}x{rows} to {width}x{height} px",)

    def after(self, copy: "Tensor", parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """The copy inside the mask, the original outside; see `Remedy.after`."""
        import torch

        weights = self._weights(copy.shape[-1], copy.shape[-2])
        # Where the mask is black or white the mix must be exact, which a sum of products need not be.
        mixed = torch.where(weights == 1, copy, torch.lerp(origin, copy, weights))
        return torch.where(weights == 0, origin, mixed)

    def operator(self) -> dict[str, Any]:
        """As every remedy's, with the digest of the mask's pixels in place of its path."""
        from simulacra.images.pixels import pixel_digest

        decided = {"feather": self.parameters.feather, "mask": pixel_digest(self._pixels)}
        return super().operator() | {"parameters": decided}

    @cached_property
    def _pixels(self) -> "Pixels":
        from simulacra.images.open import open_picture

        if self.parameters.file is None:
            raise UserError("remedy mask needs its mask; type mask:file=MASK.png")
        return open_picture(self.parameters.file).pixels

    def _weights(self, width: int, height: int) -> "Tensor":
        """The share of the copy, shape (1, 1, H, W), in [0, 1]; a colour counts by the mean of its channels."""
        key = (width, height)
        if key not in self._fitted:
            self._fitted[key] = self._fit(width, height)
        return self._fitted[key]

    @cached_property
    def _fitted(self) -> dict[tuple[int, int], "Tensor"]:
        return {}

    def _fit(self, width: int, height: int) -> "Tensor":
        from simulacra.images.pixels import to_picture
        from simulacra.images.resize import resize

        mask = to_picture(self._pixels)
        if mask.shape[-2:] != (height, width):
            mask = resize(mask, width, height, "bilinear")  # has no negative lobes: black stays black
        return feathered(mask.mean(1, keepdim=True).clamp(0, 1), self.parameters.feather)


def feathered(mask: "Tensor", pixels: int) -> "Tensor":
    """Fade a mask in from its edge inwards; what is 0 stays exactly 0, and what lies deeper than `pixels` is unchanged.

    The share of a tent of that half-width that lies in the mask is a half at a straight edge and 1 at the depth; twice
    the share less one, which is 0 and 1 there, multiplies the mask. The picture's border is no edge.

    Args:
        mask: shape (1, 1, H, W), float32 in [0, 1].
        pixels: depth in pixels, 0 for none.
    """
    if pixels == 0:
        return mask
    import torch
    from torch.nn import functional

    tent = pixels - torch.arange(1 - pixels, pixels, dtype=torch.float64).abs()
    tent /= tent.sum()
    share = mask.gt(0).double()
    for kernel in (tent.view(1, 1, -1, 1), tent.view(1, 1, 1, -1)):
        rows, columns = (side // 2 for side in kernel.shape[-2:])
        share = functional.conv2d(functional.pad(share, (columns, columns, rows, rows), "replicate"), kernel)
    return mask.mul(share.mul(2).sub(1).clamp(0, 1).to(mask.dtype))
