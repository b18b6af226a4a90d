"""The pictures of the benchmark: eight small files inside the package, so that any machine has them offline."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "pictures"

LONGEST_SIDE = 256
"""Pixels of the longer side of every picture of the set."""


@dataclass(frozen=True)
class SetPicture:
    """One picture of the set, and where it comes from."""

    name: str
    shows: str  # why it is in the set
    title: str
    source: str
    licence: str
    digest: str  # of its pixels

    @property
    def file(self) -> Path:
        """A lossless WebP."""
        return _FOLDER / f"{self.name}.webp"


@dataclass(frozen=True)
class PictureSet:
    """All of them, under a version: results of two versions do not mix."""

    version: int
    pictures: tuple[SetPicture, ...]


@cache
def picture_set() -> PictureSet:
    """The set that comes with this version of the package."""
    table = tomllib.loads((_FOLDER / "set.toml").read_text(encoding="utf-8"))
    return PictureSet(table["version"], tuple(SetPicture(**entry) for entry in table["picture"]))
