"""Tiny pipelines with random weights, saved as diffusers saves any: the loading code that runs is the real one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    AutoencoderTiny,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    VQModel,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessorPil,
    T5Config,
    T5EncoderModel,
)

CROSS, LETTERS = 8, "abcdefghijklmnopqrstuvwxyz',.0123456789"
SPATIAL = {"down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2}
SMALL: dict[str, Any] = {
    "block_out_channels": [8, 8],
    "norm_num_groups": 4,
    "latent_channels": 4,
    "layers_per_block": 1,
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders by name, each made once."""
    root = tmp_path_factory.mktemp("diffusers")

    def make(name: str) -> Path:
        path = root / name
        if not path.exists():
            with torch.random.fork_rng(devices=[]):
                torch.random.manual_seed(5)
                MAKERS[name]().save_pretrained(path, safe_serialization=True)
        return path

    return make


@pytest.fixture(autouse=True)
def one_weight_dtype() -> Iterator[None]:
    """Loading a pipeline must leave torch's default dtype as it was."""
    before = torch.get_default_dtype()
    yield
    assert torch.get_default_dtype() == before


def kl() -> AutoencoderKL:
    return AutoencoderKL(**SPATIAL, **SMALL)


def tiny() -> AutoencoderTiny:
    blocks = {"num_encoder_blocks": (1, 1, 1), "num_decoder_blocks": (1, 1, 1)}
    channels = {"encoder_block_out_channels": (8, 8, 8), "decoder_block_out_channels": (8, 8, 8)}
    network = AutoencoderTiny(**channels, **blocks)
    torch.nn.init.constant_(network.decoder.layers[-1].bias, 0.5)  # so that copies are mostly neither black nor white
    return network


def vq() -> VQModel:
    return VQModel(**SPATIAL, **SMALL, num_vq_embeddings=64)


def text_to_image() -> StableDiffusionPipeline:
    return StableDiffusionPipeline(unet=_unet(4), **_stable())


def pix2pix() -> StableDiffusionInstructPix2PixPipeline:
    return StableDiffusionInstructPix2PixPipeline(unet=_unet(8), **_stable(), image_encoder=None)


def kontext() -> FluxKontextPipeline:
    vae = AutoencoderKL(
        **SPATIAL, **SMALL | {"latent_channels": 1}, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06
    )
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=CROSS,
        pooled_projection_dim=CROSS,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    second = T5EncoderModel(
        T5Config(vocab_size=len(LETTERS) + 3, d_model=CROSS, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    )
    return FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        text_encoder=_text_encoder(),
        tokenizer=_tokenizer(),
        text_encoder_2=second.eval(),
        tokenizer_2=_letters(),
        transformer=transformer,
    )


class Qwen:
    """A Qwen-Image-Edit folder as it is published: with a `processor`, which cannot be made without torchvision."""

    def __init__(self, kind: type[QwenImageEditPipeline | QwenImageEditPlusPipeline]) -> None:
        self.pictures = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=84 * 84)
        self.tokenizer = qwen_tokenizer()
        vae = AutoencoderKLQwenImage(
            base_dim=4,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        )
        transformer = QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=1,
            joint_attention_dim=16,
            axes_dims_rope=(4, 6, 6),
        )
        scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
        encoder, tokenizer = _language_model(self.tokenizer), self.tokenizer
        self.pipeline = kind(scheduler, vae, encoder, tokenizer, processor=None, transformer=transformer)

    def save_pretrained(self, path: Path, safe_serialization: bool) -> None:
        self.pipeline.save_pretrained(path, safe_serialization=safe_serialization)
        for part in (self.pictures, self.tokenizer):
            part.save_pretrained(path / "processor")
        parts = index(path) | {"processor": ["transformers", "Qwen2VLProcessor"]}
        (path / "model_index.json").write_text(json.dumps(parts))


def qwen_tokenizer() -> Qwen2Tokenizer:
    """A tokenizer of single bytes, and of the words that stand around pictures."""
    tokenizer = Qwen2Tokenizer(
        vocab={word: number for number, word in enumerate([*_bytes(), "<|endoftext|>"])}, merges=[]
    )
    marks = ["im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad"]
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{mark}|>" for mark in marks]})
    return tokenizer


def _bytes() -> list[str]:
    """The letter that stands for each byte: itself where it prints, one from U+0100 on where it does not."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printed]
    return [chr(byte) for byte in printed] + [chr(256 + place) for place in range(len(hidden))]


def _language_model(tokenizer: Qwen2Tokenizer) -> Qwen2_5_VLForConditionalGeneration:
    small: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16}
    config = Qwen2_5_VLConfig(
        text_config={
            **small,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [1, 1, 2]},
        },
        vision_config={**small, "depth": 1, "num_heads": 2, "out_hidden_size": 16, "fullatt_block_indexes": [0]},
        **{f"{mark}_token_id": tokenizer.convert_tokens_to_ids(f"<|{mark}_pad|>") for mark in ("image", "video")},
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def _stable() -> dict[str, Any]:
    return {
        "vae": kl(),
        "text_encoder": _text_encoder(),
        "tokenizer": _tokenizer(),
        "scheduler": DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def _unet(channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(8, 16),
        layers_per_block=1,
        in_channels=channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=CROSS,
        attention_head_dim=4,
        norm_num_groups=4,
    )


def _text_encoder() -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=2 * len(LETTERS) + 2,
        hidden_size=CROSS,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config).eval()


def _tokenizer() -> CLIPTokenizer:
    words = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=77)


def _letters() -> PreTrainedTokenizerFast:
    """A tokenizer of single letters, in place of T5's."""
    vocabulary = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", *LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "kl": kl,
    "tiny": tiny,
    "vq": vq,
    "text-to-image": text_to_image,
    "pix2pix": pix2pix,
    "kontext": kontext,
    "qwen": lambda: Qwen(QwenImageEditPipeline),
    "qwen-plus": lambda: Qwen(QwenImageEditPlusPipeline),
}


def index(folder: Path) -> dict[str, Any]:
    """A pipeline's own table of parts."""
    content: dict[str, Any] = json.loads((folder / "model_index.json").read_text())
    return content
