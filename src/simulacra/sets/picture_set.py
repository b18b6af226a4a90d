"""A set of pictures, opened: uint8 by index, from any thread or process, decoded once where it fits into memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import extensions
from simulacra.sets.archive import Archive, open_archive
from simulacra.sets.layout import DESCRIPTION, Attribute, Description, read_description

MEMORY_BYTES = 2**30
"""A set whose pixels need no more than this is kept decoded."""

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
"""The modes a picture of a set may have, and how many channels each has."""

Shape = tuple[int, int, int]
"""Channels, height and width of a picture."""


class PictureSet:
    """A zip or folder of square pictures of one size and mode, with `dataset.json` beside them or without.

    Pictures are in the order of their names. Reading is safe from several threads, after a fork, and after pickling,
    which carries the path and no pixels.

    Args:
        path: of the zip or folder.
        memory_bytes: keep the pixels once decoded if all of them need no more than this; 0 keeps none.

    Raises:
        UserError: there is no set here, it holds no picture, its pictures are not square or not of one size and mode,
            or its labels miss one. Pictures of a set that `build` wrote are looked at when they are read.
    """

    def __init__(self, path: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.path = path
        self.memory_bytes = memory_bytes
        self._archive: Archive = open_archive(path)
        known = extensions()
        self.names = tuple(name for name in self._archive.names if Path(name).suffix.lower() in known)
        if not self.names:
            raise UserError(f"{self._where} holds no picture; build a set: simulacra data build SOURCE OUT.zip")
        description = self._describe()
        self.labels = _as_vectors(description)  # (N, D), float32: one-hot for classes; None without labels
        self.attributes: Mapping[str, Attribute] = description.attributes
        self.facts: Mapping[str, Any] = description.facts  # how the set was built; empty if another tool did
        self._shape = self._agreed_shape()
        decoded = len(self) * int(np.prod(self._shape))
        # The system gives pages as they are written, so a set of which little is read takes little.
        self._kept = np.zeros((len(self), *self._shape), dtype=np.uint8) if decoded <= memory_bytes else None
        self._is_kept = np.zeros(len(self), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def resolution(self) -> int:
        """Height and width of each picture in pixels."""
        return self._shape[1]

    @property
    def real(self) -> bool:
        """Whether its description says that no generator made these pictures; what came as files may be anything."""
        return bool(self.facts.get("source", {}).get("kind", "files") != "files")

    @property
    def kept_bytes(self) -> int:
        """Memory that decoded pictures take once all were read."""
        return 0 if self._kept is None else self._kept.nbytes

    @property
    def channels(self) -> int:
        """1: grey; 3: RGB; 4: RGB with alpha, not premultiplied."""
        return self._shape[0]

    @property
    def label_dimensions(self) -> int:
        """Length of a label; 0 without labels."""
        return 0 if self.labels is None else self.labels.shape[1]

    @property
    def classes(self) -> NDArray[np.int64] | None:
        """The class of each picture, shape (N,); None without labels, and where they are no classes."""
        vectors = self.labels
        if vectors is None or not bool(((vectors == 0) | (vectors == 1)).all() and (vectors.sum(1) == 1).all()):
            return None
        classes: NDArray[np.int64] = vectors.argmax(1).astype(np.int64)
        return classes

    @cached_property
    def digest(self) -> str:
        """Identity of the content: names, lengths and checksums of the files, labels and attributes.

        Equal for a zip and the same files in a folder. A zip answers from its directory, a folder is read whole; every
        picture that is read is compared with the checksum that stands in here.
        """
        digest = sha256()
        for name in self.names:
            length, checksum = self._archive.checksum(name)
            digest.update(f"{name}\0{length}\0{checksum:08x}\n".encode())
        labels = {} if self.labels is None else {"": sha256(np.ascontiguousarray(self.labels).data).hexdigest()}
        for name, attribute in self.attributes.items():
            codes = sha256(attribute.codes.astype("<i8").data).hexdigest()
            labels[name] = f"{' '.join(map(repr, attribute.values))} {codes}"
        return identity("picture-set", {"pictures": digest.hexdigest(), "labels": labels})

    def pictures(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Pictures by index.

        Args:
            indices: shape (N,), whole numbers from 0 to the length of the set less one.

        Returns:
            Shape (N, C, H, W), uint8, memory of its own.

        Raises:
            UserError: a picture is damaged, or of another size or mode than the first.
        """
        wanted = np.asarray(indices, dtype=np.int64).reshape(-1)
        if self._kept is None:
            return np.stack([self._decode(index) for index in wanted.tolist()])
        for index in np.unique(wanted[~self._is_kept[wanted]]).tolist():
            self._kept[index] = self._decode(index)
            self._is_kept[index] = True  # after the pixels: another thread that sees this finds them there
        return self._kept[wanted]

    def verify(self, report: Callable[[int], None] | None = None) -> tuple[list[str], str]:
        """Decode every picture again.

        Args:
            report: told how many are done.

        Returns:
            A sentence for each picture that is damaged, and the digest of all pixels as `build` notes it.
        """
        problems, digests = [], []
        for index in range(len(self)):
            try:
                digests.append(picture_digest(self._decode(index)))
            except UserError as error:
                problems.append(str(error))
            if report is not None:
                report(index + 1)
        return problems, pixels_digest(digests)

    @property
    def _where(self) -> str:
        return printable(self.path)

    def _describe(self) -> Description:
        if DESCRIPTION not in self._archive.names:
            return Description()
        return read_description(self._archive.read(DESCRIPTION), self.names, f"{DESCRIPTION} of {self._where}")

    def _agreed_shape(self) -> Shape:
        """The shape of the first picture, which `build` has made that of all; elsewhere every header is read."""
        shape = self._header(0)
        if shape[1] != shape[2]:
            raise UserError(
                f"{self.names[0]} in {self._where} is {shape[2]}x{shape[1]} px, and pictures of a set are square; "
                f"build one: simulacra data build {self._where} OUT.zip --fit crop"
            )
        for index in range(1, 1 if self.facts else len(self)):
            self._refuse_unlike(self._header(index), shape, index)
        return shape

    def _header(self, index: int) -> Shape:
        try:
            image = self._opened(index, self._archive.head(self.names[index]))
        except UserError:  # damaged, or one of the rare files with more in front than a head holds
            image = self._opened(index, self._archive.read(self.names[index]))
        with image:
            return _CHANNELS[image.mode], image.height, image.width

    def _decode(self, index: int) -> NDArray[np.uint8]:
        with self._opened(index, self._archive.read(self.names[index])) as image:
            try:
                pixels = np.array(image)
            except (OSError, SyntaxError, ValueError) as error:
                raise self._damaged(index, error) from error
        picture = np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
        channels, height, width = picture.shape
        self._refuse_unlike((channels, height, width), self._shape, index)
        return picture

    def _opened(self, index: int, data: bytes) -> Image.Image:
        try:
            image = Image.open(BytesIO(data))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise self._damaged(index, error) from error
        if image.mode not in _CHANNELS:
            raise UserError(
                f"{self.names[index]} in {self._where} has mode {image.mode}, and a set holds L, RGB or RGBA; "
                f"build one: simulacra data build {self._where} OUT.zip"
            )
        return image

    def _damaged(self, index: int, error: Exception) -> UserError:
        reason = printable(next(iter(str(error).splitlines()), ""))
        return UserError(
            f"{self.names[index]} in {self._where} is damaged or no picture: {reason}; build the set again "
            f"(simulacra data info {self._where} --verify names every such picture)"
        )

    def _refuse_unlike(self, shape: Shape, first: Shape, index: int) -> None:
        if shape != first:
            (channels, height, width), (channels_0, height_0, width_0) = shape, first
            raise UserError(
                f"{self.names[index]} in {self._where} is {width}x{height} px with {channels} channels, but "
                f"{self.names[0]} is {width_0}x{height_0} px with {channels_0}; make them alike: "
                f"simulacra data build {self._where} OUT.zip --resolution {height_0} --fit crop"
            )

    def __reduce__(self) -> tuple[Callable[..., "PictureSet"], tuple[Path, int]]:
        return _reopen, (self.path, self.memory_bytes)


