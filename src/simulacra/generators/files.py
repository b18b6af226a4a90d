"""Generators on disk: one safetensors file with the family and its parameters inside, read as data."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from simulacra.errors import UserError
from simulacra.generators.contract import Generator
from simulacra.generators.specification import family
from simulacra.runs.tensor_file import TensorFile


class _Header(BaseModel):
    """What the file says about itself."""

    family: str
    family_version: int
    parameters: dict[str, Any]


_FILE = TensorFile(
    noun="generator",
    format="generator",
    version=1,
    header=_Header,
    remedy="give a generator's file as it was saved",
)


def save_generator(generator: Generator, path: Path) -> None:
    """Write a fitted generator; a reader finds the whole of it or what was there before.

    Args:
        generator: any family.
        path: of the file, by custom `.safetensors`; its folder exists.

    Raises:
        UserError: it has learnt nothing yet, or the file cannot be written.
    """
    if not generator.fitted:
        raise UserError(f"generator {generator.family} has learnt nothing yet; fit it before it is saved")
    header = _Header(
        family=generator.family,
        family_version=generator.version,
        parameters=generator.parameters.model_dump(mode="json"),
    )
    _FILE.write(path, generator.state(), header)


def load_generator(path: Path) -> Generator:
    """Read a generator, of whatever family it is.

    Args:
        path: of a file that `save_generator` wrote.

    Raises:
        UserError: the file cannot be read, is damaged, holds no generator, or one of a family that is not known here.
    """
    header, tensors = _FILE.read(path)
    kind = family(header.family)
    if header.family_version > kind.version:
        raise UserError(f"{path} was written by a newer simulacra than this one; install a newer one")
    try:
        parameters = kind.Parameters.model_validate(header.parameters)
    except ValidationError as error:
        raise UserError(f"{path} has parameters that generator {kind.family} does not take; save it again") from error
    return kind(parameters).with_state(tensors)
