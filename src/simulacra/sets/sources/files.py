"""Picture files in a folder or a zip, with the labels of a `dataset.json` where there is one."""

from io import BytesIO
from pathlib import PurePosixPath

import numpy as np

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import OpenedPicture, extensions, read_picture
from simulacra.sets.archive import Archive
from simulacra.sets.layout import DESCRIPTION, Attribute, read_description
from simulacra.sets.sources.contract import Source

KEPT_FACTS = ("licence", "credit")
"""What a set built from another set takes over from its description."""


class Files(Source):
    """Every picture file of an archive, in the order of the names.

    Without `dataset.json`, where the pictures lie in two or more folders, the first folder of each is its attribute
    `folder`: a folder a class, as many sets come.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.names = picture_names(archive)
        where = printable(archive.path)
        if not self.names:
            raise UserError(f"{where} holds no picture; give a folder or a zip with picture files in it")
        self.facts = {"kind": "files", "name": archive.path.resolve().name}
        if DESCRIPTION in archive.names:
            found = read_description(archive.read(DESCRIPTION), self.names, f"{DESCRIPTION} of {where}")
            self.labels, self.attributes = found.labels, found.attributes
            before = found.facts.get("source", {})
            self.facts |= {key: before[key] for key in KEPT_FACTS if key in before}
        else:
            self.attributes = _folders(self.names)

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One picture, by the rules of `images.open`."""
        name = self.names[index]
        return read_picture(BytesIO(self.archive.read(name)), printable(name), alpha=alpha)


def picture_names(archive: Archive) -> tuple[str, ...]:
    """The names in an archive that end like those of pictures."""
    known = extensions()
    return tuple(name for name in archive.names if PurePosixPath(name).suffix.lower() in known)


def _folders(names: tuple[str, ...]) -> dict[str, Attribute]:
    tops = [name.split("/")[0] if "/" in name else "." for name in names]
    values = tuple(sorted(set(tops)))
    if len(values) < 2:
        return {}
    codes = {value: code for code, value in enumerate(values)}
    return {"folder": Attribute(values, np.array([codes[top] for top in tops], dtype=np.int64))}
