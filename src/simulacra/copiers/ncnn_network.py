"""Networks in ncnn's format, run on the CPU in float32 so that equal input gives equal output."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulacra.extras import require

if TYPE_CHECKING:
    from torch import Tensor

EXTRA = "ncnn"
"""The extra of simulacra that installs the runtime."""

OFF = (
    # Half precision: faster where the processor has it, but wrong by visible amounts and other bits on each machine.
    "use_fp16_packed",
    "use_fp16_storage",
    "use_fp16_arithmetic",
    "use_bf16_packed",
    "use_bf16_storage",
    "use_vulkan_compute",
)


class NcnnNetwork:
    """A network from a `.param` file (its graph) and a `.bin` file (its weights). Nothing in either is executed."""

    def __init__(self, graph: Path, weights: Path, purpose: str) -> None:
        """Load the network; as many threads as torch uses, which is one a core unless the user says otherwise.

        Args:
            graph: the `.param` file.
            weights: the `.bin` file.
            purpose: what needs it, for the message when ncnn is missing.

        Raises:
            MissingExtra: ncnn is not installed.
            RuntimeError: the files do not load, although their digests were right.
        """
        import torch

        self._ncnn = require("ncnn", EXTRA, purpose)
        self._network: Any = self._ncnn.Net()
        for name in OFF:
            if hasattr(self._network.opt, name):  # older releases know fewer
                setattr(self._network.opt, name, False)
        self._network.opt.num_threads = torch.get_num_threads()
        if self._network.load_param(str(graph)) != 0 or self._network.load_model(str(weights)) != 0:
            raise RuntimeError(f"ncnn does not load {graph} with {weights}")
        self._input, self._output = ends(graph)

    def __call__(self, picture: "Tensor") -> "Tensor":
        """Run the network once.

        Args:
            picture: shape (3, H, W), float32.

        Returns:
            Shape (C, H', W'), float32.
        """
        import numpy as np
        import torch

        extractor = self._network.create_extractor()
        # A Mat made from an array only borrows its memory: the array must have a name until the clone is made, and the
        # clone must be made because layers may write into their input.
        values = np.ascontiguousarray(picture.numpy())
        extractor.input(self._input, self._ncnn.Mat(values).clone())
        code, output = extractor.extract(self._output)
        if code != 0:
            raise RuntimeError(f"ncnn ended with code {code} on a picture of shape {tuple(picture.shape)}")
        return torch.from_numpy(np.array(output))


def ends(graph: Path) -> tuple[str, str]:
    """The names of a graph's first input blob and last output blob, which differ from export to export.

    A line of a `.param` file holds: layer type, layer name, counts of inputs and outputs, their names, options.
    """
    layers = [line.split() for line in graph.read_text(encoding="utf-8").splitlines()[2:] if line.strip()]
    first = next(layer for layer in layers if layer[0] == "Input")
    last = layers[-1]
    return first[4], last[4 + int(last[2])]


def stretches(length: int, longest: int) -> Iterator[tuple[int, int]]:
    """Cut 0 ... length into the fewest stretches of at most `longest`, as equal as whole numbers allow."""
    count = -(-length // longest)
    for place in range(count):
        yield place * length // count, (place + 1) * length // count
