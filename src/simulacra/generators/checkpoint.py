"""The one file a fit goes on from: whole or absent, and known by what it is a fit of."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel
from torch import Tensor

from simulacra.errors import UserError
from simulacra.runs.atomic import writing_to
from simulacra.runs.tensor_file import TensorFile


class _Header(BaseModel):
    """What the file says about itself."""

    fit: str  # its identity
    step: int


_FILE = TensorFile(
    noun="checkpoint",
    format="generator-fit",
    version=1,
    header=_Header,
    remedy="delete it, and the same command begins this fit again",
)


class Checkpoint:
    """A folder's checkpoint of one fit.

    Args:
        folder: made when something is written.
        identity: of the fit.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._path = folder / "fit.safetensors"
        self._identity = identity

    def read(self) -> tuple[dict[str, Tensor], int] | None:
        """Tensors by name and the steps that were done; None where there is none of this fit that can be read."""
        try:
            header, tensors = _FILE.read(self._path)
        except UserError:  # none yet, or damaged: the fit begins again and writes another
            return None
        return (tensors, header.step) if header.fit == self._identity else None

    def write(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Replace the file.

        Raises:
            StoreFull: no space is left; what was there before is whole.
            UserError: the folder cannot be written.
        """
        with writing_to(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        _FILE.write(self._path, tensors, _Header(fit=self._identity, step=step))


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) of named tensors: names, types, shapes and bits."""
    digest = sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
