"""The page of a run: one HTML file that needs nothing else, readable without script, streamed to the disk."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup
from PIL import Image

from simulacra.copying.result import Chain, CopyResult, Reference
from simulacra.errors import UserError
from simulacra.measures.contract import Against, Better, Measure, Undefined
from simulacra.registry import registry
from simulacra.reports import costs, curves, fooled, remedied, words
from simulacra.reports.carried import BUDGET, Carried, carry
from simulacra.reports.data import page_data, script_json
from simulacra.reports.files import writing
from simulacra.reports.film import film_chains, film_copies, strip_copies
from simulacra.reports.heading import heading
from simulacra.reports.numbers import gaps, shown
from simulacra.reports.onefile import scripted, styled, templates
from simulacra.reports.pictures import check_frames, fitted, webp_bytes
from simulacra.reports.subjects import Subject, chain_label, ending_sentence, frame_at, number_at, span, subjects
from simulacra.reports.timeline import Timeline, timeline
from simulacra.reports.trails import Trails, trails
from simulacra.reports.verdict import title, verdict

TILE_HEIGHT = 144
"""Pixels of a tile of the strip; shown at about half, sharp on dense screens."""

MOST_NOTES = 3
"""Gaps of one chain that are told beside a chart; all are in the JSON."""

SCRIPTS = (
    "common.js", "chains.js", "pictures.js", "difference.js", "drawing.js", "curves.js", "time.js", "playing.js",
    "state.js", "start.js",
)  # fmt: skip
"""The parts of the page's one script, in order; they share one scope."""

REFERENCES: tuple[Reference, ...] = ("origin", "previous")
"""What a pair measure can be drawn against, in the order of the toggle."""


@dataclass(frozen=True)
class View:
    """One chart as shown: its geometry, or None with the reason, and where values are missing."""

    reference: Reference
    plot: curves.Plot | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """One measure of one picture."""

    measure: Measure
    views: tuple[View, ...]


@dataclass(frozen=True)
class Block:
    """One channel of one picture."""

    name: str
    first: tuple[Card, ...]
    more: tuple[Card, ...]


@dataclass(frozen=True)
class Tile:
    """One tile of a strip or of the wall; without a picture where the chain has no such copy."""

    chain: int  # position among the subject's chains
    copy: int
    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Column:
    """One column of the key numbers."""

    chain: int  # position among the subject's chains
    copy: int


@dataclass(frozen=True)
class Exhibit:
    """Everything the page shows of one picture."""

    subject: Subject
    sentences: list[str]
    labels: tuple[str, ...]
    strips: tuple[tuple[Tile, ...], ...]  # a chain
    blocks: tuple[Block, ...]
    columns: tuple[Column, ...]
    timelines: tuple[Timeline, ...]  # a chain
    trails: Trails | Undefined | None
    scores: tuple[Card, ...]  # of the panel of scores that know no original
    panel: fooled.Panel | None


def write_page(result: CopyResult, path: Path, *, budget: int = BUDGET, mp4: bool = False) -> None:
    """Write the page. The same run gives the same bytes; the pictures go by one at a time.

    Args:
        result: the run.
        path: of the HTML file.
        budget: bytes of pictures the page may carry; above it they are shown smaller, and the page says so.
        mp4: whether a `film.mp4` lies beside the page, to be named there.

    Raises:
        UserError: a frame is missing from the store, or the file cannot be written.
    """
    check_frames(result)
    with writing(path) as temporary, temporary.open("wb") as file:
        for text in _stream(result, carry(result, budget), mp4):
            # A name that is no UTF-8 holds lone surrogates, which no file can.
            file.write(text.encode("utf-8", "backslashreplace"))


def _stream(result: CopyResult, carried: Carried, mp4: bool) -> Iterator[str]:
    found = subjects(result)
    measures = {measure.name: measure for measure in result.measures}
    exhibits = [_exhibit(result, subject, measures) for subject in found]
    return _template().generate(
        title=title(result),
        result=result,
        exhibits=exhibits,
        wall=_wall(result, found),
        several=len(found) > 1,
        span=span(result),
        measures=measures,
        definitions=[
            (channel, [measures[name] for name in result.channels[channel]])
            for channel in words.in_order(result.channels)
        ],
        making=_making(result),
        cost=costs.entries(result),
        heading=heading(result),
        pictures=_pictures(result),
        copiers=_copiers(result),
        film=_film_sentence(result),
        mp4=mp4,
        ends=_ends(result, found[0].chains[0]),
        carried=carried,
        remedies=remedied.scoreboard(result),
        **styled("page.css"),
        **scripted(*SCRIPTS),
        data=Markup(script_json(page_data(result, found, [exhibit.trails for exhibit in exhibits], carried))),
        curves=curves,
    )


def _exhibit(result: CopyResult, subject: Subject, measures: Mapping[str, Measure]) -> Exhibit:
    chains = subject.all_chains
    reach = span(result)
    blocks = []
    for channel in words.of_drift(result):
        first = words.headline(result, channel)
        rest = [name for name in result.channels[channel] if name not in first]
        cards = [tuple(_card(subject, measures[name], reach) for name in names) for names in (first, rest)]
        blocks.append(Block(channel, cards[0], cards[1]))
    copies = strip_copies(subject)
    return Exhibit(
        subject,
        verdict(result, subject),
        tuple(chain_label(chain, chains) for chain in chains),
        tuple(tuple(_tile(result, chain, number, copy) for copy in copies) for number, chain in enumerate(chains)),
        tuple(blocks),
        _columns(subject, reach),
        tuple(timeline(result, chain, reach) for chain in chains),
        trails(result, subject.chains[0]),
        tuple(_card(subject, measures[name], reach) for name in result.channels.get(words.QUALITY, ())),
        fooled.panel(result, subject, reach),
    )


