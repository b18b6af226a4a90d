"""Qwen-Image-Edit. Its million pixels take long even in tiny networks, so most tests run at a 64th of that area."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import QwenImageEditPipeline, QwenImageEditPlusPipeline, QwenImageTransformer2DModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus
from PIL import Image
from torch import Tensor
from transformers import Qwen2VLImageProcessorPil, Qwen2VLProcessor
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

from simulacra.copiers import make
from simulacra.copiers.conformance import CHECKS
from simulacra.copiers.diffusers.qwen import Reader
from simulacra.copiers.hosted.canvas import SIZES, Listed, settled
from simulacra.errors import MissingExtra, UserError
from simulacra.images.pixels import to_picture

from .conftest import qwen_tokenizer

Folders = Callable[[str], Path]
MODULES = (pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus)
SHRUNK = 64


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides of the bargain at a 64th of the area: what the pipelines scale to, and what is known to be left."""
    monkeypatch.setitem(SIZES, "qwen-image-edit", settled(1024**2 // SHRUNK, grid=32, ratio=4))
    for module in MODULES:

        def shrunk(area: int, ratio: float, real: Any = module.calculate_dimensions) -> Any:
            return real(area // SHRUNK, ratio)

        monkeypatch.setattr(module, "calculate_dimensions", shrunk)


@pytest.fixture(params=["qwen", "qwen-plus"])
def specification(request: pytest.FixtureRequest, folder: Folders) -> str:
    return f"qwen-image-edit:folder={folder(request.param)},steps=1"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conforms(check: Callable[[str], None], specification: str) -> None:
    check(specification)


@pytest.mark.parametrize("module", MODULES)
def test_the_canvases_are_all_that_the_pipelines_leave_alone(module: Any) -> None:
    offered = SIZES["qwen-image-edit"]
    assert isinstance(offered, Listed)
    grid = range(32, 4097, 32)
    kept = {
        (width, height)
        for width in grid
        for height in grid
        if max(width, height) <= 4 * min(width, height)
        and tuple(module.calculate_dimensions(1024 * 1024, width / height)[:2]) == (width, height)
    }
    assert set(offered.sizes) == kept
    assert (1024, 1024) in kept


class Stop(Exception):
    pass


NEWER_READS_SMALL = [((1184, 864), (448, 320))]  # what the language model sees; nothing of it is painted


@pytest.mark.parametrize(("name", "read"), [("qwen", []), ("qwen-plus", NEWER_READS_SMALL)])
def test_at_the_real_size_the_pipeline_resizes_nothing_that_is_painted(
    name: str, read: list[Any], folder: Folders, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    resized = []
    real = VaeImageProcessor.resize

    def resize(self: Any, image: Any, height: int, width: int, *rest: Any, **options: Any) -> Any:
        resized.append((image.size if isinstance(image, Image.Image) else image.shape[:-3:-1], (width, height)))
        return real(self, image, height, width, *rest, **options)

    def encode_prompt(self: Any, **_: Any) -> None:
        raise Stop  # after the resizing, and before the slow part

    monkeypatch.setattr(VaeImageProcessor, "resize", resize)
    for kind in (QwenImageEditPipeline, QwenImageEditPlusPipeline):
        monkeypatch.setattr(kind, "encode_prompt", encode_prompt)
    with pytest.raises(Stop):
        make(f"qwen-image-edit:folder={folder(name)}").copy(crop, [1], 1)
    assert [(before, after) for before, after in resized if before != after] == read
    assert ((1184, 864), (1184, 864)) in resized


@pytest.mark.usefixtures("small")
def test_a_copy_is_what_the_pipeline_gives(folder: Folders) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (128, 128, 3), dtype=np.uint8)  # a canvas: nothing to resize
    pipeline = QwenImageEditPipeline.from_pretrained(folder("qwen"), local_files_only=True, processor=None)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.processor = _processor(Qwen2VLImageProcessorPil.from_pretrained(folder("qwen") / "processor"))
    pipeline.text_encoder.register_forward_pre_hook(_as_the_processor_would, with_kwargs=True)
    expected = pipeline(
        prompt="a cat",
        negative_prompt=" ",
        image=Image.fromarray(pixels),
        true_cfg_scale=3.0,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(9),
        output_type="pt",
    ).images
    copier = make(f"qwen-image-edit:folder={folder('qwen')},steps=2,true-guidance=3,prompt=a cat")
    assert torch.equal(copier.copy(to_picture(pixels), [9], 1)[0], expected)


@pytest.mark.usefixtures("small")
def test_guidance_is_on_without_a_negative_prompt_and_off_when_told(
    folder: Folders, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = QwenImageTransformer2DModel.forward
    monkeypatch.setattr(
        QwenImageTransformer2DModel, "forward", lambda self, *a, **o: calls.append(1) or real(self, *a, **o)
    )
    given = f"qwen-image-edit:folder={folder('qwen')},steps=3"
    guided, receipts = make(given).copy(crop, [1], 1)
    assert len(calls) == 6  # with and without the prompt
    assert (receipts[0].effective["true_cfg_scale"], receipts[0].effective["negative_prompt"]) == (4.0, " ")
    bare, receipts = make(f"{given},true-guidance=1").copy(crop, [1], 1)
    assert len(calls) == 6 + 3
    assert "negative_prompt" not in receipts[0].effective
    told, receipts = make(f"{given},negative-prompt=blur").copy(crop, [1], 1)
    assert receipts[0].effective["negative_prompt"] == "blur"
    assert not torch.equal(guided, bare) and not torch.equal(guided, told)


@pytest.mark.usefixtures("small")
def test_the_seed_decides(specification: str, crop: Tensor) -> None:
    copier = make(specification)
    first, again, other = (copier.copy(crop, [seed], 1)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_its_control_does_its_resizing_bit_for_bit(
    specification: str, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchanged(self: Any, image: Image.Image, **_: Any) -> Any:
        return SimpleNamespace(images=torch.from_numpy(np.asarray(image) / np.float32(255)).permute(2, 0, 1)[None])

    for kind in (QwenImageEditPipeline, QwenImageEditPlusPipeline):
        monkeypatch.setattr(kind, "__call__", unchanged)
    copier = make(f"{specification},filter=bicubic")
    control = copier.resize_path()
    assert control == "hosted-resize:sizes=qwen-image-edit,filter=bicubic"
    monkeypatch.setattr(type(copier), "_seen_at", lambda self: {})
    assert torch.equal(copier.copy(crop, [1], 1)[0], make(control).copy(crop, [1], 1)[0])


@pytest.mark.usefixtures("small")
def test_receipts_declare_every_size(folder: Folders, crop: Tensor) -> None:
    _, receipts = make(f"qwen-image-edit:folder={folder('qwen-plus')},steps=1").copy(crop, [17], 1)
    told = receipts[0].effective
    assert told["class"] == "QwenImageEditPlusPipeline"
    assert told["resize"] == {"filter": "lanczos", "canvas": [160, 96], "inside": [130, 96], "offset": [15, 0]}
    assert (told["width"], told["height"]) == (160, 96)
    assert told["read_at"] == [84, 56]  # 64x32 px, on the patches of the language model
    assert told["seed"] == 17 and "image" not in told


def test_the_reader_reads_as_transformers_own_does() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (90, 200, 3), dtype=np.uint8)
    wide, high = Image.fromarray(noise), Image.fromarray(noise.transpose(1, 0, 2).copy())
    pictures = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=112 * 112)
    text = ["a <|image_pad|> and <|image_pad|>, ä"]
    reader = Reader(pictures, qwen_tokenizer())
    read = reader(text, [wide, high], padding=True, return_tensors="pt")
    own = _processor(pictures)(text=text, images=[wide, high], padding=True, return_tensors="pt")
    assert set(read) == set(own) - {"mm_token_type_ids"}
    assert all(torch.equal(read[key], own[key]) for key in read)
    assert reader.read_at == [56, 140]


@pytest.mark.usefixtures("small")
def test_the_language_model_knows_where_in_the_picture_a_patch_lies(
    specification: str, crop: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []
    real = Qwen2_5_VLModel.compute_3d_position_ids

    def compute(self: Any, **given: Any) -> Any:
        places.append(real(self, **given))
        return places[-1]

    monkeypatch.setattr(Qwen2_5_VLModel, "compute_3d_position_ids", compute)
    make(specification).copy(crop, [1], 1)
    time, down, across = places[0][:, 0]
    assert not torch.equal(time, across) and not torch.equal(down, across)


def test_what_cannot_be_is_told(folder: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"negative-prompt does nothing while true-guidance is 1; raise it above 1"):
        make("qwen-image-edit:negative-prompt=blur,true-guidance=1")
    with pytest.raises(UserError, match=r"holds a FluxKontextPipeline; copier qwen-image-edit runs QwenImageEdit"):
        make(f"qwen-image-edit:folder={folder('kontext')}").check()
    monkeypatch.setattr("simulacra.copiers.diffusers.qwen.PICTURES", "NoSuchProcessor")
    with pytest.raises(MissingExtra, match=r"needs a newer transformers; type: pip install --upgrade"):
        make(f"qwen-image-edit:folder={folder('qwen')}").check()


def test_a_folder_without_its_processor_is_told(folder: Folders, tmp_path: Path) -> None:
    copied = shutil.copytree(folder("qwen"), tmp_path / "copied")
    shutil.rmtree(copied / "processor")
    with pytest.raises(UserError, match=r"does not load as a pipeline for qwen-image-edit: ") as caught:
        make(f"qwen-image-edit:folder={copied}").copy(torch.zeros(1, 3, 32, 32), [1], 1)
    assert "\n" not in str(caught.value)


def _processor(pictures: Qwen2VLImageProcessorPil) -> Qwen2VLProcessor:
    """Transformers' own, made around its constructor, which asks for torchvision."""
    processor = Qwen2VLProcessor.__new__(Qwen2VLProcessor)
    tokenizer = qwen_tokenizer()
    parts = {"image_processor": pictures, "tokenizer": tokenizer, "video_processor": None, "chat_template": None}
    marks = {f"{mark}_token": f"<|{mark}_pad|>" for mark in ("image", "video")}
    ids = {f"{name}_id": tokenizer.convert_tokens_to_ids(mark) for name, mark in marks.items()}
    for name, value in (parts | marks | ids).items():
        setattr(processor, name, value)
    return processor


def _as_the_processor_would(encoder: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    kinds = torch.zeros_like(named["input_ids"])
    kinds[named["input_ids"] == qwen_tokenizer().convert_tokens_to_ids("<|image_pad|>")] = 1
    return given, named | {"mm_token_type_ids": kinds}
