"""DreamSim: how far apart people would put two pictures, by a network for pictures tuned on their judgements.

The published measure has several forms; this is the one of a single branch, DINO's ViT-B/16. Its weights are those of
DINO with a change of low rank added to each of the projections to queries, keys and values. What is compared is the
class token as the last block leaves it, ahead of the last norm, less the mean of its numbers.

Sources: Fu, Tamir, Sundaram, Chai, Zhang, Dekel and Isola 2023, "DreamSim: Learning New Dimensions of Human Visual
Similarity using Synthetic Data"; Caron and others 2021, "Emerging Properties in Self-Supervised Vision Transformers";
Dosovitskiy and others 2021, "An Image is Worth 16x16 Words"; Hu and others 2022, "LoRA", section 4.1.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra import weights
from simulacra.errors import UserError
from simulacra.images.resize import resize

WEIGHTS = "dreamsim"
"""Entry of the weights table."""

SIDE = 224
"""Pixels: pictures are brought to squares of it."""

BASE, SETTINGS, CHANGES = "dino_vitbase16_pretrain.pth", "adapter_config.json", "adapter_model"
"""The network as DINO's authors publish it; what the adapter says of itself; its tensors, without the suffix."""

_PATCH = 16  # px
_HEAD = 64  # numbers that one head of attention looks at
_EPSILON = 1e-6  # of the norms; torch's own is 1e-5
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's colours

_CHANGE = re.compile(r"(?:.*\.)?(blocks\.\d+\.attn\.qkv)\.lora_([AB])(?:\.default)?\.weight")
_PLAIN = {"peft_type": "LORA", "fan_in_fan_out": False, "use_rslora": False, "alpha_pattern": {}}
"""Settings under which a change is lora_alpha / r times B A, which no tensor would give away."""


class Network(NamedTuple):
    """A vision transformer with the changes added."""

    tensors: Mapping[str, Tensor]  # under DINO's names
    depth: int  # blocks