def picture_digest(picture: NDArray[np.uint8]) -> bytes:
    """SHA-256 of one picture, shape (C, H, W), uint8: of its shape and pixels, whatever file holds it."""
    shape = "{}x{}x{} ".format(*picture.shape)
    return sha256(shape.encode() + np.ascontiguousarray(picture).data).digest()


def pixels_digest(pictures: Iterable[bytes]) -> str:
    """Identity of all pixels of a set in order: `pixels1:` and the SHA-256, in hex, of every `picture_digest`."""
    digest = sha256()
    for one in pictures:
        digest.update(one)
    return f"pixels1:{digest.hexdigest()}"


def feature_key(pictures: PictureSet, features: str, indices: Sequence[int] | None = None) -> str:
    """The name under which features of a set may be kept: another set, other features or other pictures have another.

    Args:
        pictures: the set.
        features: digest of what computes them: network, version, resizing.
        indices: which pictures, in order; None means all.
    """
    chosen = None if indices is None else sha256(np.asarray(indices, dtype="<i8").data).hexdigest()
    return identity("set-features", {"set": pictures.digest, "features": features, "indices": chosen})


def _reopen(path: Path, memory_bytes: int) -> PictureSet:
    return PictureSet(path, memory_bytes=memory_bytes)


def _as_vectors(description: Description) -> NDArray[np.float32] | None:
    """Class numbers as one-hot rows, vectors as they are."""
    if description.labels is None:
        return None
    if description.labels.ndim == 2:
        return description.labels.astype(np.float32, copy=False)
    classes = description.labels.astype(np.int64)
    count = int(classes.max()) + 1
    named = description.attributes.get(description.facts.get("label") or "")
    if named is not None:
        count = max(count, len(named.values))  # the last class may have no picture here
    vectors = np.zeros((len(classes), count), dtype=np.float32)
    vectors[np.arange(len(classes)), classes] = 1
    return vectors
