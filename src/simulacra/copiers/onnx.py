"""Any ONNX file as a copier: layout, size and factor are read off its graph and one trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.controls import Filter, shrink
from simulacra.copiers.hosted.canvas import Listed, Placement
from simulacra.copiers.padding import to_multiple
from simulacra.errors import MissingWeights, UserError
from simulacra.extras import require

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

EXTRA = "onnx"

TRIAL = 64
"""Side in pixels of the grey picture that a network of any size is tried with."""

RANGES: Mapping[str, tuple[float, float]] = {"0..1": (0.0, 1.0), "0..255": (0.0, 255.0), "-1..1": (-1.0, 1.0)}
"""Values of black and white, by name."""


class ONNXParameters(Parameters):
    """Which file, and what its graph does not say."""

    file: Path | None = Field(None, description="the .onnx file, with its weights inside")
    range: Literal["0..1", "0..255", "-1..1"] = Field(
        "0..1", description="values of black and white that the network takes and gives; uint8 is always 0..255"
    )
    multiple: int = Field(
        1, ge=1, le=512, description="sides are padded by reflection to a multiple of this many pixels"
    )
    filter: Filter = Field("bicubic", description="filter of every resizing there and back, where there is any")


@dataclass(frozen=True)
class _Graph:
    """What a network takes and gives."""

    session: Any
    input: str
    channels_last: bool
    whole_numbers: bool  # uint8 rather than float32
    size: tuple[int, int] | None  # width and height in pixels, where they are fixed
    factor: int  # sides of what it gives over sides of what it takes; 1 where the size is fixed


class ONNX(Copier):
    """A network picture to picture. One that enlarges gets the picture shrunk first, one of a fixed size resized."""

    family = "onnx"
    summary = "runs an ONNX file of yours, picture in and picture out"
    licence = "that of the file you name"
    origin = "an ONNX file on this machine, run by onnxruntime"
    determinism = Determinism.SAME_MACHINE
    extra = EXTRA
    size_rule = SizeRule(largest=4096)
    Parameters = ONNXParameters
    parameters: ONNXParameters

    def check(self) -> None:
        """Refuse when onnxruntime or the file is missing, or it is no such network; see `Copier.check`."""
        self._graph  # noqa: B018 - loading and one trial are the check

    def weights(self) -> dict[str, str]:
        """Digest of the file; see `Copier.weights`."""
        return {"file": sha256(self._bytes).hexdigest()}

    def operator(self) -> dict[str, Any]:
        """As every copier's, without the path: the same file elsewhere is the same operator."""
        return super().operator() | {"parameters": self.parameters.model_dump(mode="json", exclude={"file"})}

    def resize_path(self) -> str | None:
        """The same resizing without the network: to a factor and back, or to its fixed size and back."""
        graph = self._graph
        if graph.size is not None:
            width, height = graph.size
            return f"hosted-resize:sizes={width}x{height},filter={self.parameters.filter}"
        return f"resize:filter={self.parameters.filter},factor={graph.factor}" if graph.factor > 1 else None

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Run the network once a picture; see `Copier.copy`."""
        import torch

        made = [self._copy_one(picture[None].detach().cpu()) for picture in pictures]
        return torch.cat([copied for copied, _ in made]).to(pictures.device), [receipt for _, receipt in made]

    def _copy_one(self, picture: "Tensor") -> "tuple[Tensor, Receipt]":
        """A copy of one picture, (1, 3, H, W); the picture itself where the receipt says that there is none."""
        began = perf_counter()
        graph, filter = self._graph, self.parameters.filter
        height, width = picture.shape[-2:]
        layout = "NHWC" if graph.channels_last else "NCHW"
        effective: dict[str, Any] = {
            "layout": layout,
            "range": "0..255" if graph.whole_numbers else self.parameters.range,
        }
        placement = None
        if graph.size is not None:
            placement = Placement.on(Listed((graph.size,)), (width, height), "pad", filter)
            given = placement.out(picture)
            effective |= placement.record()
        else:
            given, padded = shrink(to_multiple(picture, graph.factor * self.parameters.multiple), graph.factor, filter)
            effective |= {"padded_to": list(padded), "factor": graph.factor}
            if graph.factor > 1:
                effective |= {"filter": filter, "resized_to": [given.shape[-1], given.shape[-2]]}
        try:
            answer = self._run(graph, given)
        except Exception as error:  # onnxruntime has classes of its own for what a graph cannot take
            told = f"the network does not take {given.shape[-1]}x{given.shape[-2]} px: {_first_line(error)}"
            return picture, Receipt(perf_counter() - began, effective, refusal=told)
        wanted = tuple(side * graph.factor for side in given.shape[-2:])
        refusal: str | None = None
        if not bool(answer.isfinite().all()):
            refusal = "the network made values that are not finite"
        elif placement is None and tuple(answer.shape[-2:]) != wanted:
            made = f"{answer.shape[-1]}x{answer.shape[-2]} px from {given.shape[-1]}x{given.shape[-2]}"
            refusal = f"the network made {made}; give the multiple that its sides must be, such as multiple=8"
        seconds = perf_counter() - began
        if refusal is not None:
            return picture, Receipt(seconds, effective, refusal=refusal)
        copied = placement.back(answer.clamp(0, 1)) if placement is not None else answer[..., :height, :width]
        return copied.clamp(0, 1), Receipt(seconds, effective)

    def _run(self, graph: _Graph, picture: "Tensor") -> "Tensor":
        """What the network makes of a picture in [0, 1], brought back to that range but not clamped to it."""
        import numpy as np
        import torch

        low, high = RANGES["0..255" if graph.whole_numbers else self.parameters.range]
        values: NDArray[np.float32] = (picture * (high - low) + low).numpy()
        if graph.channels_last:
            values = values.transpose(0, 2, 3, 1)
        given = np.rint(values).astype(np.uint8) if graph.whole_numbers else np.ascontiguousarray(values)
        made = np.asarray(graph.session.run(None, {graph.input: given})[0], dtype=np.float32)
        if graph.channels_last:
            made = made.transpose(0, 3, 1, 2)
        return (torch.from_numpy(np.ascontiguousarray(made)) - low) / (high - low)

    @cached_property
    def _bytes(self) -> bytes:
        """The file, read once, so that the digest is of the bytes that run."""
        file = self.parameters.file
        if file is None:
            raise MissingWeights("copier onnx needs a file; type onnx:file=MODEL.onnx")
        try:
            return file.expanduser().read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}; give the path of an .onnx file") from error

    @cached_property
    def _graph(self) -> _Graph:
        file = self.parameters.file
        data = self._bytes
        loaded = session(data, "Copier onnx", str(file))
        inputs = loaded.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            shapes = ", ".join(f"{each.name} {each.shape}" for each in inputs)
            raise UserError(
                f"{file} takes {shapes}; copier onnx runs networks that take one picture, (1, 3, H, W) or so"
            )
        (taken,) = inputs
        if taken.type not in ("tensor(float)", "tensor(uint8)"):
            raise UserError(f"{file} takes {taken.type}; copier onnx runs networks on float32 or uint8")
        if 3 not in (taken.shape[1], taken.shape[3]):
            raise UserError(f"{file} takes {taken.shape}, where no axis is the 3 colours; save it with that size fixed")
        channels_last = taken.shape[1] != 3
        rows, columns = (taken.shape[1:3]) if channels_last else taken.shape[2:]
        size = (columns, rows) if isinstance(rows, int) and isinstance(columns, int) else None
        graph = _Graph(loaded, taken.name, channels_last, taken.type == "tensor(uint8)", size, 1)
        factor = self._tried(graph)
        return graph if size is not None else replace(graph, factor=factor)

    def _tried(self, graph: _Graph) -> int:
        """The factor by which a network enlarges, from one trial."""
        import torch

        width, height = graph.size or (max(TRIAL, self.parameters.multiple),) * 2
        try:
            made = self._run(graph, torch.full((1, 3, height, width), 0.5))
        except Exception as error:
            raise UserError(
                f"{self.parameters.file} does not run on {width}x{height} px: {_first_line(error)}"
            ) from error
        if made.ndim != 4 or made.shape[:2] != (1, 3):
            raise UserError(f"{self.parameters.file} gives shape {tuple(made.shape)}, which is no picture in colour")
        factor = made.shape[-1] // width
        if graph.size is None and (factor < 1 or made.shape[-2:] != (height * factor, width * factor)):
            gives = f"{made.shape[-1]}x{made.shape[-2]} px from {width}x{height}"
            raise UserError(f"{self.parameters.file} gives {gives}; copier onnx runs factors of 1, 2, 3 and so on")
        return factor


def session(data: bytes, purpose: str, name: str) -> Any:
    """An onnxruntime session on the processor, with torch's number of threads and a fixed order of sums.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UserError: the bytes are no graph it can run, such as one whose weights lie in a second file.
    """
    import torch

    runtime = require("onnxruntime", EXTRA, purpose)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # errors come as exceptions
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common class but this
        raise UserError(
            f"{name} does not load: {_first_line(error)}; give an ONNX file with its weights inside"
        ) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
