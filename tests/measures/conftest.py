"""Pictures and distortions that the tests of the channels share, and the files of a DreamSim."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from safetensors.torch import save_file
from skimage.filters import gaussian
from skimage.transform import resize, warp
from torch import Tensor

from simulacra.measures.colour import Colour
from simulacra.measures.contract import Channel
from simulacra.measures.geometry import Geometry
from simulacra.measures.structure import Structure

Distort = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def photographs() -> dict[str, np.ndarray]:
    """Real pictures, 192 px on the longest side, with a margin of a quarter around: float in [0, 1]."""
    pictures = {}
    for name in ("astronaut", "coffee", "chelsea"):
        picture = getattr(skimage.data, name)() / 255
        scale = 240 / max(picture.shape)
        shape = tuple(round(side * scale) for side in picture.shape[:2])
        pictures[name] = resize(picture, shape, anti_aliasing=True)
    return pictures


@pytest.fixture(scope="session")
def view() -> Callable[..., Tensor]:
    """The middle four fifths of a picture after its content moved, by cubic interpolation."""

    def make(
        picture: np.ndarray, zoom: float = 1, degrees: float = 0, right: float = 0, down: float = 0, squash: float = 1
    ) -> Tensor:
        height, width = (side * 4 // 5 for side in picture.shape[:2])
        angle = np.deg2rad(degrees)  # clockwise as seen, for y counts downwards
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        move = np.eye(3)
        move[:2, :2] = zoom * turn @ np.diag([squash**0.5, squash**-0.5])
        move[:2, 2] = right, down
        to_centre, from_centre = np.eye(3), np.eye(3)
        to_centre[:2, 2] = -(width - 1) / 2, -(height - 1) / 2
        from_centre[:2, 2] = (picture.shape[1] - 1) / 2, (picture.shape[0] - 1) / 2
        back = from_centre @ np.linalg.inv(move) @ to_centre
        return as_tensor(warp(picture, back, output_shape=(height, width), order=3))

    return make


@pytest.fixture(scope="session")
def distortions(photographs: dict[str, np.ndarray], view: Callable[..., Tensor]) -> dict[str, dict[str, Tensor]]:
    """Photograph -> distortion -> picture, with "none" for the reference."""

    def noisy(picture: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(101)
        return picture + 0.05 * torch.randn(picture.shape, generator=generator)

    table = {}
    for name, photograph in photographs.items():
        plain = view(photograph)
        table[name] = {
            "none": plain,
            "cast": plain * torch.tensor([1.12, 1.0, 0.8])[:, None, None],
            "shift": view(photograph, right=2),
            "zoom": view(photograph, zoom=1.03),
            "blur": as_tensor(gaussian(plain[0].permute(1, 2, 0).numpy(), 1.5, channel_axis=-1)),
            "noise": noisy(plain),
        }
        table[name] = {which: picture.clamp(0, 1) for which, picture in table[name].items()}
    return table


@pytest.fixture(params=[Colour, Geometry, Structure], ids=["colour", "geometry", "structure"])
def channel(request: pytest.FixtureRequest) -> Channel:
    made: Channel = request.param()
    return made


@pytest.fixture(scope="session")
def dreamsim_tensors() -> Callable[[int, int], tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """Of a width and a depth: tensors under the published names of DINO and of its adapter, rank 4, at random."""

    def make(width: int, depth: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        draw = torch.Generator().manual_seed(101)
        layers: dict[str, tuple[int, ...]] = {"patch_embed.proj": (width, 3, 16, 16), "norm": (width,)}
        changes = {}
        for block in range(depth):
            layers |= {f"blocks.{block}.norm{which}": (width,) for which in (1, 2)}
            layers |= {
                f"blocks.{block}.attn.qkv": (3 * width, width),
                f"blocks.{block}.attn.proj": (width, width),
                f"blocks.{block}.mlp.fc1": (4 * width, width),
                f"blocks.{block}.mlp.fc2": (width, 4 * width),
            }
            before = f"base_model.model.extractor_list.0.model.blocks.{block}.attn.qkv.lora_"
            changes[f"{before}A.weight"] = torch.randn(4, width, generator=draw)
            changes[f"{before}B.weight"] = torch.randn(3 * width, 4, generator=draw)
        base = {name: torch.randn(1, n, width, generator=draw) for name, n in (("cls_token", 1), ("pos_embed", 197))}
        for name, shape in layers.items():
            spread = 0.1 if len(shape) == 1 else torch.Size(shape[1:]).numel() ** -0.5
            base[f"{name}.weight"] = (len(shape) == 1) + spread * torch.randn(shape, generator=draw)
            base[f"{name}.bias"] = torch.randn(shape[0], generator=draw) / 10
        return base, changes

    return make


@pytest.fixture(scope="session")
def dreamsim_folder(
    tmp_path_factory: pytest.TempPathFactory,
    dreamsim_tensors: Callable[[int, int], tuple[dict[str, Tensor], dict[str, Tensor]]],
) -> Path:
    """A folder as the published package fills it: of the published width, but one block; in half precision."""
    base, changes = dreamsim_tensors(768, 1)
    folder = tmp_path_factory.mktemp("dreamsim")
    adapter = folder / "dino_vitb16_single_lora"
    for made in (folder / "checkpoints", adapter):
        made.mkdir()
    halves = {key: value.half() for key, value in base.items()}
    torch.save(halves, folder / "checkpoints" / "dino_vitbase16_pretrain.pth")
    save_file(changes, adapter / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 0.5, "target_modules": ["qkv"], "bias": "none"}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) as a picture (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(pixels.clip(0, 1).transpose(2, 0, 1)))[None].float()
