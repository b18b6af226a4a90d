"""The published weights are nobody's to ship, so tensors of the published names, at random, take their place; torch's
own transformer, which has the same blocks under other names, is the oracle.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from simulacra import weights
from simulacra.errors import UserError
from simulacra.images.pixels import to_picture
from simulacra.measures import perception_dreamsim as dreamsim
from simulacra.measures.perception_own import DreamSim

Tensors = dict[str, Tensor]
Make = Callable[[int, int], tuple[Tensors, Tensors]]

WIDTH, DEPTH = 128, 3
SETTINGS = {"r": 4, "lora_alpha": 0.5}
OLDER = "base_model.model.model.blocks.0.attn.qkv.lora_A.weight"


@pytest.fixture
def tensors(dreamsim_tensors: Make) -> tuple[Tensors, Tensors]:
    return dreamsim_tensors(WIDTH, DEPTH)


@pytest.fixture
def pictures(astronaut: NDArray[np.uint8]) -> Tensor:
    return torch.cat([to_picture(astronaut[row : row + 96, 180:300].copy()) for row in (60, 300)])


def tokens_by_torch(base: Tensors, shown: Tensor) -> Tensor:
    """Class tokens after the last block by torch's own layers, shape (N, WIDTH)."""
    names = {
        "self_attn.in_proj_": "attn.qkv.",
        "self_attn.out_proj.": "attn.proj.",
        "norm1.": "norm1.",
        "norm2.": "norm2.",
        "linear1.": "mlp.fc1.",
        "linear2.": "mlp.fc2.",
    }
    patches = shown.unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    x = patches @ base["patch_embed.proj.weight"].flatten(1).T + base["patch_embed.proj.bias"]
    x = torch.cat((base["cls_token"].expand(len(x), 1, -1), x), 1) + base["pos_embed"]
    for block in range(DEPTH):
        with torch.device("meta"):
            layer = nn.TransformerEncoderLayer(
                WIDTH, WIDTH // 64, 4 * WIDTH, 0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
            )
        state = {
            f"{theirs}{kind}": base[f"blocks.{block}.{ours}{kind}"]
            for theirs, ours in names.items()
            for kind in ("weight", "bias")
        }
        layer.load_state_dict(state, assign=True)
        x = layer.eval()(x)
    return x[:, 0]


def test_it_is_the_correlation_of_class_tokens_by_another_transformer(
    tensors: tuple[Tensors, Tensors], pictures: Tensor
) -> None:
    base, changes = tensors
    whole = dict(base)
    for block in range(DEPTH):
        name = f"blocks.{block}.attn.qkv"
        a, b = (changes[f"base_model.model.extractor_list.0.model.{name}.lora_{which}.weight"] for which in "AB")
        whole[f"{name}.weight"] = base[f"{name}.weight"] + 0.5 / 4 * (b @ a)
    shown = torch.cat([dreamsim.look(picture) for picture in torch.split(pictures, 1)])
    with torch.no_grad():
        expected, unchanged = (
            1 - torch.corrcoef(tokens_by_torch(each, shown).double())[0, 1].item() for each in (whole, base)
        )
        network = dreamsim.from_weights(base, changes, SETTINGS)
        one, other = (dreamsim.embed(picture, network) for picture in torch.split(pictures, 1))
    # Float32 through three blocks by other kernels.
    assert 1 - float(one @ other) == pytest.approx(expected, abs=1e-5)
    assert abs(expected - unchanged) > 1e-3
    assert float(one.mean()) == pytest.approx(0, abs=1e-12)


def test_the_changes_are_what_the_layer_adds_beside_its_own(tensors: tuple[Tensors, Tensors]) -> None:
    base, changes = tensors
    network = dreamsim.from_weights(base, changes, SETTINGS)
    x = torch.randn(WIDTH, generator=torch.Generator().manual_seed(3))
    for block in range(DEPTH):
        name = f"blocks.{block}.attn.qkv"
        a, b = (changes[f"base_model.model.extractor_list.0.model.{name}.lora_{which}.weight"] for which in "AB")
        beside = base[f"{name}.weight"] @ x + 0.5 / 4 * (b @ (a @ x))
        torch.testing.assert_close(network.tensors[f"{name}.weight"] @ x, beside, rtol=1e-5, atol=1e-5)  # float32 sums
        assert torch.equal(network.tensors[f"{name}.bias"], base[f"{name}.bias"])


def test_the_last_norm_has_no_say(tensors: tuple[Tensors, Tensors], pictures: Tensor) -> None:
    base, changes = tensors
    before = dreamsim.embed(pictures[:1], dreamsim.from_weights(base, changes, SETTINGS))
    other = base | {"norm.weight": -base["norm.weight"]}
    assert torch.equal(before, dreamsim.embed(pictures[:1], dreamsim.from_weights(other, changes, SETTINGS)))


