"""The film of a run and its strip: what happened, in one moving and one still picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simulacra.copying.result import Chain, CopyResult
from simulacra.images.animation import schedule, write_gif, write_webp
from simulacra.images.pixels import Pixels
from simulacra.images.strip import contact_sheet, drift_spaced
from simulacra.reports.files import writing
from simulacra.reports.pictures import evenly, webp_bytes
from simulacra.reports.subjects import Subject, frame_at, number_at, subjects
from simulacra.reports.video import write_mp4
from simulacra.reports.words import DRIFT
from simulacra.runs.atomic import writing_to

LONGEST_FILM = 128
"""Frames; a longer chain is sampled evenly, its first and last frame always in."""

FILM_CHAINS = 4
"""Chains side by side at most."""

FILM_WIDTH, FILM_HEIGHT = 1024, 512
"""Pixels the whole film lies within."""

TILES = 11
"""Frames in a strip."""

_BACKGROUND = (0x11, 0x11, 0x11)
_INK = (0xF2, 0xF0, 0xEC)
_GAP = 4


def film_chains(result: CopyResult) -> tuple[Chain, ...]:
    """The chains a film shows: those in question of the first picture, then of the others, up to four."""
    return tuple(chain for subject in subjects(result) for chain in subject.chains)[:FILM_CHAINS]


def film_copies(result: CopyResult) -> list[int]:
    """The copies a film shows, at most `LONGEST_FILM`."""
    return evenly(max(len(chain.frames) for chain in film_chains(result)), LONGEST_FILM)


def write_film_webp(result: CopyResult, path: Path, *, drift: bool = False) -> None:
    """The film as animated WebP: frame number burnt in, easing in, resting on the first and the last frame.

    Args:
        result: the run.
        path: of the file.
        drift: whether the colour difference from frame 0 stands beside the number.
    """
    copies = film_copies(result)
    with writing_to(path.parent):
        write_webp(path, _film(result, copies, drift), schedule(len(copies)))


def write_film_gif(result: CopyResult, path: Path, *, drift: bool = False) -> None:
    """The film as GIF, for places that show nothing newer."""
    copies = film_copies(result)
    with writing_to(path.parent):
        write_gif(path, _film(result, copies, drift), schedule(len(copies)))


def write_film_mp4(result: CopyResult, path: Path, *, drift: bool = False) -> None:
    """The film as H.264, for places that play no animated picture; needs the extra `video`."""
    copies = film_copies(result)
    write_mp4(path, _film(result, copies, drift), schedule(len(copies)))


def strip_copies(subject: Subject) -> list[int]:
    """The copies of a strip, spaced by the drift of the subject's first chain; evenly where that was not measured."""
    chain = subject.chains[0]
    drift = [number_at(chain, "origin", DRIFT, frame.index) for frame in chain.frames]
    known = [value for value in drift if value is not None]
    return drift_spaced(known, TILES) if len(known) == len(drift) else evenly(len(drift), TILES)


def write_strip(result: CopyResult, path: Path) -> None:
    """The first picture's strip in one still picture: its first chain, beneath it, at the same copies, the others.

    These are the first chain of every remedy, and each control.
    """
    subject = subjects(result)[0]
    copies = strip_copies(subject)
    treated = tuple(chain for chain in subject.treated if chain.replicate == subject.chains[0].replicate)
    pictures: list[Pixels] = []
    labels: list[str] = []
    for chain in (subject.chains[0], *treated, *subject.controls):
        family = (chain.remedy or chain.copier).partition(":")[0]
        for copy in copies:
            index = frame_at(chain, copy)
            shape = result.frame_pixels(chain.frames[0]).shape if index is None else ()
            pictures.append(
                np.full(shape, 0x11, np.uint8) if index is None else result.frame_pixels(chain.frames[index])
            )
            labels.append(f"{family} {copy}" if treated or subject.controls else str(copy))
    sheet = Image.fromarray(contact_sheet(pictures, labels, columns=len(copies)))
    with writing(path) as temporary:
        temporary.write_bytes(webp_bytes(sheet, quality=90))


def _film(result: CopyResult, copies: Sequence[int], drift: bool) -> Iterator[Pixels]:
    """The frames of the film, one in memory at a time: the chains side by side, each with its number."""
    chains = film_chains(result)
    sizes = [_size(result, chain) for chain in chains]
    height = min(FILM_HEIGHT, max(size[1] for size in sizes))
    width = sum(round(size[0] * height / size[1]) for size in sizes)
    height = max(1, round(height * min(1.0, (FILM_WIDTH - _GAP * (len(chains) - 1)) / width)))
    boxes = [(max(1, round(size[0] * height / size[1])), height) for size in sizes]
    font = ImageFont.load_default(max(10, min(18, height // 16)))
    for copy in copies:
        sheet = Image.new("RGB", (sum(box[0] for box in boxes) + _GAP * (len(boxes) - 1), height), _BACKGROUND)
        left = 0
        for chain, box in zip(chains, boxes, strict=True):
            index = frame_at(chain, copy)
            shown = len(chain.frames) - 1 if index is None else index
            picture = Image.fromarray(result.frame_pixels(chain.frames[shown]))
            sheet.paste(picture if picture.size == box else picture.resize(box, Image.Resampling.LANCZOS), (left, 0))
            told = str(copy) if index is not None else f"{shown}, refused"
            far = number_at(chain, "origin", DRIFT, copy if index is not None else shown) if drift else None
            _burn(sheet, left, told if far is None else f"{told} · drift {far:.1f}", font)
            left += box[0] + _GAP
        yield np.asarray(sheet)


def _burn(sheet: Image.Image, left: int, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    """Write the number into the lower left corner, on a plate that keeps it readable on any picture."""
    draw = ImageDraw.Draw(sheet)
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    pad = (y1 - y0) // 2
    corner = (left + pad, sheet.height - pad)
    plate = (corner[0], corner[1] - (y1 - y0) - 2 * pad, corner[0] + (x1 - x0) + 2 * pad, corner[1])
    draw.rounded_rectangle(plate, pad, fill=_BACKGROUND)
    draw.text((plate[0] + pad - x0, plate[1] + pad - y0), text, fill=_INK, font=font)


def _size(result: CopyResult, chain: Chain) -> tuple[int, int]:
    with Image.open(result.frame_file(chain.frames[0])) as picture:
        return picture.size
