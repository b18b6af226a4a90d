"""CelebA as its authors hand it out: a folder of JPEG files, forty attributes and five landmarks in text files."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.sets.align import Points
from simulacra.sets.archive import FolderArchive
from simulacra.sets.layout import Attribute, refuse_unlabelled
from simulacra.sets.sources.files import Files

ATTRIBUTES = "list_attr_celeba.txt"
LANDMARKS = "list_landmarks_celeba.txt"
ALIGNED_LANDMARKS = "list_landmarks_align_celeba.txt"


class CelebA(Files):
    """The pictures in a folder that holds `list_attr_celeba.txt`, there or deeper.

    Each of the forty attributes has the values `no` and `yes`. Landmarks are those of the aligned pictures where the
    pictures lie in a folder whose name says so (`img_align_celeba`), else those of the pictures in the wild.
    """

    licence: ClassVar[str] = "CelebA's own terms: non-commercial research only"

    def __init__(self, archive: FolderArchive, align: bool) -> None:
        super().__init__(archive)
        rows, where = [PurePosixPath(name).name for name in self.names], printable(archive.path)
        heads, table = self._table(ATTRIBUTES)
        refuse_unlabelled(rows, table, f"{ATTRIBUTES} in {where}")
        codes = (np.array([table[row] for row in rows]) > 0).astype(np.int64)  # -1 is no, 1 is yes
        self.attributes = {head: Attribute(("no", "yes"), codes[:, column]) for column, head in enumerate(heads)}
        self.facts = {"kind": "celeba", "name": archive.path.resolve().name, "licence": self.licence}
        if align:
            file = ALIGNED_LANDMARKS if "align" in str(PurePosixPath(self.names[0]).parent) else LANDMARKS
            _, table = self._table(file)
            refuse_unlabelled(rows, table, f"{file} in {where}")
            self.points = {name: _points(table[row]) for name, row in zip(self.names, rows, strict=True)}

    @staticmethod
    def is_in(archive: FolderArchive) -> bool:
        """Whether a folder holds CelebA's attributes."""
        return any(PurePosixPath(name).name == ATTRIBUTES for name in archive.names)

    def _table(self, file: str) -> tuple[list[str], dict[str, list[float]]]:
        """The heads and the rows by picture of one of the text files."""
        found = next((name for name in self.archive.names if PurePosixPath(name).name == file), None)
        where = f"{file} in {printable(self.archive.path)}"
        if found is None:
            raise UserError(f"{where} is missing; put it there, or leave out --align")
        lines = self._lines(found)
        try:
            next(lines)  # how many rows follow
            heads = next(lines).split()
            rows = {name: [float(value) for value in values] for name, *values in map(str.split, lines) if name}
        except (StopIteration, ValueError) as error:
            raise UserError(f"{where} is not what CelebA comes with: {error}; get a whole copy of it") from error
        odd = next((name for name, values in rows.items() if len(values) != len(heads)), None)
        if odd is not None:
            raise UserError(f"{where} has {len(rows[odd])} values for {odd} under {len(heads)} heads; get a whole copy")
        return heads, rows

    def _lines(self, name: str) -> Iterator[str]:
        text = self.archive.read(name).decode("utf-8", "replace")
        return (line for line in text.splitlines() if line.strip())


def _points(row: list[float]) -> Points:
    """Left eye, right eye, nose, left and right corner of the mouth; the nose is not needed."""
    return np.array(row, dtype=np.float64).reshape(5, 2)[[0, 1, 3, 4]]
