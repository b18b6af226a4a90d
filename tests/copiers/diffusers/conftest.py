"""Tiny pipelines with random weights, saved as diffusers saves any: the loading code that runs is the real one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxTransformer2DModel,
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
}


def index(folder: Path) -> dict[str, Any]:
    """A pipeline's own table of parts."""
    content: dict[str, Any] = json.loads((folder / "model_index.json").read_text())
    return content
