"""Editing pipelines as copiers: a picture and a prompt go in, and a picture of the same size comes back."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from simulacra.copiers.contract import Copier, Determinism, Receipt, SizeRule
from simulacra.copiers.diffusers.folder import EXTRA, Folder, FolderParameters, device_of, libraries, versions
from simulacra.copiers.padding import to_multiple
from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.specification import refuse_separator

if TYPE_CHECKING:
    from torch import Tensor

PROMPT = "create a replica of this image, don't change anything"

INDEX = "model_index.json"


class PipelineParameters(FolderParameters):
    """Which pipeline, and what it is told."""

    prompt: str = Field(PROMPT, description="what the model is told")
    negative_prompt: str = Field("", description="what the model is told to avoid, where its guidance uses that")
    steps: int = Field(30, ge=1, le=1000, description="steps of the sampler")
    precision: Literal["single", "half", "bfloat16"] = Field(
        "single", description="of weights and arithmetic; half and bfloat16 are for graphics cards"
    )

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _told(cls, text: str, info: Any) -> str:
        return refuse_separator(info.field_name.replace("_", "-"), text)


@dataclass(frozen=True)
class Placed:
    """A picture as a pipeline takes it."""

    picture: "Tensor" = field(repr=False)  # (1, 3, H, W)
    back: Callable[["Tensor"], "Tensor"]  # from an answer of that size to one of the original's
    told: Mapping[str, Any]  # what was done, for the receipt


class Pipeline(Copier):
    """What the pipelines share: one call a picture, each with a generator of its own, and no resizing unsaid."""

    licence = "that of the model you name"
    determinism = Determinism.SAME_MACHINE
    seeded = True
    extra = EXTRA
    size_rule = SizeRule(smallest=16, largest=4096, multiple=16)
    classes: ClassVar[tuple[str, ...]] = ()
    """Pipelines of diffusers that a folder may name; empty for all that the loader takes."""
    loader: ClassVar[str]
    """The class of diffusers that loads the folder."""
    parameters: PipelineParameters

    def check(self) -> None:
        """Refuse when diffusers or the folder is missing, or it holds another pipeline; see `Copier.check`."""
        named = self._named
        libraries("A diffusers pipeline")
        require("transformers", EXTRA, "A diffusers pipeline")
        if self.classes and named not in self.classes:
            raise UserError(f"{self._folder.path} holds a {named}; copier {self.family} runs {', '.join(self.classes)}")
        device_of(self.parameters.device)

    def weights(self) -> dict[str, str]:
        """Digests of every configuration, vocabulary and weight file of the folder; see `Copier.weights`."""
        return self._digests

    def operator(self) -> dict[str, Any]:
        """As every copier's, without the place of the folder, and with the versions of the libraries."""
        decided = self.parameters.model_dump(mode="json", exclude={"folder", "hub"})
        return super().operator() | {"parameters": decided, "libraries": versions("diffusers", "transformers")}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Ask the pipeline for a copy of each picture; see `Copier.copy`."""
        import torch

        made = [self._copy_one(picture[None], seed) for picture, seed in zip(pictures, seeds, strict=True)]
        return torch.cat([copied for copied, _ in made]), [receipt for _, receipt in made]

    def _copy_one(self, picture: "Tensor", seed: int) -> "tuple[Tensor, Receipt]":
        """A copy of one picture, (1, 3, H, W); the picture itself where the receipt says that there is none."""
        import torch

        began = perf_counter()
        pipeline = self._pipeline
        placed = self._place(picture.detach())
        asked = {"prompt": self.parameters.prompt, "num_inference_steps": self.parameters.steps}
        if self.parameters.negative_prompt:
            asked["negative_prompt"] = self.parameters.negative_prompt
        asked |= self._arguments(placed.picture)
        with torch.no_grad():
            answer = pipeline(**asked, generator=torch.Generator().manual_seed(seed), output_type="pt")
        effective = {
            "class": type(pipeline).__name__,
            **{key: value for key, value in asked.items() if key != "image"},
            "seed": seed,
            **placed.told,
            "device": str(pipeline.device),
            **self._seen_at(),
        }
        copied = answer.images.to(picture)
        refusal = None
        if any(getattr(answer, "nsfw_content_detected", None) or ()):
            refusal = "the pipeline's own safety checker blacked the copy out"
        elif copied.shape != placed.picture.shape:
            made, wanted = (f"{tensor.shape[-1]}x{tensor.shape[-2]}" for tensor in (copied, placed.picture))
            refusal = f"the pipeline made a picture of {made} px where {wanted} px was asked for"
        elif not bool(copied.isfinite().all()):
            refusal = "the pipeline made values that are not finite; another precision may help"
        if refusal is not None:
            return picture, Receipt(perf_counter() - began, effective, refusal=refusal)
        returned = placed.back(copied).clamp(0, 1)
        return returned, Receipt(perf_counter() - began, effective)

    def _place(self, picture: "Tensor") -> Placed:
        """The picture as the pipeline takes it: padded here, by reflection, or it would be resized without a word."""
        height, width = picture.shape[-2:]
        padded = to_multiple(picture, self._multiple)
        told = {"padded_to": [padded.shape[-1], padded.shape[-2]]}
        return Placed(padded, lambda copied: copied[..., :height, :width], told)

    @abstractmethod
    def _arguments(self, placed: "Tensor") -> dict[str, Any]:
        """What this pipeline takes beside prompt, steps and generator, the picture under "image" among it."""

    def _seen_at(self) -> dict[str, Any]:
        """For the receipt: at which size a part of the model has looked at the picture, where that is another one."""
        return {}

    @cached_property
    def _multiple(self) -> int:
        """Sides of pictures must be multiples of this many pixels; the pipeline's own processor knows."""
        return int(self._pipeline.image_processor.config.vae_scale_factor)

    @cached_property
    def _folder(self) -> Folder:
        return Folder.of(self.family, self.parameters, INDEX)

    @cached_property
    def _named(self) -> str:
        return str(self._folder.config(INDEX).get("_class_name"))

    @cached_property
    def _digests(self) -> dict[str, str]:
        return self._folder.digests()

    @cached_property
    def _pipeline(self) -> Any:
        import torch

        self.check()
        dtype = {"single": torch.float32, "half": torch.float16, "bfloat16": torch.bfloat16}
        chosen = dtype[self.parameters.precision]
        pipeline = self._load(chosen)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(device_of(self.parameters.device))

    def _load(self, dtype: Any, **parts: Any) -> Any:
        """The pipeline off the folder, but for `parts`, which it is given."""
        return self._folder.load(self.loader, f"a pipeline for {self.family}", dtype=dtype, **parts)


