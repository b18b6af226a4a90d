"""Pictures made again from their own records, and compared bit for bit."""

from dataclasses import dataclass
from pathlib import Path

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.images.open import read_picture
from simulacra.stylegan.use.carrying import text_of
from simulacra.stylegan.use.figure import Figure
from simulacra.stylegan.use.interpolation import Interpolation
from simulacra.stylegan.use.maker import Maker
from simulacra.stylegan.use.record import Record, digest_of_bands
from simulacra.stylegan.use.writing import FilmWriter, Report, write_figure, write_film


@dataclass(frozen=True)
class Replay:
    """What came of making a picture again."""

    record: Record  # of the new picture
    equal: bool  # the new pixels are those that the old picture was made of, bit for bit
    told: tuple[str, ...]  # what is not as it was, one sentence each


def read_record(picture: Path) -> Record:
    """The record that a picture carries.

    Raises:
        UserError: the file cannot be read, carries no record, or a damaged one.
    """
    text = text_of(picture)
    if text is None:
        raise UserError(
            f"{printable(picture)} carries no record of its making, or is cut off; only pictures that simulacra "
            "stylegan wrote carry one, and other programs lose it when they save them"
        )
    return Record.read(text, printable(picture))


def replay(
    picture: Path, out: Path, maker: Maker, write: FilmWriter | None = None, report: Report | None = None
) -> Replay:
    """Make a picture again, and compare.

    Args:
        picture: with its record.
        out: the new file, of the same kind: a still, or a film.
        maker: with the network that the record names.
        write: of films in the format of `out`; None for stills.
        report: told as rows of pixels or frames are done.

    Raises:
        UserError: the record is missing or damaged, `maker` has another network, or the file cannot be written.
    """
    old = read_record(picture)
    if maker.network != old.network:
        raise UserError(
            f"the network {maker.network[:12]}... did not make {printable(picture)}; {old.network[:12]}... did"
        )
    figure = old.drawing()
    told = old.differences(maker)
    if not isinstance(figure, Interpolation):
        told += _changes(picture, old.pixels)
    new = _drawn(figure, out, maker, write, report)
    return Replay(new, new.pixels == old.pixels, tuple(told))


def _drawn(figure: Figure, out: Path, maker: Maker, write: FilmWriter | None, report: Report | None) -> Record:
    if not isinstance(figure, Interpolation):
        return write_figure(figure, maker, out, report)
    if write is None:
        raise UserError(f"the picture is a film; {printable(out)} must end in .webp, .gif or .mp4")
    return write_film(figure, maker, out, write, report)


def _changes(picture: Path, wanted: str) -> list[str]:
    """A sentence if a still, with its alpha or without, does not have the pixels of this digest."""
    try:
        with picture.open("rb") as file:
            pixels = read_picture(file, printable(picture), alpha=True).pixels
    except UserError as error:  # damaged, or larger than is opened: it can be made again all the same
        return [str(error)]
    height, width, _ = pixels.shape
    if any(digest_of_bands([pixels[..., :kept]], height, width, kept) == wanted for kept in (3, 4)):
        return []
    return [f"the pixels of {printable(picture)} were changed since it was made"]
