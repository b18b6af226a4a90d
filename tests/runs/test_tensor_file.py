"""Tensors with a header: what comes back, what the bytes are, and what is refused in which words."""

import json
import math
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch
from pydantic import BaseModel

from simulacra.errors import UserError
from simulacra.runs import StoreFull, atomic
from simulacra.runs.tensor_file import TensorFile


class Header(BaseModel):
    steps: int
    notes: dict[str, float]


FILE = TensorFile(noun="kite", format="test-kite", version=2, header=Header, remedy="fold another")
TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor([1, 2]), "empty": torch.zeros(0, 4)}
HEADER = Header(steps=3, notes={"z": 0.1, "a": 1.0})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "one.safetensors"
    FILE.write(made, TENSORS, HEADER)
    return made


def test_what_is_written_comes_back(path: Path) -> None:
    header, tensors = FILE.read(path)
    assert header == FILE.read_header(path) == HEADER
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype and torch.equal(tensors[name], tensor)


def test_any_layout_is_stored_and_nothing_of_its_gradients(tmp_path: Path) -> None:
    tensor = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    laid_out = tensor.to(memory_format=torch.channels_last).requires_grad_()
    FILE.write(tmp_path / "one", {"x": laid_out, "turned": laid_out.transpose(2, 3)}, HEADER)
    _, back = FILE.read(tmp_path / "one")
    assert torch.equal(back["x"], tensor) and torch.equal(back["turned"], tensor.transpose(2, 3))
    assert not back["x"].requires_grad


def test_equal_contents_are_equal_bytes(path: Path) -> None:
    other = path.with_name("other")
    FILE.write(other, dict(reversed(TENSORS.items())), Header(notes={"a": 1.0, "z": 0.1}, steps=3))
    assert other.read_bytes() == path.read_bytes()


def test_the_form_in_which_files_lie_on_disks_already(path: Path) -> None:
    # Read without the library: eight bytes of length, then JSON. Files of years ago must open, so this form stays.
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    said = json.loads(data[8 : 8 + length])
    assert said["__metadata__"] == {
        "simulacra": '{"format": "test-kite", "notes": {"a": 1.0, "z": 0.1}, "steps": 3, "version": 2}'
    }
    assert said["b"]["shape"] == [2, 3] and said["b"]["dtype"] == "F32"


def test_files_of_earlier_versions_open(path: Path) -> None:
    said = {"format": "test-kite", "version": 1, "steps": 3, "notes": {}, "of old": True}
    safetensors.torch.save_file(TENSORS, path, {"simulacra": json.dumps(said)})
    assert FILE.read(path)[0] == Header(steps=3, notes={})


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        (None, "holds tensors, but no kite of simulacra; fold another"),
        ({"other": "{}"}, "holds tensors, but no kite of simulacra; fold another"),
        (
            {"simulacra": '{"format": "generator", "version": 1}'},
            "holds tensors, but no kite of simulacra; fold another",
        ),
        (
            {"simulacra": '{"format": "test-kite", "version": 3}'},
            "is of version 3; this simulacra reads up to 2: install a newer one",
        ),
        (
            {"simulacra": '{"format": "test-kite", "version": 2}'},
            "is cut off, damaged or of another format; fold another",
        ),
        ({"simulacra": '{"format": "test-kite"}'}, "is cut off, damaged or of another format; fold another"),
        ({"simulacra": "[1]"}, "is cut off, damaged or of another format; fold another"),
        ({"simulacra": "no json"}, "is cut off, damaged or of another format; fold another"),
    ],
)
def test_files_that_hold_something_else(path: Path, metadata: dict[str, str] | None, sentence: str) -> None:
    safetensors.torch.save_file(TENSORS, path, metadata)
    for read in (FILE.read, FILE.read_header):
        with pytest.raises(UserError) as refused:
            read(path)
        assert str(refused.value) == f"{path} {sentence}"


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_off_anywhere(path: Path, kept: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    for read in (FILE.read, FILE.read_header):
        with pytest.raises(UserError) as refused:
            read(path)
        assert str(refused.value) == f"{path} is cut off, damaged or of another format; fold another"


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none cannot be read \(No such file.*\); the file of a kite is needed there$"):
        FILE.read(tmp_path / "none")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        FILE.read(tmp_path)


def test_a_full_disk_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(point: str) -> None:
        if point == "kite-written":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "reach", full)
    with pytest.raises(StoreFull, match="is full"):
        FILE.write(path, {}, HEADER)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_header_that_is_no_json_is_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        FILE.write(tmp_path / "one", {}, Header(steps=1, notes={"x": math.nan}))
    assert not list(tmp_path.iterdir())
