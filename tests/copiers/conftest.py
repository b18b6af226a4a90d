"""Real weights from the local cache, tiny made-up ones of the same formats, and the fixture plugin."""

import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from simulacra.images.pixels import to_picture
from simulacra.registry import registry

PLUGIN = Path(__file__).parents[1] / "plugin"


@pytest.fixture(scope="session")
def crop(astronaut: NDArray[np.uint8]) -> Tensor:
    """Part of a real photograph, with detail everywhere; shape (1, 3, 97, 131), odd on purpose."""
    return to_picture(astronaut[60:157, 160:291].copy())


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The package of tests/plugin, found as an installed one is: by the metadata beside it on the path."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    shutil.copytree(PLUGIN / "src", site, ignore=shutil.ignore_patterns("__pycache__"))
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["simulacra.copiers"]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[simulacra.copiers]\n{lines}")
    monkeypatch.syspath_prepend(str(site))
    registry.cache_clear()
    sys.modules.pop("simulacra_fixture_plugin", None)  # of an earlier test's copy
    yield project["name"]
    sys.modules.pop("simulacra_fixture_plugin", None)
    registry.cache_clear()


def encoder(latents: int, halvings: int = 3, pooled: bool = False) -> nn.Sequential:
    """The first half of a TAESD-family network, written out layer by layer, with random weights."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1), _Block()]
    for _ in range(halvings):
        layers += [nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False), _Block(pooled)]
    return _drawn(nn.Sequential(*layers, nn.Conv2d(64, latents, 3, padding=1)))


def decoder(latents: int, doublings: int = 3, pooled: bool = False) -> nn.Sequential:
    """The second half."""
    layers: list[nn.Module] = [_Clamp(), nn.Conv2d(latents, 64, 3, padding=1), nn.ReLU()]
    for _ in range(doublings):
        layers += [_Block(pooled), nn.Upsample(scale_factor=2), nn.Conv2d(64, 64, 3, padding=1, bias=False)]
    half = _drawn(nn.Sequential(*layers, _Block(), nn.Conv2d(64, 3, 3, padding=1)))
    nn.init.constant_(half[-1].bias, 0.5)  # so that the made-up pictures are mostly neither black nor white
    return half


@pytest.fixture
def taesd_files(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder with both halves in half precision, as published, and returns it."""

    def write(first: nn.Sequential, second: nn.Sequential, name: str = "tiny") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for part, half in (("encoder", first), ("decoder", second)):
            torch.save({key: value.half() for key, value in half.state_dict().items()}, folder / f"{name}_{part}.pth")
        return folder

    return write


def _drawn(half: nn.Sequential) -> nn.Sequential:
    """Weights from a generator of their own, of a size that keeps the values through many layers."""
    generator = torch.Generator().manual_seed(7)
    for weights in half.parameters():
        if weights.ndim == 4:
            nn.init.normal_(weights, std=weights[0].numel() ** -0.5, generator=generator)
        else:
            nn.init.uniform_(weights, -0.1, 0.1, generator=generator)
    return half


class _Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * torch.tanh(x / 3)


class _Block(nn.Module):
    def __init__(self, pooled: bool = False) -> None:
        super().__init__()
        one, two, three = (nn.Conv2d(64, 64, 3, padding=1) for _ in range(3))
        self.conv = nn.Sequential(one, nn.ReLU(), two, nn.ReLU(), three)
        if pooled:
            narrow, wide = nn.Conv2d(256, 64, 1, bias=False), nn.Conv2d(64, 256, 1, bias=False)
            self.pool = nn.Sequential(wide, nn.GroupNorm(4, 256), nn.ReLU(), narrow)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "pool"):
            x = x + self.pool(x)
        return nn.functional.relu(x + self.conv(x))