def network(folder: Path) -> Network:
    """The network of a folder that `weights.take` filled.

    Raises:
        UserError: a file does not read, or is of another network or form; the message says which and what to type.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_bytes())
    except ValueError as error:
        raise _refused(f"{SETTINGS} does not read as JSON") from error
    changes = next(path for path in sorted(folder.iterdir()) if path.stem == CHANGES)
    return from_weights(weights.tensors(folder / BASE), weights.tensors(changes), settings)


def from_weights(base: Mapping[str, Tensor], changes: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Network:
    """The network with these weights and the changes of low rank added: W + lora_alpha / r times B A.

    Args:
        base: tensors under DINO's names, all of them and no others.
        changes: tensors under the names of the PEFT library, A of shape (r, D) and B of (3 D, r) for each block.
        settings: the adapter's own, of which `r` and `lora_alpha` matter.

    Raises:
        UserError: something is missing, left over or of another form.
    """
    odd = [key for key, plain in _PLAIN.items() if settings.get(key) not in (None, plain)]
    if odd:
        raise _refused(f"{SETTINGS} sets {odd[0]} to {settings[odd[0]]}, which is not as published")
    try:
        rank, scale = int(settings["r"]), float(settings["lora_alpha"]) / int(settings["r"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _refused(f"{SETTINGS} gives no r and lora_alpha") from error

    depth = len({key.split(".")[1] for key in base if key.startswith("blocks.")})
    width = base["cls_token"].shape[-1] if "cls_token" in base else 0
    _refuse_unless_whole(BASE, base, _shapes(width, depth))
    changes = _by_block(changes)
    _refuse_unless_whole(CHANGES, changes, _shapes_of_changes(width, depth, rank))

    merged = dict(base)
    for key in (f"blocks.{block}.attn.qkv" for block in range(depth)):
        change = changes[f"{key}.lora_B"].double() @ changes[f"{key}.lora_A"].double()
        merged[f"{key}.weight"] = (base[f"{key}.weight"].double() + scale * change).float()
    return Network(merged, depth)


def embed(picture: Tensor, network: Network) -> Tensor:
    """The direction of one picture's class token, less its mean; the cosine of two is their correlation.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        network: from `network`.

    Returns:
        Shape (D,), float64, of length 1.
    """
    tensors = network.tensors
    x = F.conv2d(look(picture), tensors["patch_embed.proj.weight"], tensors["patch_embed.proj.bias"], _PATCH)
    x = torch.cat((tensors["cls_token"], x.flatten(2).mT), 1) + tensors["pos_embed"]
    for block in range(network.depth):
        x = _block(x, tensors, f"blocks.{block}.")
    token = x[0, 0].double()
    return F.normalize(token - token.mean(), dim=0)


def look(picture: Tensor) -> Tensor:
    """A picture as the network is shown it, shape (1, 3, 224, 224): squashed where it is not square."""
    x = resize(picture, SIDE, SIDE, "bicubic").clamp(0, 1)
    mean, spread = (torch.tensor(values, dtype=x.dtype).view(3, 1, 1) for values in (_MEAN, _SPREAD))
    return (x - mean) / spread


def _block(x: Tensor, tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """One block of a pre-norm transformer, of tokens of shape (1, N, D)."""

    def linear(x: Tensor, layer: str) -> Tensor:
        return F.linear(x, tensors[f"{name}{layer}.weight"], tensors[f"{name}{layer}.bias"])

    def norm(x: Tensor, layer: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], tensors[f"{name}{layer}.weight"], tensors[f"{name}{layer}.bias"], _EPSILON)

    queries, keys, values = (
        part.view(*part.shape[:2], -1, _HEAD).transpose(1, 2)
        for part in linear(norm(x, "norm1"), "attn.qkv").chunk(3, -1)
    )
    seen = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
    x = x + linear(seen, "attn.proj")
    return x + linear(F.gelu(linear(norm(x, "norm2"), "mlp.fc1")), "mlp.fc2")


def _shapes(width: int, depth: int) -> dict[str, tuple[int, ...]]:
    """What DINO's file holds: name -> shape."""
    layers: dict[str, tuple[int, ...]] = {"norm": (width,), "patch_embed.proj": (width, 3, _PATCH, _PATCH)}
    for block in range(depth):
        layers |= {
            f"blocks.{block}.norm1": (width,),
            f"blocks.{block}.attn.qkv": (3 * width, width),
            f"blocks.{block}.attn.proj": (width, width),
            f"blocks.{block}.norm2": (width,),
            f"blocks.{block}.mlp.fc1": (4 * width, width),
            f"blocks.{block}.mlp.fc2": (width, 4 * width),
        }
    shapes = {f"{layer}.weight": shape for layer, shape in layers.items()}
    shapes |= {f"{layer}.bias": shape[:1] for layer, shape in layers.items()}
    return shapes | {"cls_token": (1, 1, width), "pos_embed": (1, 1 + (SIDE // _PATCH) ** 2, width)}


def _shapes_of_changes(width: int, depth: int, rank: int) -> dict[str, tuple[int, ...]]:
    """What the adapter holds: name, as `_by_block` gives it, -> shape."""
    shapes: dict[str, tuple[int, ...]] = {}
    for block in range(depth):
        shapes[f"blocks.{block}.attn.qkv.lora_A"] = (rank, width)
        shapes[f"blocks.{block}.attn.qkv.lora_B"] = (3 * width, rank)
    return shapes


def _by_block(changes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The adapter's tensors without what the library and the authors' classes put before their names."""
    found: dict[str, Tensor] = {}
    for key, value in changes.items():
        match = _CHANGE.fullmatch(key)
        short = f"{match[1]}.lora_{match[2]}" if match else key
        if short in found and not torch.equal(found[short], value):  # the ensemble's adapter is of three networks
            raise _refused(f"{CHANGES} holds more than one {short}, so it is not of one branch")
        found[short] = value
    return found


def _refuse_unless_whole(file: str, tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    if absent := shapes.keys() - tensors.keys():
        raise _refused(f"{file} lacks {min(absent)}")
    if extra := tensors.keys() - shapes.keys():
        raise _refused(f"{file} holds {min(extra)}, which is none of this network's")
    for key, shape in shapes.items():
        if tuple(tensors[key].shape) != shape:
            found, wanted = ("x".join(map(str, sizes)) for sizes in (tensors[key].shape, shape))
            raise _refused(f"{file} has {key} of {found} numbers, not {wanted}")


def _refused(fault: str) -> UserError:
    return UserError(
        f"the weights dreamsim are not those of its branch dino_vitb16: {fault}; "
        "type: simulacra weights add dreamsim FOLDER, with the files as published"
    )
