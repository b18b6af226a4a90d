"""Where pictures come from: folders, zips, LSUN, TFRecords, CelebA, FFHQ, digits, and faces drawn from a design."""

from pathlib import Path

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.sets.archive import FolderArchive, open_archive
from simulacra.sets.sources.celeba import CelebA
from simulacra.sets.sources.contract import Source
from simulacra.sets.sources.ffhq import FFHQ
from simulacra.sets.sources.files import Files
from simulacra.sets.sources.lsun import LSUN
from simulacra.sets.sources.tfrecords import TFRecords

__all__ = ["Source", "source_of"]


def source_of(path: Path, *, resolution: int | None = None, align: bool = False) -> Source:
    """The source that lies at a path, known by what lies there.

    - a file or folder with `.tfrecords`: the official TFRecords, of the resolution asked for where there are several
    - a folder with `data.mdb`: an LSUN database
    - a folder with `list_attr_celeba.txt` in it: CelebA
    - a folder with an `ffhq-dataset*.json`: FFHQ
    - another folder, with all folders in it, or a zip: its picture files, with the labels of a `dataset.json`

    Args:
        path: of a file or folder.
        resolution: pixels a side that are wanted; None means the most there are.
        align: faces will be cut out by their landmarks, so FFHQ's photographs in the wild are what is wanted.

    Raises:
        UserError: there is nothing here, or no picture in it.
    """
    if path.suffix == ".tfrecords" or (path.is_dir() and any(path.glob("*.tfrecords"))):
        return TFRecords(path, resolution)
    if (path / "data.mdb").is_file():
        return LSUN(path)
    archive = open_archive(path)
    if not archive.names:
        raise UserError(f"{printable(path)} is empty; give a folder, a zip or a database with pictures")
    if isinstance(archive, FolderArchive):
        for kind in (CelebA, FFHQ):
            if kind.is_in(archive):
                return kind(archive, align)
    return Files(archive)
