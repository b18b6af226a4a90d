"""What a benchmark leaves: the table as page, Markdown and JSON, two still pictures, and a card for each copier."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simulacra.copying.attractor import attractor
from simulacra.copying.benchmark import Benchmark
from simulacra.copying.compare import Column, Comparison, Contender, Shared
from simulacra.copying.dynamics.estimate import Estimate, Interval
from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.images.strip import contact_sheet
from simulacra.measures.contract import Undefined
from simulacra.reports import comparison_words as words
from simulacra.reports.card import card_markdown, write_card
from simulacra.reports.comparison import environment, strip_copies, tile, write_comparison
from simulacra.reports.files import writing
from simulacra.reports.pictures import webp_bytes
from simulacra.runs.atomic import writing_to

_SHEET_TILE = 112
_BACKGROUND = 0x11  # of a contact sheet


@dataclass(frozen=True)
class Standings:
    """The files of a benchmark, all in one folder, and what they show in a sentence."""

    headline: str
    page: Path
    markdown: Path
    json: Path
    strip: Path  # the first picture, every copier, at equal copies
    ends: Path  # every picture, every copier, at the last copy
    cards: Mapping[str, Path]  # copier -> its card as HTML; the Markdown lies beside it


def write_standings(benchmark: Benchmark, folder: Path) -> Standings:
    """Write everything a benchmark leaves into a folder; each file is whole or absent, older ones are replaced.

    Args:
        benchmark: what `simulacra.copying.benchmark.benchmark` gives.
        folder: where to; made if missing.

    Raises:
        UserError: a frame is missing from the store, or the folder cannot be written.
    """
    comparison = benchmark.comparison
    cards = _cards(benchmark, folder)
    standings = Standings(
        words.headline(comparison),
        folder / "table.html",
        folder / "table.md",
        folder / "table.json",
        folder / "strip.webp",
        folder / "ends.webp",
        {copier: folder / "cards" / f"{stem}.html" for copier, stem in cards.items()},
    )
    links = {copier: f"cards/{stem}.html" for copier, stem in cards.items()}
    write_comparison(comparison, standings.page, command=benchmark.command, benchmark=benchmark, cards=links)
    _write_sheet(standings.strip, *_strip(comparison))
    _write_sheet(standings.ends, *_ends(comparison))
    with writing(standings.markdown) as temporary:
        temporary.write_text(markdown(benchmark, cards), encoding="utf-8", errors="backslashreplace")
    with writing(standings.json) as temporary:
        table = {**comparison_json(comparison), **_benchmark_json(benchmark)}
        temporary.write_text(json.dumps(table, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return standings


def markdown(benchmark: Benchmark, cards: Mapping[str, str]) -> str:
    """The table as a page of Markdown.

    Args:
        benchmark: what to tell.
        cards: copier -> the stem of its card in the folder `cards`.
    """
    comparison = benchmark.comparison
    first = comparison.columns[0]
    lines = [f"# {words.title(comparison)}", "", words.headline(comparison), ""]
    for sentence in words.reading(comparison):
        lines += [sentence, ""]
    lines += [
        "In each cell: place, value, interval. The copiers stand in the order of the first channel; each name leads to "
        "its card, which says where the copier takes a picture.",
        "",
    ]
    heads = words.heads(comparison)
    lines += [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    for contender, row in zip(comparison.contenders, words.rows(comparison), strict=True):
        name = _code(contender.label)
        linked = f"[{name}](cards/{cards[contender.label]}.md)" if contender.label in cards else name
        lines.append(f"| {' | '.join([linked, *row[1:]])} |")
    lines += [
        "",
        *(
            f"- {column.yardstick.title}: {column.yardstick.definition}{_measured_on(comparison, column)}"
            for column in comparison.columns
        ),
        *(f"- {sentence}" for sentence in comparison.told),
        "",
        *_remarks(comparison),
        f"## {comparison.pictures[0].label}, copy by copy",
        "",
        f"![{comparison.pictures[0].label} by every copier at equal copies](strip.webp)",
        "",
        f"## Every picture at copy {comparison.copies}",
        "",
        "![the last copy of every picture by every copier, the originals on top](ends.webp)",
        "",
        "## How it was made",
        "",
        "```",
        benchmark.command,
        "```",
        "",
        f"| copier | {words.head(first)} from frame 0 | baseline | seconds a copy |",
        "| --- | --- | --- | --- |",
    ]
    by_contender = {standing.contender: standing for standing in first.standings}
    for number, contender in enumerate(comparison.contenders):
        seconds = f"{words.seconds_a_copy(comparison, number):.2g}"
        far = words.between(by_contender[number].drift)
        lines.append(f"| {_code(contender.label)} | {far} | {_code(contender.baseline)} | {seconds} |")
    lines += ["", "The baseline is the control chain whose drift is taken off; identity drifts by exactly nothing.", ""]
    if benchmark.pictures is not None:
        lines += [f"The pictures are set {benchmark.pictures.version} of the package:", ""]
        lines += ["| picture | shows | source | licence |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{each.name}` | {each.shows} | {each.title}; {each.source} | {each.licence} |"
            for each in benchmark.pictures.pictures
        ]
        lines.append("")
    lines += ["| frame 0 | size | pixel digest |", "| --- | --- | --- |"]
    lines += [
        f"| {_code(each.label)} | {each.size[0]} × {each.size[1]} px | `{each.digest}` |"
        for each in comparison.pictures
    ]
    lines += ["", *(f"- {name}: {fact}" for name, fact in environment(comparison)), ""]
    if benchmark.skipped:
        lines += ["Who takes no part:", "", *(f"- `{name}`: {why}" for name, why in benchmark.skipped.items()), ""]
    return "\n".join(lines)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison for other programs: every number with its interval, or null with the reason."""
    return {
        "format": "simulacra-comparison",
        "version": 1,
        "copies": comparison.copies,
        "pictures": [
            {"label": each.label, "digest": each.digest, "width": each.size[0], "height": each.size[1]}
            for each in comparison.pictures
        ],
        "contenders": [
            {
                "label": contender.label,
                "copier": contender.copier,
                "baseline": contender.baseline,
                "runs": [result.folder.name for result in contender.results],
            }
            for contender in comparison.contenders
        ],
        "channels": [
            {
                "channel": column.yardstick.channel,
                "drift": column.yardstick.name,
                "unit": column.yardstick.unit,
                "definition": column.yardstick.definition,
                "pictures": [each.label for each in column.pictures],
                "standings": [
                    {
                        "contender": comparison.contenders[standing.contender].label,
                        "place": standing.place,
                        "drift": _estimate(standing.drift),
                        "excess": _estimate(standing.excess),
                        "excess_over_copies": _estimate(standing.over_copies),
                        "excess_by_picture": [
                            None if isinstance(value, Undefined) else float(value) for value in standing.by_picture
                        ],
                        "remark": words.remark(column, standing),
                    }
                    for standing in column.standings
                ],
            }
            for column in comparison.columns
        ],
        "told": list(comparison.told),
    }


