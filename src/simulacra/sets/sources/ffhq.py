"""FFHQ as its authors hand it out: folders of PNG files and one JSON file with landmarks, authors and licences."""

import json
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.sets.align import four_points
from simulacra.sets.archive import FolderArchive
from simulacra.sets.layout import Attribute
from simulacra.sets.sources.files import Files

ALIGNED = ("image", "thumbnail")
WILD = "in_the_wild"
"""Sections of an entry: the pictures of 1024 px, of 128 px, and the photographs they were cut out of."""


class FFHQ(Files):
    """The pictures that an `ffhq-dataset*.json` lists: those of 1024 px, else those of 128 px; in the wild to align.

    Attributes are `category` (training, validation) and `licence`, as each photographer has chosen it.
    """

    licence: ClassVar[str] = "of each photograph its author's own; of the set CC BY-NC-SA 4.0"

    def __init__(self, archive: FolderArchive, align: bool) -> None:
        super().__init__(archive)
        description = next(name for name in archive.names if _is_description(name))
        where = f"{description} in {printable(archive.path)}"
        try:
            entries = list(json.loads(archive.read(description)).values())
            listed = {part: {entry[part]["file_path"]: entry for entry in entries} for part in (*ALIGNED, WILD)}
            # Each section in turn, and the first of which a picture is here.
            sections = (WILD,) if align else ALIGNED
            part = next((part for part in sections if any(name in listed[part] for name in self.names)), None)
            if part is None:
                raise UserError(f"none of the pictures that {where} lists as {' or '.join(sections)} is here; get them")
            self.names = tuple(name for name in self.names if name in listed[part])
            chosen: list[dict[str, Any]] = [listed[part][name] for name in self.names]
            self.attributes = {
                "category": _attribute([entry["category"] for entry in chosen]),
                "licence": _attribute([entry["metadata"]["license"] for entry in chosen]),
            }
            if align:
                landmarks = [entry[part]["face_landmarks"] for entry in chosen]
                self.points = {name: four_points(face, name) for name, face in zip(self.names, landmarks, strict=True)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{where} is not what FFHQ comes with: {error!r}; get a whole copy of it") from error
        self.facts = {"kind": "ffhq", "name": archive.path.resolve().name, "licence": self.licence}

    @staticmethod
    def is_in(archive: FolderArchive) -> bool:
        """Whether a folder holds FFHQ's description."""
        return any(_is_description(name) for name in archive.names)


def _is_description(name: str) -> bool:
    return "/" not in name and PurePosixPath(name).match("ffhq-dataset*.json")


def _attribute(given: list[str]) -> Attribute:
    values, codes = np.unique(np.array(given, dtype=np.str_), return_inverse=True)
    return Attribute(tuple(values.tolist()), codes.astype(np.int64))
