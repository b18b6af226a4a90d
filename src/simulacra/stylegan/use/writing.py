"""Figures into files, each with its record; what is not a picture of this kind is never overwritten."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from secrets import token_hex

import numpy as np
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.animation import write_gif, write_webp
from simulacra.images.names import printable
from simulacra.images.pixels import Pixels
from simulacra.images.webp import LARGEST_SIDE
from simulacra.runs.atomic import IN_FLIGHT, writing_to
from simulacra.stylegan.use.carrying import embed, packet, text_of
from simulacra.stylegan.use.figure import Figure
from simulacra.stylegan.use.interpolation import Interpolation
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.pictures import Picture
from simulacra.stylegan.use.png import PngWriter
from simulacra.stylegan.use.record import Digest, Record
from simulacra.stylegan.use.sheet import Canvas

STILLS = (".png", ".webp")
FilmWriter = Callable[[Path, Iterable[Pixels], list[int]], None]

Report = Callable[[int, int], None]
"""Told how much is done, and of how much."""

FILMS: dict[str, FilmWriter] = {".webp": write_webp, ".gif": write_gif}
"""Writers by extension; the command line adds MP4, which comes from a room above."""


def check_place(path: Path, endings: Iterable[str]) -> None:
    """Refuse a place before anything is made for it.

    A file that carries a record may be replaced, because `replay` can make it again; no other may.

    Raises:
        UserError: the extension is unknown, the folder is missing, or another file is there.
    """
    endings = list(endings)
    if path.suffix.lower() not in endings:
        raise UserError(f"{printable(path)} must end in {' or '.join(endings)}")
    if not path.parent.is_dir():
        raise UserError(f"the folder {printable(path.parent)} does not exist; make it first, or name another")
    if path.is_dir() or (path.exists() and text_of(path) is None):
        raise UserError(
            f"{printable(path)} exists and was not written by simulacra stylegan, so it is not overwritten; "
            "name another file, or delete it first"
        )


def write_figure(figure: Figure, maker: Maker, path: Path, report: Report | None = None) -> Record:
    """Draw a figure into a PNG, which may be larger than memory, or a lossless WebP.

    Args:
        figure: what to draw.
        maker: of its pictures.
        path: of the file, .png or .webp; its folder exists.
        report: told as rows of pixels are done.

    Returns:
        The record that the file carries.

    Raises:
        UserError: the figure does not fit the network, or the file cannot be written.
    """
    check_place(path, STILLS)
    canvas = figure.drawn(maker)
    webp = path.suffix.lower() == ".webp"
    if webp and max(canvas.height, canvas.width) > LARGEST_SIDE:
        raise UserError(
            f"the picture is {canvas.width}x{canvas.height} px, and WebP takes {LARGEST_SIDE} px a side; write a .png"
        )
    digest = Digest(canvas.height, canvas.width, canvas.channels)
    with _whole_or_absent(path) as temporary:
        write = _write_webp if webp else _write_png
        return write(temporary, _told(canvas, report), digest, lambda: Record.of(figure, maker, str(digest)))


def write_film(
    film: Interpolation, maker: Maker, path: Path, write: FilmWriter, report: Report | None = None
) -> Record:
    """Draw a film; its record goes into the file.

    Args:
        film: what to draw.
        maker: of its frames.
        path: of the file, of an extension in `FILMS` or .mp4.
        write: the writer of that format.
        report: told as frames are done.

    Returns:
        The record that the file carries; its digest is of the frames before coding.

    Raises:
        UserError: the film does not fit the network, or the file cannot be written.
    """
    check_place(path, [*FILMS, ".mp4"])
    canvas = film.drawn(maker)
    digest = Digest(canvas.height, canvas.width, canvas.channels)

    def frames() -> Iterator[Pixels]:
        for done, frame in enumerate(canvas.bands, start=1):
            digest.update(frame)
            yield frame
            if report is not None:
                report(done, film.frames)

    with _whole_or_absent(path) as temporary:
        write(temporary, frames(), [film.milliseconds] * film.frames)
        record = Record.of(film, maker, str(digest))
        embed(temporary, record.to_text())
    return record


def write_pictures(
    pictures: Sequence[Picture], maker: Maker, folder: Path, ending: str, report: Report | None = None
) -> list[Path]:
    """Draw pictures into files of their own, named by their seeds, on all cores.

    Args:
        pictures: of different seeds.
        maker: that draws them.
        folder: made if it is not there; its own folder exists.
        ending: ".png" or ".webp".
        report: told as pictures are done.

    Returns:
        The files, in the order of the pictures.

    Raises:
        UserError: a picture does not fit the network, or a file cannot be written.
    """
    if not folder.exists():
        with writing_to(folder.parent):
            folder.mkdir()
    digits = max(len(str(picture.seed)) for picture in pictures)
    paths = [folder / f"seed{picture.seed:0{digits}d}{ending}" for picture in pictures]
    for path in paths:
        check_place(path, STILLS)
    calls = (partial(write_figure, picture, maker, path) for picture, path in zip(pictures, paths, strict=True))
    for done, _ in enumerate(maker.each(calls), start=1):
        if report is not None:
            report(done, len(paths))
    return paths


def _told(canvas: Canvas, report: Report | None) -> Canvas:
    """The canvas, with somebody told as it is drawn."""

    def bands() -> Iterator[Pixels]:
        done = 0
        for band in canvas.bands:
            yield band
            done += len(band)
            if report is not None:
                report(done, canvas.height)

    return replace(canvas, bands=bands())


def _write_png(path: Path, canvas: Canvas, digest: Digest, record: Callable[[], Record]) -> Record:
    with path.open("wb") as file:
        writer = PngWriter(file, canvas.height, canvas.width, canvas.channels)
        for band in canvas.bands:
            digest.update(band)
            writer.band(band)
        written = record()
        writer.end(written.to_text())
    return written


def _write_webp(path: Path, canvas: Canvas, digest: Digest, record: Callable[[], Record]) -> Record:
    pixels = np.concatenate(list(canvas.bands))
    digest.update(pixels)
    written = record()
    xmp = packet(written.to_text())
    Image.fromarray(pixels).save(path, "WEBP", lossless=True, method=4, exact=True, xmp=xmp)
    return written


@contextmanager
def _whole_or_absent(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` with its extension, and its content in the place of `path` when all went well."""
    temporary = path.with_name(f".{path.stem}.{token_hex(4)}{IN_FLIGHT}{path.suffix}")
    with writing_to(path.parent):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
