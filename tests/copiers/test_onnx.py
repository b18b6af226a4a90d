import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from simulacra.copiers import Copier, Receipt, make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import MissingExtra, MissingWeights, UserError

Write = Callable[..., Path]
ANY = ("n", 3, "h", "w")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a network of a few nodes and returns its path."""

    def file(
        nodes: Sequence[onnx.NodeProto],
        shape: Sequence[Any] = ANY,
        dtype: int = TensorProto.FLOAT,
        given: Sequence[Any] | None = None,
        **constants: Any,
    ) -> Path:
        taken = helper.make_tensor_value_info("x", dtype, shape)
        made = helper.make_tensor_value_info("y", dtype, given or [None] * 4)
        stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
        graph = helper.make_graph(list(nodes), "tiny", [taken], [made], stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        return path

    return file


def _halved() -> list[onnx.NodeProto]:
    return [helper.make_node("Mul", ["x", "half"], ["y"])]


HALF = {"half": np.float32(0.5)}


def _doubled(channels_last: bool = False) -> tuple[list[onnx.NodeProto], dict[str, Any]]:
    scales = np.asarray([1, 2, 2, 1] if channels_last else [1, 1, 2, 2], np.float32)
    return [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")], {"scales": scales}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["any size", "doubled", "fixed"])
def test_conforms(check: Callable[[str], None], kind: str, write: Write) -> None:
    nodes, constants = _doubled() if kind == "doubled" else (_halved(), HALF)
    file = write(nodes, shape=(1, 3, 40, 56) if kind == "fixed" else ANY, **constants)
    check(f"onnx:file={file}")


@pytest.mark.parametrize(
    ("range", "expected"), [("0..1", lambda x: x / 2), ("0..255", lambda x: x / 2), ("-1..1", lambda x: x / 2 + 0.25)]
)
def test_a_copy_is_the_network_in_its_own_range(
    range: str, expected: Callable[[Tensor], Tensor], write: Write, crop: Tensor
) -> None:
    copied, receipt = _one(make(f"onnx:file={write(_halved(), **HALF)},range={range}"), crop)
    assert torch.allclose(copied, expected(crop), atol=1e-6)  # scaling there and back rounds in single precision
    assert receipt.effective["layout"] == "NCHW"


def test_channels_last_and_whole_numbers_are_read_off_the_graph(write: Write, crop: Tensor) -> None:
    halves = [helper.make_node("BitShift", ["x", "one"], ["y"], direction="RIGHT")]
    file = write(halves, ("n", "h", "w", 3), TensorProto.UINT8, one=np.uint8(1))
    copied, receipt = _one(make(f"onnx:file={file}"), crop)
    levels = (crop * 255).round()
    assert torch.allclose(copied, (levels / 2).floor() / 255, atol=1e-6)
    assert (receipt.effective["layout"], receipt.effective["range"]) == ("NHWC", "0..255")


@pytest.mark.parametrize("channels_last", [False, True])
def test_an_enlarger_gets_the_picture_shrunk(channels_last: bool, write: Write, crop: Tensor) -> None:
    nodes, constants = _doubled(channels_last)
    copier = make(f"onnx:file={write(nodes, ('n', 'h', 'w', 3) if channels_last else ANY, **constants)}")
    copied, receipt = _one(copier, crop)
    assert copied.shape == crop.shape
    assert receipt.effective["factor"] == 2
    assert receipt.effective["resized_to"] == [66, 49]
    assert torch.equal(
        copied[..., :96:2, :], copied[..., 1:97:2, :]
    )  # pairs of equal rows: the network did the enlarging
    assert copier.resize_path() == "resize:filter=bicubic,factor=2"


def test_a_fixed_size_is_resized_to_and_said(write: Write, crop: Tensor) -> None:
    file = write([helper.make_node("Identity", ["x"], ["y"])], (1, 3, 64, 96))
    copier = make(f"onnx:file={file},filter=lanczos")
    copied, receipt = _one(copier, crop)
    assert receipt.effective["canvas"] == [96, 64]
    control = make(str(copier.resize_path()))
    assert control.specification == "hosted-resize:sizes=96x64"
    # The control rounds to 8 bits at the far end, half a level, and the way back may overshoot that by a fifth.
    assert float((control.copy(crop, [0], 1)[0] - copied).abs().max()) < 1.2 / 255


def test_sides_are_padded_to_the_multiple(write: Write, crop: Tensor) -> None:
    halving = [
        helper.make_node("MaxPool", ["x"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Resize", ["small", "", "scales"], ["y"], mode="nearest"),
    ]
    file = write(halving, scales=np.asarray([1, 1, 4, 4], np.float32))
    _, refused = _one(make(f"onnx:file={file}"), crop)
    assert refused.refusal == (
        "the network made 128x96 px from 131x97; give the multiple that its sides must be, such as multiple=8"
    )
    copied, receipt = _one(make(f"onnx:file={file},multiple=4"), crop)
    assert receipt.refusal is None and copied.shape == crop.shape
    assert receipt.effective["padded_to"] == [132, 100]


def test_identity_is_the_bytes_and_not_the_place(write: Write, tmp_path: Path) -> None:
    file = write(_halved(), **HALF)
    before = make(f"onnx:file={file}").operator()
    assert make(f"onnx:file={file.rename(tmp_path / 'other.onnx')}").operator() == before
    assert make(f"onnx:file={write(_halved(), half=np.float32(0.25))}").operator() != before


def test_networks_of_another_kind_are_told(write: Write, tmp_path: Path) -> None:
    same = [helper.make_node("Identity", ["x"], ["y"])]
    _refused(write(same, ("n", 1, "h", "w")), "no axis is the 3 colours")
    _refused(write(same, ("n", 3, "h", "w"), TensorProto.DOUBLE), r"takes tensor\(double\)")
    _refused(write(same, ("n", 3), given=[None] * 2), r"takes x \['n', 3\]; copier onnx runs networks that take one")
    pooled = [helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    _refused(write(pooled), "gives 1x1 px from 64x64")
    (tmp_path / "text.onnx").write_text("no network")
    _refused(tmp_path / "text.onnx", "does not load: .*; give an ONNX file with its weights inside")
    _refused(tmp_path / "none.onnx", "cannot read .*: No such file")


def test_weights_in_a_second_file_are_refused(write: Write, tmp_path: Path) -> None:
    # The digest in every copy's identity would not cover them.
    file = write(_halved(), half=np.full((1, 3, 64, 64), 0.5, np.float32), shape=(1, 3, 64, 64))
    onnx.save(onnx.load(file), tmp_path / "split.onnx", save_as_external_data=True, size_threshold=0)
    _refused(tmp_path / "split.onnx", "with its weights inside")


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    with pytest.raises(MissingWeights, match=r"type onnx:file=MODEL.onnx$"):
        make("onnx").check()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'simulacra\[onnx\]'$"):
        make(f"onnx:file={write(_halved(), **HALF)}").check()


def _refused(file: Path, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        make(f"onnx:file={file}").check()
    assert "\n" not in str(caught.value)


def _one(copier: Copier, picture: Tensor) -> tuple[Tensor, Receipt]:
    copies, receipts = copier.copy(picture, [1], 1)
    return copies, receipts[0]
