"""Named tensors with a header of JSON in one safetensors file: written whole, read as data, checked before it is used.

What the file is stands under one key of its metadata: the name of its format, the version of that, and a header with
what else there is to know.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from simulacra.errors import UserError
from simulacra.runs.atomic import place, writing_to

if TYPE_CHECKING:
    from torch import Tensor

_KEY = "simulacra"  # one entry only: the order of several would differ from file to file

Header = TypeVar("Header", bound=BaseModel)


class _Said(BaseModel):
    """What every file says; the fields of its header stand beside these."""

    model_config = ConfigDict(extra="allow")

    format: str
    version: int


@dataclass(frozen=True)
class TensorFile(Generic[Header]):
    """A kind of file; equal tensors and headers are equal bytes."""

    noun: str
    """What messages and write points call what it holds: "network"."""
    format: str
    """Its name in the file."""
    version: int
    """Raised whenever what it holds means something else; files of later versions are refused."""
    header: type[Header]
    """What the file says about itself; neither `format` nor `version` is a field of it."""
    remedy: str
    """What to do about a file that is damaged or something else."""

    def write(self, path: Path, tensors: "Mapping[str, Tensor]", header: Header) -> None:
        """Write a file; a reader finds the whole of it or what was there before.

        Args:
            path: by custom `.safetensors`; its folder exists.
            tensors: by name, on any device.
            header: every number in it finite.

        Raises:
            StoreFull: no space is left.
            UserError: the file cannot be written for another reason.
        """
        import safetensors.torch

        text = {"format": self.format, "version": self.version, **header.model_dump(mode="json")}
        stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        data = safetensors.torch.save(stored, {_KEY: json.dumps(text, sort_keys=True, allow_nan=False)})
        with writing_to(path.parent):
            place(path, data, self.noun)

    def read(self, path: Path) -> "tuple[Header, dict[str, Tensor]]":
        """The header and the tensors of a file, these on the processor.

        Raises:
            UserError: the file cannot be read, is damaged, is of a later version, or holds something else.
        """
        with self._opened(path) as file:
            header = self._header(path, file)
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping

    def read_header(self, path: Path) -> Header:
        """The header alone; see `read`."""
        with self._opened(path) as file:
            return self._header(path, file)

    @contextmanager
    def _opened(self, path: Path) -> Iterator[Any]:
        from safetensors import SafetensorError, safe_open

        try:
            # Opened first as any file: what the system answers then has a reason that a person can read.
            with path.open("rb"), safe_open(path, framework="pt") as file:
                yield file
        except OSError as error:
            raise UserError(
                f"{path} cannot be read ({error.strerror}); the file of a {self.noun} is needed there"
            ) from error
        except (SafetensorError, ValueError) as error:
            raise UserError(f"{path} is cut off, damaged or of another format; {self.remedy}") from error

    def _header(self, path: Path, file: Any) -> Header:
        text = (file.metadata() or {}).get(_KEY)
        said = None if text is None else _Said.model_validate_json(text)
        if said is None or said.format != self.format:
            raise UserError(f"{path} holds tensors, but no {self.noun} of simulacra; {self.remedy}")
        if said.version > self.version:
            raise UserError(
                f"{path} is of version {said.version}; this simulacra reads up to {self.version}: install a newer one"
            )
        return self.header.model_validate(said.model_extra)