def _wall(result: CopyResult, found: Sequence[Subject]) -> list[list[Tile]]:
    """Of every picture the original and the last frame of each chain in question; empty where one chain is all."""
    if sum(len(subject.chains) for subject in found) < 2:
        return []
    return [
        [
            _tile(result, subject.chains[0], 0, 0),
            *(_tile(result, chain, number, len(chain.frames) - 1) for number, chain in enumerate(subject.chains)),
        ]
        for subject in found
    ]


def _card(subject: Subject, measure: Measure, reach: int) -> Card:
    against: tuple[Reference, ...] = REFERENCES if measure.against is Against.REFERENCE else ("frame",)
    from_zero = measure.against is Against.REFERENCE and measure.better is Better.LOWER
    return Card(
        measure,
        tuple(
            View(
                reference,
                curves.plot(subject, reference, measure.name, reach, from_zero=from_zero),
                _notes(subject, reference, measure.name),
            )
            for reference in against
        ),
    )


def _notes(subject: Subject, reference: Reference, measure: str) -> tuple[str, ...]:
    """Where the chains in question have no value, and why; that frame 0 has none before it goes without saying."""
    notes = []
    chains = subject.chains + subject.treated
    for chain in chains:
        who = "" if len(chains) == 1 else f"{chain_label(chain, chains)}, "
        column = chain.values.get(reference, {}).get(measure, ())
        found = gaps(column[1:] if reference == "previous" else column)
        shift = 1 if reference == "previous" else 0
        for first, last, reason in found[:MOST_NOTES]:
            notes.append(f"{who}{_where(first + shift, last + shift, shift, len(column))}: {reason}")
        if len(found) > MOST_NOTES:
            notes.append(f"{who}and {len(found) - MOST_NOTES} more gaps, listed in measures.json")
    return tuple(notes)


def _where(first: int, last: int, earliest: int, count: int) -> str:
    """Which frames a gap spans, in words; `earliest` is the first that could have a value."""
    if first == last:
        return f"frame {first}"
    if last < count - 1:
        return f"frames {first} to {last}"
    return "every frame" if first == earliest else f"from frame {first} on"


def _tile(result: CopyResult, chain: Chain, number: int, copy: int) -> Tile:
    index = frame_at(chain, copy)
    if index is None:
        return Tile(number, copy, "", 1, 1)
    with Image.open(result.frame_file(chain.frames[index])) as stored:
        picture = fitted(stored.convert("RGB"), 4 * TILE_HEIGHT, TILE_HEIGHT)
    return Tile(number, copy, b64encode(webp_bytes(picture, 80)).decode(), picture.width, picture.height)


def _ends(result: CopyResult, chain: Chain) -> list[tuple[str, int]]:
    """The first and the last frame of a chain, for readers without script."""
    ends = []
    for frame in dict.fromkeys((chain.frames[0], chain.frames[-1])):
        with Image.open(result.frame_file(frame)) as stored:
            picture = fitted(stored.convert("RGB"), 768, 768)
        ends.append((b64encode(webp_bytes(picture, 90)).decode(), frame.index))
    return ends


def _columns(subject: Subject, reach: int) -> tuple[Column, ...]:
    """Of the key numbers: the first chain early, later and at its end; every other chain at that end."""
    first = subject.chains[0]
    last = reach if frame_at(first, reach) is not None else len(first.frames) - 1
    copies = sorted({copy for copy in (1, 10, last // 2) if 0 < copy < last} | {last})
    columns = [Column(number, copy) for number, copy in ((0, copy) for copy in copies)]
    return (*columns, *(Column(number, last) for number in range(1, len(subject.all_chains))))


def _pictures(result: CopyResult) -> list[str]:
    """Each picture with its size, and what opening it changed."""
    return [
        f"{picture['label']}, {picture['width']} × {picture['height']} px. {' '.join(picture['told'])}".strip()
        for picture in result.spec["settings"]["pictures"]
    ]


def _making(result: CopyResult) -> list[tuple[str, str]]:
    """How the run was made, as rows of a table: the environment, flattened."""
    return [(name, text) for name, text in _flat(result.manifest) if text]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}, {key}" if name else str(key).replace("_", " "))
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, str(value)


def _copiers(result: CopyResult) -> list[tuple[str, str, str]]:
    """Every copier of the run with its licence and origin, as far as it is installed here."""
    rows = []
    for copier in dict.fromkeys(chain.copier for chain in result.chains):
        try:
            family = registry("copier")[copier.partition(":")[0]]
        except UserError:
            rows.append((copier, "not installed where this page was made", ""))
        else:
            rows.append((copier, family.licence, family.origin))
    return rows


def _film_sentence(result: CopyResult) -> str:
    shown_frames, frames = len(film_copies(result)), max(len(chain.frames) for chain in film_chains(result))
    return f"{shown_frames} of {frames} frames, evenly spaced" if shown_frames < frames else f"all {frames} frames"


@cache
def _template() -> Template:
    made = templates(
        shown=shown,
        label=words.label,
        unit=words.unit,
        direction=words.direction,
        signed=words.is_signed,
        channel_title=words.channel_title,
        ending=ending_sentence,
    )
    made.tests["untraced"] = lambda value: isinstance(value, Undefined)
    made.globals["number_at"] = number_at
    return made.get_template("page.html")