class Img2ImgParameters(PipelineParameters):
    """How much of the picture is thrown away before the model paints it again."""

    strength: float = Field(
        0.3, gt=0, le=1, description="noise that is added, 0 to 1; the share of the steps that is really made"
    )
    guidance: float = Field(7.5, ge=0, le=100, description="how far the prompt is pressed; 1 and below is not at all")

    @model_validator(mode="after")
    def _at_least_one_step(self) -> "Img2ImgParameters":
        if int(self.steps * self.strength) < 1:
            raise ValueError(
                f"strength {self.strength:g} of {self.steps} steps is less than one step; raise one of them"
            )
        return self


class Img2Img(Pipeline):
    """Noise is added and taken away again. Doing nothing drifts: squared drift grows with the square of the noise."""

    family = "img2img"
    summary = "adds noise and denoises with a text-to-image pipeline in a diffusers folder of yours"
    origin = "Meng et al. 2022, SDEdit; pipelines of diffusers (Stable Diffusion 1 to 3, SDXL, Flux and others)"
    loader = "AutoPipelineForImage2Image"
    Parameters = Img2ImgParameters
    parameters: Img2ImgParameters

    def fidelity(self) -> Mapping[str, Any]:
        """Little noise, so that little is painted anew; see `Copier.fidelity`."""
        return {"strength": 0.1}

    def _arguments(self, placed: "Tensor") -> dict[str, Any]:
        return {"image": placed, "strength": self.parameters.strength, "guidance_scale": self.parameters.guidance}


class InstructPix2PixParameters(PipelineParameters):
    """How far the prompt and the picture are pressed."""

    guidance: float = Field(7.5, ge=0, le=100, description="how far the prompt is pressed; above 1")
    image_guidance: float = Field(1.5, ge=1, le=100, description="how far the picture is pressed, 1 or more")


class InstructPix2Pix(Pipeline):
    """An editor that starts from noise and looks at the picture; told to change nothing, it still edits."""

    family = "instruct-pix2pix"
    summary = "edits by instruction with an InstructPix2Pix folder of yours"
    origin = "Brooks et al. 2023, InstructPix2Pix; pipelines of diffusers"
    classes = ("StableDiffusionInstructPix2PixPipeline", "StableDiffusionXLInstructPix2PixPipeline")
    loader = "DiffusionPipeline"
    Parameters = InstructPix2PixParameters
    parameters: InstructPix2PixParameters

    def fidelity(self) -> Mapping[str, Any]:
        """The picture is pressed further; see `Copier.fidelity`."""
        return {"image_guidance": 2.5}

    def _arguments(self, placed: "Tensor") -> dict[str, Any]:
        chosen = self.parameters
        return {"image": placed, "guidance_scale": chosen.guidance, "image_guidance_scale": chosen.image_guidance}


class FluxKontextParameters(PipelineParameters):
    """How far the prompt is pressed."""

    steps: int = Field(28, ge=1, le=1000, description="steps of the sampler")
    guidance: float = Field(3.5, ge=0, le=100, description="guidance the model was distilled with")
    true_guidance: float = Field(
        1.0, ge=0, le=100, description="guidance against negative-prompt; above 1 costs double"
    )


class FluxKontext(Pipeline):
    """An editor for which a picture is context. Its snapping to favourite sizes is switched off."""

    family = "flux-kontext"
    summary = "edits by instruction with a FLUX.1 Kontext folder of yours"
    origin = "Black Forest Labs 2025, FLUX.1 Kontext; pipeline of diffusers"
    classes = ("FluxKontextPipeline",)
    loader = "DiffusionPipeline"
    Parameters = FluxKontextParameters
    parameters: FluxKontextParameters

    def _arguments(self, placed: "Tensor") -> dict[str, Any]:
        height, width = placed.shape[-2:]
        return {
            "image": placed,
            "height": height,
            "width": width,
            "max_area": height * width,  # any other would rescale height and width
            "_auto_resize": False,
            "guidance_scale": self.parameters.guidance,
            "true_cfg_scale": self.parameters.true_guidance,
        }

    @cached_property
    def _multiple(self) -> int:
        return 2 * int(self._pipeline.vae_scale_factor)  # latents go in patches of 2x2
