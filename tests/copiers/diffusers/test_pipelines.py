import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from simulacra.copiers import Copier, make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import MissingWeights, UserError

Folders = Callable[[str], Path]

SPECIFICATIONS = {
    "img2img": ("text-to-image", "img2img:steps=2,strength=0.5"),
    "instruct-pix2pix": ("pix2pix", "instruct-pix2pix:steps=1"),
    "flux-kontext": ("kontext", "flux-kontext:steps=1"),
}


@pytest.fixture(params=SPECIFICATIONS)
def specification(request: pytest.FixtureRequest, folder: Folders) -> str:
    name, text = SPECIFICATIONS[request.param]
    return f"{text},folder={folder(name)}"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conforms(check: Callable[[str], None], specification: str) -> None:
    check(specification)


def test_a_copy_is_what_the_pipeline_gives(folder: Folders) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    picture = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder("text-to-image"), local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        "a cat",
        image=picture,
        strength=0.6,
        num_inference_steps=5,
        guidance_scale=2.0,
        generator=torch.Generator().manual_seed(9),
        output_type="pt",
    ).images
    copier = make(f"img2img:folder={folder('text-to-image')},prompt=a cat,strength=0.6,steps=5,guidance=2")
    assert torch.equal(copier.copy(picture, [9], 1)[0], expected.clamp(0, 1))


def test_the_seed_decides(specification: str, crop: Tensor) -> None:
    copier = make(specification)
    first, again, other = (copier.copy(crop, [seed], 1)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_strength_decides_the_copy(folder: Folders, crop: Tensor) -> None:
    copies = []
    for strength in (0.1, 0.5, 1):
        copier = make(f"img2img:folder={folder('text-to-image')},steps=10,strength={strength}")
        copied, receipts = copier.copy(crop, [1], 1)
        assert receipts[0].effective["strength"] == strength
        copies.append(copied)
    assert not torch.equal(copies[0], copies[1]) and not torch.equal(copies[1], copies[2])


def test_pictures_are_padded_and_never_resized(
    specification: str, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 131x97 px fit no pipeline: whatever is resized inside goes through this function, to and from equal sizes only.
    from diffusers.image_processor import VaeImageProcessor

    resized = []
    real = VaeImageProcessor.resize

    def resize(self: Any, image: Any, height: int, width: int, *rest: Any, **options: Any) -> Any:
        resized.append((tuple(image.shape[-2:]), (height, width)))
        return real(self, image, height, width, *rest, **options)

    monkeypatch.setattr(VaeImageProcessor, "resize", resize)
    copies, receipts = make(specification).copy(crop, [1], 1)
    assert copies.shape == crop.shape
    assert all(before == after for before, after in resized), resized
    width, height = receipts[0].effective["padded_to"]
    assert (width, height) != (131, 97)
    assert receipts[0].refusal is None


def test_receipts_say_what_was_asked(specification: str, crop: Tensor) -> None:
    _, receipts = make(specification).copy(crop, [17], 1)
    told = receipts[0].effective
    assert told["prompt"] == "create a replica of this image, don't change anything"
    assert told["seed"] == 17
    assert told["class"].endswith("Pipeline")
    assert "image" not in told


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ({"nsfw_content_detected": [True]}, r"^the pipeline's own safety checker blacked the copy out$"),
        ({"images": torch.zeros(1, 3, 16, 16)}, r"^the pipeline made a picture of 16x16 px where 132x98 px was asked"),
        ({"images": torch.full((1, 3, 98, 132), torch.nan)}, r"^the pipeline made values that are not finite"),
    ],
)
def test_what_is_no_copy_is_a_refusal(
    answer: dict[str, Any], refusal: str, folder: Folders, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    made = {"images": torch.zeros(1, 3, 98, 132)} | answer
    monkeypatch.setattr(StableDiffusionImg2ImgPipeline, "__call__", lambda self, **_: SimpleNamespace(**made))
    copies, receipts = make(f"img2img:folder={folder('text-to-image')}").copy(crop, [1], 1)
    assert receipts[0].refusal is not None and re.search(refusal, receipts[0].refusal), receipts[0].refusal
    assert torch.equal(copies, crop)


def test_identity_holds_every_part_and_no_place(folder: Folders, tmp_path: Path) -> None:
    copier = make(f"img2img:folder={folder('text-to-image')}")
    parts = {name.split("/")[0] for name in copier.weights()}
    assert {"model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler"} <= parts
    assert str(folder("text-to-image")) not in str(copier.operator())
    assert set(copier.operator()["libraries"]) == {"diffusers", "transformers"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "img2img:strength=0.01,steps=20",
            r"^copier img2img: strength 0.01 of 20 steps is less than one step; raise one",
        ),
        ("img2img:strength=1.5", r"^strength of copier img2img is 1.5; it must be less than or equal to 1"),
        ("instruct-pix2pix:image-guidance=0.5", r"^image-guidance of copier instruct-pix2pix is 0.5"),
        ("img2img:device=tpu", r"^device of copier img2img is tpu; it must be 'auto', 'cpu', 'cuda' or 'mps'"),
    ],
)
def test_mistakes_are_told_at_once(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make(text)


def test_a_prompt_that_would_split_the_specification_is_refused() -> None:
    kind: type[Copier] = type(make("img2img"))
    with pytest.raises(ValueError, match="negative-prompt holds ',b=', which reads as another parameter"):
        kind.Parameters.model_validate({"negative_prompt": "a=1,b=2"})


def test_folders_of_something_else_are_told(folder: Folders) -> None:
    with pytest.raises(MissingWeights, match=r"type flux-kontext:folder=DIR$"):
        make("flux-kontext").check()
    with pytest.raises(
        UserError, match=r"holds a StableDiffusionPipeline; copier flux-kontext runs FluxKontextPipeline$"
    ):
        make(f"flux-kontext:folder={folder('text-to-image')}").check()
    with pytest.raises(UserError, match=r"is no folder with a model_index.json; give one that diffusers saved$"):
        make(f"img2img:folder={folder('kl')}").check()


def test_a_device_that_is_not_there_is_told(folder: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"^device is cuda, and torch sees none here; type device=cpu"):
        make(f"img2img:folder={folder('text-to-image')},device=cuda").check()
