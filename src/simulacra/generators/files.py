"""Generators on disk: one safetensors file with the family and its parameters inside, read as data."""

import json
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open

from simulacra.errors import UserError
from simulacra.generators.contract import Generator
from simulacra.generators.specification import family
from simulacra.runs.atomic import place, writing_to

_KEY = "simulacra"  # one entry only: the order of several would differ from file to file
_VERSION = 1


class _Header(BaseModel):
    """What the file says about itself."""

    format: Literal["generator"] = "generator"
    version: int = _VERSION
    family: str
    family_version: int
    parameters: dict[str, Any]


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
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state().items()}
    data = safetensors.torch.save(tensors, {_KEY: json.dumps(header.model_dump(), sort_keys=True, allow_nan=False)})
    with writing_to(path.parent):
        place(path, data, "generator")


def load_generator(path: Path) -> Generator:
    """Read a generator, of whatever family it is.

    Args:
        path: of a file that `save_generator` wrote.

    Raises:
        UserError: the file cannot be read, is damaged, holds no generator, or one of a family that is not known here.
    """
    try:
        with path.open("rb"), safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            if text is None:
                raise UserError(f"{path} holds tensors, but no generator; give a file that simulacra saved")
            header = _Header.model_validate_json(text)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); give the path of a generator's file") from error
    except (SafetensorError, ValueError) as error:
        raise UserError(
            f"{path} is cut off, damaged or of another format; give a generator's file as it was saved"
        ) from error
    kind = family(header.family)
    if header.version > _VERSION or header.family_version > kind.version:
        raise UserError(f"{path} was written by a newer simulacra than this one; install a newer one")
    try:
        parameters = kind.Parameters.model_validate(header.parameters)
    except ValidationError as error:
        raise UserError(f"{path} has parameters that generator {kind.family} does not take; save it again") from error
    return kind(parameters).with_state(tensors)
