"""Which frames the page carries inside itself, and as what: the stored bytes where they fit, smaller ones where not."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from simulacra.copying.result import CopyResult
from simulacra.reports.pictures import evenly, fitted, webp_bytes

BUDGET = 24_000_000
"""Bytes of pictures in one page, before base64 makes them a third longer."""

MOST_FRAMES = 200
"""Frames of one chain, once not every frame fits."""

_SAMPLE = 8  # frames encoded on trial to foretell how large all will be
_MARGIN = 1.2  # what the trial may fall short by
_TOGETHER = 16  # images encoded ahead of the writer


@dataclass(frozen=True)
class Encoding:
    """How a frame is made smaller for the page."""

    longest: int | None  # pixels of the longer side; None leaves the size
    quality: int  # of lossy WebP

    def __str__(self) -> str:
        size = "" if self.longest is None else f" at most {self.longest} px long"
        return f"lossy WebP of quality {self.quality}{size}"


Encodings = Sequence[Encoding | None]
"""One a chain; None is the stored file."""

Kept = Sequence[Sequence[int]]
"""The frames kept of each chain."""

LADDER = (
    Encoding(None, 90),
    Encoding(None, 75),
    Encoding(512, 75),
    Encoding(384, 70),
    Encoding(256, 60),
    Encoding(160, 50),
)
"""From hardly visible to thumbnails; the first that fits is taken."""


@dataclass(frozen=True)
class Carried:
    """The frames of a page."""

    images: tuple[tuple[Path, Encoding | None], ...]  # stored file, and how it is re-encoded; None as stored
    places: tuple[tuple[tuple[int, int], ...], ...]  # a chain: (frame, number of its image), frames increasing
    exact: tuple[bool, ...]  # a chain: its pictures are the stored pixels
    told: str  # one sentence for the reader

    def data(self) -> Iterator[str]:
        """The images as base64 text, in order; only a few are in memory at a time."""
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(self.images), _TOGETHER):
                yield from pool.map(_base64, self.images[start : start + _TOGETHER])


def carry(result: CopyResult, budget: int = BUDGET) -> Carried:
    """Choose what the page carries.

    Every frame as stored, if all fit. Else a long chain is sampled evenly, then the controls are made smaller, then the
    chains in question too, until all fit.
    """
    every = [list(range(len(chain.frames))) for chain in result.chains]
    stored: Encodings = [None] * len(result.chains)
    if _bytes_needed(result, every, stored) <= budget:
        return _carried(result, every, stored)
    limit = MOST_FRAMES
    while True:
        kept = [evenly(len(chain.frames), limit) for chain in result.chains]
        for encodings in _candidates(result):
            if _bytes_needed(result, kept, encodings) <= budget:
                return _carried(result, kept, encodings)
        if limit == 2:  # first and last frames as thumbnails: a page cannot be smaller and still be one
            return _carried(result, kept, encodings)
        limit = max(2, limit // 2)


def _candidates(result: CopyResult) -> Iterator[Encodings]:
    yield [None] * len(result.chains)
    for control in LADDER:
        yield [control if chain.control else None for chain in result.chains]
    for encoding in LADDER:
        yield [encoding] * len(result.chains)


def _bytes_needed(result: CopyResult, kept: Kept, encodings: Encodings) -> float:
    """About how many bytes the images will have; exact for stored ones, foretold from a few for the others."""
    groups: dict[Encoding | None, dict[str, Path]] = {}
    for chain, indices, encoding in zip(result.chains, kept, encodings, strict=True):
        group = groups.setdefault(encoding, {})
        for index in indices:
            group.setdefault(chain.frames[index].blob, result.frame_file(chain.frames[index]))
    total = 0.0
    for encoding, files in groups.items():
        paths = list(files.values())
        if encoding is None:
            total += sum(path.stat().st_size for path in paths)
        else:
            trial = [len(_bytes(paths[place], encoding)) for place in evenly(len(paths), _SAMPLE)]
            total += sum(trial) / len(trial) * len(paths) * _MARGIN
    return total


def _carried(result: CopyResult, kept: Kept, encodings: Encodings) -> Carried:
    numbers: dict[tuple[str, Encoding | None], int] = {}
    images: list[tuple[Path, Encoding | None]] = []
    places = []
    for chain, indices, encoding in zip(result.chains, kept, encodings, strict=True):
        place = []
        for index in indices:
            frame = chain.frames[index]
            key = (frame.blob, encoding)
            if key not in numbers:
                numbers[key] = len(images)
                images.append((result.frame_file(frame), encoding))
            place.append((index, numbers[key]))
        places.append(tuple(place))
    exact = tuple(encoding is None for encoding in encodings)
    return Carried(tuple(images), tuple(places), exact, _told(result, kept, encodings))


def _told(result: CopyResult, kept: Kept, encodings: Encodings) -> str:
    """What the reader has to know about the pictures on the page, in words."""
    sampled = any(len(indices) < len(chain.frames) for chain, indices in zip(result.chains, kept, strict=True))
    if not sampled and not any(encodings):
        return "The page carries every frame as it was stored, without loss."
    parts = []
    if sampled:
        parts.append(f"carries at most {max(map(len, kept))} frames a chain, evenly spaced, while the curves keep all")
    for control, name in ((False, "the frames of the chains in question"), (True, "the frames of the controls")):
        used = {
            e for chain, e in zip(result.chains, encodings, strict=True) if chain.control == control and e is not None
        }
        parts += [f"shows {name} as {encoding}" for encoding in used]
    return f"To stay small, the page {' and '.join(parts)}; the store keeps every frame without loss."


def _base64(image: tuple[Path, Encoding | None]) -> str:
    return b64encode(_bytes(*image)).decode()


def _bytes(file: Path, encoding: Encoding | None) -> bytes:
    if encoding is None:
        return file.read_bytes()
    with Image.open(file) as stored:
        picture = stored.convert("RGB")
    if encoding.longest is not None:
        picture = fitted(picture, encoding.longest, encoding.longest)
    return webp_bytes(picture, encoding.quality)
