"""Frame 0: the pictures a person names, opened, fitted and labelled."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from simulacra.copying.plan import Source
from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import open_picture, picture_files
from simulacra.images.pixels import pixel_digest

DEFAULT_SIZE = 512
"""Pixels of the longer side at which pictures are copied unless told otherwise: where drift is usually measured."""

Size = int | Literal["original"]


def open_sources(pictures: Sequence[Path], size: Size, pixel_limit: int) -> list[Source]:
    """Open the pictures of a run at the size at which they will be copied.

    Args:
        pictures: files, and folders whose pictures are taken in order of name.
        size: the longest side in pixels; larger pictures are shrunk to it, smaller ones stay. "original" keeps all.
        pixel_limit: a file with more pixels is refused unread.

    Raises:
        UserError: a file is no picture or does not open, or a picture is given twice.
    """
    if size != "original" and size < 1:
        raise UserError(f"--size is {size}; it must be 1 or more pixels, or original")
    files = picture_files(pictures)
    if not files:
        raise UserError("no picture was given; name one or more files, such as: simulacra copy photo.jpg --copier jpeg")
    labels = _labels(files)
    sources: dict[str, Source] = {}
    for file, label in zip(files, labels, strict=True):
        opened = open_picture(file, pixel_limit=pixel_limit, longest_side=None if size == "original" else size)
        digest = pixel_digest(opened.pixels)
        if digest in sources:
            raise UserError(
                f"{printable(file)} holds the same picture as {sources[digest].label}; give each picture once"
            )
        sources[digest] = Source(label, opened.pixels, digest, opened.told)
    return list(sources.values())


def _labels(files: Sequence[Path]) -> list[str]:
    """The files' stems, numbered where two are alike."""
    stems = [printable(Path(file.stem)) for file in files]
    counts, seen = Counter(stems), Counter[str]()
    labels = []
    for stem in stems:
        seen[stem] += 1
        labels.append(f"{stem}-{seen[stem]}" if counts[stem] > 1 else stem)
    return labels
