"""The page of a comparison: one HTML file without script, that needs nothing else and reads alike on paper."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Template
from PIL import Image

from simulacra.copying.benchmark import Benchmark
from simulacra.copying.compare import Column, Comparison, Contender, Shared
from simulacra.copying.settled import frame_at
from simulacra.measures.contract import Undefined
from simulacra.reports import comparison_drawing as drawing
from simulacra.reports import comparison_words as words
from simulacra.reports.files import writing
from simulacra.reports.numbers import shown
from simulacra.reports.onefile import styled, templates
from simulacra.reports.pictures import check_frames, fitted, webp_bytes
from simulacra.reports.words import channel_title

TILE_HEIGHT, LARGE_TILE_HEIGHT = 96, 208
"""Pixels of a tile of the strips; the larger one where there are few."""

FEW_STRIPS = 8
"""Rows of tiles, over all pictures, up to which they are large."""

COLOURS = 12
"""Of lines and dots; from there on they come again, and the names beside them tell."""

_ROUND = (1, 2, 5)


@dataclass(frozen=True)
class Tile:
    """One picture as the page carries it; without data where no such copy was made."""

    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Strip:
    """What every contender made of one picture, at equal copies."""

    picture: Shared
    told: str  # why it is in the set; empty for the user's own
    original: Tile
    rows: tuple[tuple[Contender, tuple[Tile, ...]], ...]


@dataclass(frozen=True)
class Block:
    """One channel: its places, its courses, and its numbers picture by picture."""

    column: Column
    places: drawing.Places
    courses: drawing.Courses | None
    table: tuple[tuple[int, tuple[str, ...]], ...]  # contender, then one cell a picture


def write_comparison(
    comparison: Comparison,
    path: Path,
    *,
    command: str,
    benchmark: Benchmark | None = None,
    cards: Mapping[str, str] | None = None,
) -> None:
    """Write the page. The same comparison gives the same bytes.

    Args:
        comparison: what to show.
        path: of the HTML file.
        command: what a person types to make it again.
        benchmark: what the comparison is of, where it is one: the page then tells its pictures and who takes no part.
        cards: copier -> the file of its card, beside the page.

    Raises:
        UserError: a frame is missing from the store, or the file cannot be written.
    """
    for contender in comparison.contenders:
        for result in contender.results:
            check_frames(result)
    text = _template().render(
        title=words.title(comparison),
        headline=words.headline(comparison),
        reading=words.reading(comparison),
        comparison=comparison,
        blocks=[_block(comparison, column) for column in comparison.columns],
        copies=strip_copies(comparison.copies),
        strips=[_strip(comparison, picture, _told(benchmark, picture)) for picture in comparison.pictures],
        large=_are_large(comparison),
        seconds=[words.seconds_a_copy(comparison, number) for number in range(len(comparison.contenders))],
        benchmark=benchmark,
        cards=cards or {},
        command=command,
        environment=environment(comparison),
        drawing=drawing,
        colours=COLOURS,
        **styled("page.css", "comparison.css"),
    )
    with writing(path) as temporary:
        # A name that is no UTF-8 holds lone surrogates, which no file can.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def strip_copies(last: int) -> list[int]:
    """The copies of a strip: round numbers, denser at the start where most changes, and the last one."""
    round_ones = [digit * 10**power for power in range(len(str(last))) for digit in _ROUND]
    return [copy for copy in round_ones if copy < last] + [last]


def environment(comparison: Comparison) -> list[tuple[str, str]]:
    """Where the runs were made: processor, threads and packages, each said once."""
    found: dict[str, list[str]] = {}
    for contender in comparison.contenders:
        for result in contender.results:
            machine = result.manifest.get("machine", {})
            facts = {
                "processor": str(machine.get("cpu", "unknown")),
                "threads a worker": str(machine.get("threads", "unknown")),
                "packages": ", ".join(f"{name} {is_}" for name, is_ in result.manifest.get("packages", {}).items()),
            }
            for name, fact in facts.items():
                if fact not in found.setdefault(name, []):
                    found[name].append(fact)
    return [(name, "; ".join(facts)) for name, facts in found.items()]


def tile(contender: Contender, picture: Shared, copy: int, height: int) -> Image.Image | None:
    """A copy of the contender's first chain from this picture, shrunk; None where it made none."""
    entry = contender.entries[picture.digest]
    chain = entry.chains[0]
    index = frame_at(chain, copy)
    if index is None:
        return None
    with Image.open(entry.result.frame_file(chain.frames[index])) as stored:
        return fitted(stored.convert("RGB"), 4 * height, height)


def _block(comparison: Comparison, column: Column) -> Block:
    return Block(
        column,
        drawing.places(comparison, column),
        drawing.courses(comparison, column),
        tuple(
            (
                standing.contender,
                tuple("–" if isinstance(value, Undefined) else shown(float(value)) for value in standing.by_picture),
            )
            for standing in column.standings
        ),
    )


def _strip(comparison: Comparison, picture: Shared, told: str) -> Strip:
    height = LARGE_TILE_HEIGHT if _are_large(comparison) else TILE_HEIGHT
    return Strip(
        picture,
        told,
        _tile(comparison.contenders[0], picture, 0, height),
        tuple(
            (contender, tuple(_tile(contender, picture, copy, height) for copy in strip_copies(comparison.copies)))
            for contender in comparison.contenders
        ),
    )


def _are_large(comparison: Comparison) -> bool:
    return len(comparison.contenders) * len(comparison.pictures) <= FEW_STRIPS


def _tile(contender: Contender, picture: Shared, copy: int, height: int) -> Tile:
    shrunk = tile(contender, picture, copy, height)
    if shrunk is None:
        return Tile("", 1, 1)
    return Tile(b64encode(webp_bytes(shrunk, 75)).decode(), shrunk.width, shrunk.height)


def _told(benchmark: Benchmark | None, picture: Shared) -> str:
    entries = benchmark.pictures.pictures if benchmark is not None and benchmark.pictures is not None else ()
    return next((entry.shows for entry in entries if entry.name == picture.label), "")


@cache
def _template() -> Template:
    return templates(shown=shown, channel_title=channel_title, head=words.head).get_template("comparison.html")