def _benchmark_json(benchmark: Benchmark) -> dict[str, Any]:
    comparison = benchmark.comparison
    return {
        "command": benchmark.command,
        "picture_set": None if benchmark.pictures is None else benchmark.pictures.version,
        "skipped": dict(benchmark.skipped),
        "made": {
            "environment": dict(environment(comparison)),
            "seconds_a_copy": {
                contender.label: words.seconds_a_copy(comparison, number)
                for number, contender in enumerate(comparison.contenders)
            },
        },
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    found: dict[str, Any] = {"value": None, "interval": None}
    if isinstance(estimate.value, Undefined):
        return {**found, "undefined": estimate.value.reason}
    found["value"] = float(estimate.value)
    if isinstance(estimate.interval, Interval):
        found["interval"] = [estimate.interval.low, estimate.interval.high]
        return {**found, "level": estimate.interval.level, "method": estimate.interval.method}
    return {**found, "no_interval": estimate.interval.reason}


def _cards(benchmark: Benchmark, folder: Path) -> dict[str, str]:
    """Write a card for each copier, as HTML and Markdown; copier -> stem of both."""
    home = folder / "cards"
    with writing_to(folder):
        home.mkdir(parents=True, exist_ok=True)
    stems: dict[str, str] = {}
    for copier, results in benchmark.results.items():
        stem = _stem(copier, stems.values())
        try:
            found = attractor(results)
        except UserError:  # every chain of it was refused too early for a card
            continue
        stems[copier] = stem
        write_card(found, results, home / f"{stem}.html")
        with writing(home / f"{stem}.md") as temporary:
            temporary.write_text(card_markdown(found), encoding="utf-8", errors="backslashreplace")
    return stems


def _stem(copier: str, taken: Collection[str]) -> str:
    """A file name for a copier, unlike those that are taken."""
    plain = re.sub(r"[^a-z0-9.=]+", "-", copier.lower()).strip("-.")[:60] or "copier"
    stem, number = plain, 1
    while stem in taken:
        number += 1
        stem = f"{plain}-{number}"
    return stem


def _strip(comparison: Comparison) -> tuple[list[Pixels], list[str], int]:
    picture, copies = comparison.pictures[0], [0, *strip_copies(comparison.copies)]
    pictures = [_pixels(one, picture, copy) for one in comparison.contenders for copy in copies]
    labels = [f"{_family(one)} {copy}" for one in comparison.contenders for copy in copies]
    return pictures, labels, len(copies)


def _ends(comparison: Comparison) -> tuple[list[Pixels], list[str], int]:
    first, shared = comparison.contenders[0], comparison.pictures
    pictures = [_pixels(first, picture, 0) for picture in shared]
    labels = ["original" for _ in shared]
    for one in comparison.contenders:
        pictures += [_pixels(one, picture, comparison.copies) for picture in shared]
        labels += [_family(one) for _ in shared]
    return pictures, labels, len(shared)


def _pixels(contender: Contender, picture: Shared, copy: int) -> Pixels:
    shrunk = tile(contender, picture, copy, _SHEET_TILE)
    if shrunk is None:
        width, height = picture.size
        return np.full((_SHEET_TILE, max(1, round(_SHEET_TILE * width / height)), 3), _BACKGROUND, np.uint8)
    return np.asarray(shrunk)


def _write_sheet(path: Path, pictures: Sequence[Pixels], labels: Sequence[str], columns: int) -> None:
    sheet = Image.fromarray(contact_sheet(pictures, labels, columns=columns, tile_height=_SHEET_TILE))
    with writing(path) as temporary:
        temporary.write_bytes(webp_bytes(sheet, quality=75))


def _family(contender: Contender) -> str:
    return contender.label.partition(":")[0]


def _remarks(comparison: Comparison) -> list[str]:
    """Lines about values that are missing or stand for fewer pictures, with a blank one after them; none without."""
    lines = [
        f"- {column.yardstick.title}, {_code(comparison.contenders[standing.contender].label)}: {remark}."
        for column in comparison.columns
        for standing in column.standings
        if (remark := words.remark(column, standing))
    ]
    return ["A dash, or a number of pictures in square brackets:", "", *lines, ""] if lines else []


def _measured_on(comparison: Comparison, column: Column) -> str:
    if len(column.pictures) == len(comparison.pictures):
        return ""
    return f" Measured on {words.listed([each.label for each in column.pictures])}, the pictures that have one."


def _code(text: str) -> str:
    """Text as code in a table of Markdown."""
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"
