"""What all tests share: no network, a weights cache that is there, a real portrait."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only local sockets: a test that asks a server elsewhere fails."""

    def refuse(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a test tried to reach {address}")

    allowed = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX or (isinstance(address, tuple) and address[0] in {"127.0.0.1", "::1"}):
            allowed(self, address)  # type: ignore[arg-type]
        else:
            refuse(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a store of its own, so that none finds another's frames."""
    folder = tmp_path / "store"
    monkeypatch.setenv("SIMULACRA_STORE", str(folder))
    yield folder


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """Eileen Collins, 512x512, from scikit-image; public domain."""
    from skimage.data import astronaut

    return astronaut()


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """The astronaut as a file."""
    path = tmp_path_factory.mktemp("pictures") / "astronaut.png"
    Image.fromarray(astronaut).save(path)
    return path


@pytest.fixture(scope="session")
def taef2_folder() -> Path:
    """Real TAESD-family files: `taef2_encoder.pth` and `taef2_decoder.pth`."""
    folder = Path(os.environ.get("SIMULACRA_TEST_WEIGHTS", "")) / "taef2"
    if not (folder / "taef2_encoder.pth").exists():
        pytest.skip(
            "SIMULACRA_TEST_WEIGHTS names no folder with taef2 in it; files of the same format are tested without it"
        )
    return folder
