"""Inception-V3's pooled features, as FID was published with, from a state dict that the user has.

The file is the one that PyTorch tools made of the 2015 TensorFlow graph; its name ends in `2015-12-05-6726825d.pth`. It
is read as data; a TorchScript archive is code and is refused.

The graph resizes without antialiasing and with pixel corners, not centres, aligned. Numbers of pictures larger than
299 px depend on it: resize them before, by a filter that you name.
"""

from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.inception_network import LENGTH, SIDE, Network, pooled


class Inception(Features):
    """2,048 numbers, 0 or more."""

    name = "inception"
    length = LENGTH
    resizing = f"{SIDE} px squares, bilinear as in TensorFlow 1, not antialiased"

    def __init__(self, path: Path) -> None:
        """Choose the file.

        Args:
            path: a state dict of the FID Inception-V3, `.pth` or `.pt`.

        Raises:
            UserError: the file is not there.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"there is no file {self.path}; give the state dict of the FID Inception-V3 (.pth)")

    @classmethod
    def opened(cls, argument: str) -> Self:
        """`inception:FILE`; see `Features.opened`."""
        if not argument:
            raise UserError(
                "the features inception need a file; type: inception:FILE, a state dict of the FID Inception-V3"
            )
        return cls(Path(argument))

    def embed(self, picture: Tensor) -> Tensor:
        """The pooled last layer, shape (2048,), float64."""
        return pooled(tensorflow_resize(picture * 255, SIDE), self._network())

    def weights(self) -> dict[str, str]:
        """Digest of the file."""
        return {"inception": _digest(self.path, self.path.stat().st_mtime_ns)}

    def prepare(self) -> None:
        """Read the file.

        Raises:
            UserError: it is no state dict of this network.
        """
        self._network()

    def _network(self) -> Network:
        return _load(self.path, self.path.stat().st_mtime_ns)


def tensorflow_resize(picture: Tensor, side: int) -> Tensor:
    """Bilinear as TensorFlow 1 does by default: output pixel i looks at i * in / out, and only at two input pixels.

    Args:
        picture: shape (N, 3, H, W).
        side: of the square result in pixels.
    """
    rows, columns = picture.shape[-2:]
    top, bottom, down = _places(rows, side, picture)
    left, right, across = _places(columns, side, picture)
    above, below = picture.index_select(-2, top), picture.index_select(-2, bottom)
    above = torch.lerp(above.index_select(-1, left), above.index_select(-1, right), across)
    below = torch.lerp(below.index_select(-1, left), below.index_select(-1, right), across)
    return torch.lerp(above, below, down[:, None])


def _places(before: int, after: int, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    place = torch.arange(after, dtype=torch.float32) * (before / after)
    lower = place.floor()
    first = lower.long().clamp(max=before - 1)
    return first, (first + 1).clamp(max=before - 1), (place - lower).to(picture.dtype)


@lru_cache(maxsize=1)
def _load(path: Path, modified_ns: int) -> Network:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for what is not a plain state dict
        raise UserError(
            f"{path} does not read as plain weights; give the state dict of the FID Inception-V3 (.pth), "
            "not a TorchScript archive or a pickled model"
        ) from error
    if not isinstance(tensors, dict):
        raise UserError(f"{path} holds a {type(tensors).__name__}; give the state dict of the FID Inception-V3 (.pth)")
    return Network.from_weights(tensors, str(path))


@lru_cache(maxsize=8)
def _digest(path: Path, modified_ns: int) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
