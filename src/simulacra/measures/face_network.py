"""One small network in a .tflite file, run on the CPU by LiteRT: a picture in, its scores and its values out."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simulacra import weights
from simulacra.extras import require

RUNTIME = "ai_edge_litert.interpreter"


class Network:
    """A network of two outputs, of which the smaller is the scores; one picture a call, on one thread."""

    def __init__(self, path: Path) -> None:
        """Load the file as data.

        Raises:
            MissingExtra: LiteRT is not installed.
        """
        runtime = require(RUNTIME, "faces", "the face channel")
        with _native_stderr_closed():  # LiteRT greets on the file descriptor itself, past sys.stderr, and has no switch
            self._interpreter = runtime.Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        given = self._interpreter.get_input_details()[0]
        self._input: int = given["index"]
        outputs = self._interpreter.get_output_details()
        self._outputs: list[int] = [one["index"] for one in sorted(outputs, key=lambda one: int(np.prod(one["shape"])))]
        self._lock = Lock()
        self.size = int(given["shape"][1])
        """Side of the square picture it takes, px."""

    def __call__(self, picture: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Run it.

        Args:
            picture: shape (1, 3, size, size), in the range the network was trained on.

        Returns:
            The scores, logits, flat; and the values, flat.
        """
        with self._lock:
            # contiguous: the interpreter reads memory order, not strides
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(picture.permute(0, 2, 3, 1).cpu().numpy()))
            self._interpreter.invoke()
            scores, values = (self._interpreter.get_tensor(index) for index in self._outputs)
        return scores.ravel().astype(np.float64), values.ravel().astype(np.float64)


def network(name: str, file: str) -> Network:
    """The network of a file of the weights table, loaded once a process.

    Raises:
        MissingExtra, MissingWeights: it cannot run here; the message says what to type.
    """
    return _load(weights.find(name, file))


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits as scores in (0, 1); clipped first, because a network may be sure beyond the range of exp."""
    return 1 / (1 + np.exp(-np.clip(logits, -100, 100)))


@lru_cache(maxsize=8)
def _load(path: Path) -> Network:
    return Network(path)


@contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Send what native code writes to standard error to nowhere."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without standard error has nothing to silence
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
