"""Qwen-Image-Edit as a copier: a language model reads picture and prompt, a diffusion model paints beside the picture.

Its pipelines scale every picture to about a million pixels with sides that are multiples of 32, by two factors that
differ a little, and cannot be told not to. So the picture is placed here on a canvas that they leave alone, and the way
there and back is declared: `hosted-resize:sizes=qwen-image-edit` repeats it without the model.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from simulacra.copiers.contract import SizeRule
from simulacra.copiers.controls import Filter
from simulacra.copiers.diffusers.folder import EXTRA
from simulacra.copiers.diffusers.pipelines import Pipeline, PipelineParameters, Placed
from simulacra.copiers.hosted.canvas import SIZES, Fit, Placement
from simulacra.copiers.hosted.resizing import HostedResize, HostedResizeParameters
from simulacra.errors import MissingExtra
from simulacra.extras import require

if TYPE_CHECKING:
    from torch import Tensor

CANVASES = "qwen-image-edit"
"""The sizes that the pipelines leave alone, by their name in `SIZES`."""

FIT: Fit = "pad"
"""A picture of another shape gets borders: a stretched one would be drawn as one of another shape."""

NOTHING = " "
"""The negative prompt that avoids nothing, as the model's makers write it: without any, guidance is off unsaid."""

PICTURES = "Qwen2VLImageProcessorPil"
"""The class of transformers that cuts a picture into patches; its sister, which is the default, needs torchvision."""

_PLACE = re.compile(r"<\|image_pad\|>")
"""Where the pipeline's own text wants a picture."""


class QwenImageEditParameters(PipelineParameters):
    """How far the prompt is pressed."""

    steps: int = Field(40, ge=1, le=1000, description="steps of the sampler")
    true_guidance: float = Field(
        4.0, ge=0, le=100, description="guidance against negative-prompt; above 1 costs double, up to 1 is off"
    )
    filter: Filter = Field("lanczos", description="filter of the resizing there and back; antialiased but for nearest")

    @model_validator(mode="after")
    def _avoided_by_guidance(self) -> "QwenImageEditParameters":
        if self.negative_prompt and self.true_guidance <= 1:
            raise ValueError(
                f"negative-prompt does nothing while true-guidance is {self.true_guidance:g}; raise it above 1"
            )
        return self


class QwenImageEdit(Pipeline):
    """An editor of about a million pixels, whatever it is given; with guidance always on or off as it is told."""

    family = "qwen-image-edit"
    summary = "edits by instruction with a Qwen-Image-Edit folder of yours"
    origin = "Wu et al. 2025, Qwen-Image; pipelines of diffusers"
    size_rule = SizeRule()  # any: it is placed on a canvas
    classes = ("QwenImageEditPipeline", "QwenImageEditPlusPipeline")
    loader = "DiffusionPipeline"
    Parameters = QwenImageEditParameters
    parameters: QwenImageEditParameters

    def check(self) -> None:
        """As every pipeline's, and refuse a transformers that cannot read pictures here; see `Copier.check`."""
        super().check()
        if not hasattr(require("transformers", EXTRA, "A diffusers pipeline"), PICTURES):
            raise MissingExtra(
                f"copier {self.family} needs a newer transformers; type: pip install --upgrade 'simulacra[{EXTRA}]'"
            )

    def resize_path(self) -> str:
        """The same way to the model's size and back."""
        chosen = HostedResizeParameters(sizes=CANVASES, fit=FIT, filter=self.parameters.filter)
        return HostedResize(chosen).specification

    def _place(self, picture: "Tensor") -> Placed:
        height, width = picture.shape[-2:]
        placement = Placement.on(SIZES[CANVASES], (width, height), FIT, self.parameters.filter)
        return Placed(placement.out(picture.cpu()), placement.back, {"resize": placement.record()})

    def _arguments(self, placed: "Tensor") -> dict[str, Any]:
        from PIL import Image

        from simulacra.images.pixels import to_pixels

        height, width = placed.shape[-2:]
        asked = {
            "image": Image.fromarray(
                to_pixels(placed)
            ),  # the pipeline asks for the size as only Pillow's pictures say it
            "height": height,
            "width": width,
            "true_cfg_scale": self.parameters.true_guidance,
        }
        if self.parameters.true_guidance > 1:
            asked["negative_prompt"] = self.parameters.negative_prompt or NOTHING
        return asked

    def _seen_at(self) -> dict[str, Any]:
        """The size at which the language model has read the picture."""
        return {"read_at": self._pipeline.processor.read_at}

    def _load(self, dtype: Any, **parts: Any) -> Any:
        import transformers

        pipeline = super()._load(dtype, processor=None, **parts)
        folder = self._folder
        with folder.loading(f"a pipeline for {self.family}"):
            pictures = getattr(transformers, PICTURES).from_pretrained(folder.path / "processor", local_files_only=True)
        pipeline.processor = Reader(pictures, pipeline.tokenizer)
        pipeline.text_encoder.register_forward_pre_hook(_with_kinds, with_kwargs=True)
        return pipeline


class Reader:
    """Pictures and text as the language model takes them: what the pipeline calls its processor.

    The class of transformers with that name also reads films, and cannot be made without torchvision.
    """

    def __init__(self, pictures: Any, tokenizer: Any) -> None:
        """Join the two halves.

        Args:
            pictures: transformers' image processor of Qwen2-VL.
            tokenizer: of the language model.
        """
        self._pictures = pictures
        self._tokenizer = tokenizer
        self.read_at: list[int] = []
        """Width and height in pixels at which the newest picture was read."""

    def __call__(self, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        """Tokens of the text, with one place for each patch of a picture, and the patches.

        Args:
            text: with one `<|image_pad|>` for each picture.
            images: one picture or a list of them.
            padding: whether shorter texts are filled up to the longest.
            return_tensors: "pt".
        """
        from transformers import BatchFeature

        seen = self._pictures(images=images, return_tensors=return_tensors)
        grids = seen["image_grid_thw"]  # (pictures, 3): frames, rows and columns of patches
        self.read_at = [int(side) * self._pictures.patch_size for side in grids[-1].flip(0)[:2]]
        patches = iter((grids.prod(-1) // self._pictures.merge_size**2).tolist())
        places = [_PLACE.sub(lambda place: place[0] * next(patches), line) for line in text]
        return BatchFeature({**self._tokenizer(places, padding=padding, return_tensors=return_tensors), **seen})


def _with_kinds(
    encoder: Any, given: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tell the language model which tokens are a picture's; the pipeline does not.

    Unless it is told, transformers 5 counts them through like words, and their places across and down are lost.
    """
    kinds = (named["input_ids"] == encoder.config.image_token_id).int()
    return given, {**named, "mm_token_type_ids": kinds}