@pytest.mark.parametrize("size", [(96, 120), (300, 224), (500, 40), (1, 1)])
def test_pictures_are_shown_as_pillow_resizes_them(astronaut: NDArray[np.uint8], size: tuple[int, int]) -> None:
    # Without black and white, for Pillow also clips between the axes.
    pixels = astronaut[: size[0], 100 : 100 + size[1]] // 2 + 64
    resized = np.asarray(Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC)) / 255
    expected = ((resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1)[None]
    shown = dreamsim.look(to_picture(pixels))
    # Pillow rounds to 8 bits after each axis; the colours are then divided by a spread of 0.224 or more.
    np.testing.assert_allclose(shown.numpy(), expected, atol=1.5 / 255 / 0.224)


def test_one_branch_is_found_under_any_prefix_and_twice_the_same_is_once(tensors: tuple[Tensors, Tensors]) -> None:
    base, changes = tensors
    expected = dreamsim.from_weights(base, changes, SETTINGS).tensors["blocks.0.attn.qkv.weight"]
    plain = {key.split(".model.", 2)[-1].replace(".weight", ".default.weight"): t for key, t in changes.items()}
    first = next(iter(changes))
    for other in (plain, changes | {OLDER: changes[first].clone()}):
        network = dreamsim.from_weights(base, other, SETTINGS)
        assert torch.equal(network.tensors["blocks.0.attn.qkv.weight"], expected)


@pytest.mark.parametrize(
    ("base", "changes", "settings", "fault"),
    [
        ({"blocks.1.norm1.bias": None}, {}, {}, r"dino_vitbase16_pretrain\.pth lacks blocks\.1\.norm1\.bias"),
        ({"cls_token": None}, {}, {}, "lacks cls_token"),
        ({"head.weight": torch.ones(1)}, {}, {}, r"holds head\.weight, which is none of this network's"),
        ({"pos_embed": torch.ones(1, 785, WIDTH)}, {}, {}, "has pos_embed of 1x785x128 numbers, not 1x197x128"),
        ({}, {"x": torch.ones(1)}, {}, "adapter_model holds x, which is none of"),
        ({}, {OLDER: torch.ones(4, WIDTH)}, {}, r"holds more than one blocks\.0\.attn\.qkv\.lora_A, so it is"),
        ({}, {OLDER.replace("0", "3"): torch.ones(4, WIDTH)}, {}, r"adapter_model holds blocks\.3\.attn\.qkv\.lora_A"),
        ({}, {}, {"r": 8}, r"adapter_model has blocks\.0\.attn\.qkv\.lora_A of 4x128 numbers, not 8x128"),
        ({}, {}, {"r": 0}, r"adapter_config\.json gives no r and lora_alpha"),
        ({}, {}, {"lora_alpha": None}, "gives no r and lora_alpha"),
        ({}, {}, {"use_rslora": True}, "sets use_rslora to True, which is not as published"),
        ({}, {}, {"peft_type": "LOHA"}, "sets peft_type to LOHA"),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    tensors: tuple[Tensors, Tensors],
    base: dict[str, Tensor | None],
    changes: dict[str, Tensor | None],
    settings: dict[str, object],
    fault: str,
) -> None:
    spoilt = [
        {key: value for key, value in (whole | spoil).items() if value is not None}
        for whole, spoil in zip(tensors, (base, changes), strict=True)
    ]
    with pytest.raises(UserError, match=fault) as caught:
        dreamsim.from_weights(*spoilt, SETTINGS | settings)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the weights dreamsim are not those of its branch dino_vitb16: ")
    assert "; type: simulacra weights add dreamsim FOLDER" in str(caught.value)


def test_an_adapter_without_a_change_for_a_block_is_refused(tensors: tuple[Tensors, Tensors]) -> None:
    base, changes = tensors
    changes.pop("base_model.model.extractor_list.0.model.blocks.1.attn.qkv.lora_B.weight")
    with pytest.raises(UserError, match=r"adapter_model lacks blocks\.1\.attn\.qkv\.lora_B"):
        dreamsim.from_weights(base, changes, SETTINGS)


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_the_channel_runs_what_was_taken(
    dreamsim_folder: Path,
    dreamsim_tensors: Make,
    pictures: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path / "cache"))
    base, changes = dreamsim_tensors(768, 1)
    given = tmp_path / "given"
    (given / "dino_vitb16_single_lora").mkdir(parents=True)
    (given / "checkpoints").symlink_to(dreamsim_folder / "checkpoints")
    settings = dreamsim_folder / "dino_vitb16_single_lora" / "adapter_config.json"
    (given / "dino_vitb16_single_lora" / settings.name).write_bytes(settings.read_bytes())
    save = {"safetensors": save_file, "bin": torch.save}[suffix]
    save(changes, given / "dino_vitb16_single_lora" / f"adapter_model.{suffix}")
    weights.take("dreamsim", str(given))
    channel = DreamSim()
    assert set(channel.weights()) == {"dino_vitbase16_pretrain.pth", "adapter_config.json", f"adapter_model.{suffix}"}
    features = channel.prepare(pictures)["features"]
    halves = {key: value.half().float() for key, value in base.items()}
    network = dreamsim.from_weights(halves, changes, json.loads(settings.read_text()))
    assert torch.equal(features[1], dreamsim.embed(pictures[1:], network))


def test_settings_that_do_not_read_are_told(dreamsim_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(UserError, match=r"adapter_config\.json does not read as JSON"):
        dreamsim.network(tmp_path)
