"""Networks on disk: one safetensors file with the description inside, read as data and checked before it is used."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from simulacra.canonical import canonical_json
from simulacra.errors import UserError
from simulacra.runs.tensor_file import TensorFile
from simulacra.stylegan.networks.build import empty_discriminator
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.discriminator import Discriminator
from simulacra.stylegan.networks.generator import Generator

Network = Generator | Discriminator


class _Header(BaseModel):
    """What the file says about itself."""

    kind: Literal["generator", "discriminator"]
    description: dict[str, Any]
    notes: dict[str, Any]


_FILE = TensorFile(
    noun="network",
    format="stylegan-network",
    version=1,
    header=_Header,
    remedy="give a network's file as it was saved",
)


def save_network(network: Network, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a network; a reader finds the whole of it or what was there before.

    Args:
        network: generator or discriminator.
        path: of the file, by custom `.safetensors`; its folder exists.
        notes: what else to keep with it, fit for JSON, such as the data it was trained on.

    Raises:
        UserError: the file cannot be written.
    """
    header = _Header(kind=_kind(network), description=network.description.to_json(), notes=dict(notes or {}))
    _FILE.write(path, network.state_dict(), header)


def load_generator(path: Path, expected: Description | None = None) -> Generator:
    """Read a generator.

    Args:
        path: of a file that `save_network` wrote.
        expected: what it must be; None for whatever it is.

    Returns:
        The network on the processor, with gradients, in training mode as any new module.

    Raises:
        UserError: the file cannot be read, is damaged, holds no generator, or one of another description.
    """
    description, tensors = _read(path, "generator", expected)
    with torch.device("meta"):  # no memory for weights that are replaced at once
        network = Generator(description)
    _fill(network, tensors, path)
    return network


def load_discriminator(path: Path, expected: Description | None = None) -> Discriminator:
    """Read a discriminator; see `load_generator`."""
    description, tensors = _read(path, "discriminator", expected)
    with torch.device("meta"):
        network = empty_discriminator(description)
    _fill(network, tensors, path)
    return network


def read_notes(path: Path) -> dict[str, Any]:
    """What was kept with a network; see `save_network`.

    Raises:
        UserError: the file cannot be read, is damaged, or holds no network.
    """
    return _FILE.read_header(path).notes


def digest(network: Network) -> str:
    """The identity of a network: SHA-256, hex, of its description and of every weight and buffer.

    It depends on nothing else: not on the file, the device, the memory format or the form of the operations.
    """
    hashed = sha256(f"{_kind(network)} {canonical_json(network.description.to_json())}".encode())
    for name, tensor in sorted(network.state_dict().items()):
        hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hashed.update(memoryview(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()))
    return hashed.hexdigest()


def _kind(network: Network) -> Literal["generator", "discriminator"]:
    return "generator" if isinstance(network, Generator) else "discriminator"


def _read(path: Path, kind: str, expected: Description | None) -> tuple[Description, dict[str, Tensor]]:
    header, tensors = _FILE.read(path)
    if header.kind != kind:
        raise UserError(f"{path} holds a {header.kind}; give the file of a {kind}")
    description = Description.from_json(header.description)
    if expected is not None and description != expected:
        raise UserError(f"{path} holds another network: {_difference(description, expected)}; give one that fits")
    return description, tensors


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    fits = {name: (tensor.shape, True) for name, tensor in network.state_dict().items()}
    if fits != {name: (tensor.shape, tensor.is_floating_point()) for name, tensor in tensors.items()}:
        raise UserError(f"{path} holds weights that do not fit its own description; give a file as it was saved")
    network.load_state_dict(tensors, assign=True)


def _difference(found: Description, expected: Description) -> str:
    one, other = found.to_json(), expected.to_json()
    name = next(name for name in one if one[name] != other[name])
    return f"its {name} is {one[name]}, where {other[name]} is needed"
