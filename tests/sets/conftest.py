"""Pictures that differ from each other, as files, and a source that holds them in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from simulacra.images.open import OpenedPicture
from simulacra.sets.layout import Attribute
from simulacra.sets.sources.contract import Source, opaque

Pixels = NDArray[np.uint8]
MakeNoise = Callable[..., list[Pixels]]
Write = Callable[[Path, Pixels], Path]


def noise(count: int, *shape: int, seed: int = 20261121) -> list[Pixels]:
    """Pictures of uniform noise, each of this shape."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


def write(path: Path, pixels: Pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


class InMemory(Source):
    """A source of arrays."""

    def __init__(self, pictures: list[Pixels]) -> None:
        self.pictures = pictures
        self.names = [f"picture {number}" for number in range(len(pictures))]
        self.attributes = {"parity": Attribute(("even", "odd"), np.arange(len(pictures), dtype=np.int64) % 2)}
        self.facts = {"kind": "memory", "name": "test"}

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        return opaque(self.pictures[index], alpha)


@pytest.fixture(name="noise")
def noise_fixture() -> MakeNoise:
    """For the tests in folders below."""
    return noise


@pytest.fixture(name="write")
def write_fixture() -> Write:
    """For the tests in folders below."""
    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven RGB pictures of 16x16 px."""
    root = tmp_path / "folder"
    for number, pixels in enumerate(noise(7, 16, 16, 3)):
        write(root / f"{number}.png", pixels)
    return root
