"""The attractor card: one HTML file a copier that needs nothing else and no script; the same as Markdown and JSON."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Template
from PIL import Image

from simulacra.copying.attractor import Attractor, Pull
from simulacra.copying.attractor.witness import Witness, open_case
from simulacra.copying.dynamics import Estimate
from simulacra.copying.result import Chain, CopyResult
from simulacra.copying.settled import frame_at
from simulacra.measures.contract import Undefined, Value
from simulacra.reports import card_drawing, card_words, curves, words
from simulacra.reports.files import writing
from simulacra.reports.numbers import shown
from simulacra.reports.onefile import styled, templates
from simulacra.reports.pictures import check_frames, fitted, webp_bytes

TILE = 288
"""Pixels of the longer side of a picture on the wall; shown at about half, sharp on dense screens."""


@dataclass(frozen=True)
class Tile:
    """One frame on the wall."""

    frame: int
    replicate: int
    data: str  # WebP in base64
    width: int
    height: int


@dataclass(frozen=True)
class Pair:
    """One picture: its frame 0 and the last frame of each of its chains."""

    picture: str
    first: Tile
    lasts: tuple[Tile, ...]


def write_card(found: Attractor, results: Sequence[CopyResult], path: Path) -> None:
    """Write the card. The same runs give the same bytes.

    Args:
        found: what `simulacra.copying.attractor.attractor` says of the runs.
        results: the runs, for their frames.
        path: of the HTML file.

    Raises:
        UserError: a frame is missing from the store, or the file cannot be written.
    """
    for result in results:
        check_frames(result)
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(_stream(found, results))


def card_markdown(found: Attractor) -> str:
    """The card as a page of text: its sentences, and a table of every attribute whose pull is shown."""
    lines = [f"# {card_words.title(found)}", "", *(f"- {sentence}" for sentence in card_words.sentences(found)), ""]
    shown_pulls = [pull for pull in found.pulls if pull.shown]
    if shown_pulls:
        lines += ["| attribute | frame 0 | last copy | change | heading for | half-life, copies | pictures |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(_cells(pull))} |" for pull in shown_pulls]
        lines.append("")
    reasons: dict[str, list[str]] = {}
    for pull in found.pulls:
        if not pull.shown:
            reasons.setdefault(str(pull.why_not), []).append(card_words.name_of(pull))
    if reasons:
        lines += ["No pull shown:", "", *(f"- {', '.join(names)}: {why}." for why, names in reasons.items()), ""]
    lines.append(f"{_basis(found)}.")
    return "\n".join(lines) + "\n"


def card_json(found: Attractor) -> dict[str, Any]:
    """The card for machines: no number without its interval; an end that the data does not bound is null."""
    return {
        "format": "simulacra-card",
        "version": 1,
        "copier": found.copier,
        "copies": found.copies,
        "pictures": list(found.pictures),
        "of_the_model": found.of_the_model,
        "chains": found.chains,
        "replicates": found.replicates,
        "controls": list(found.controls),
        "runs": list(found.runs),
        "left_out": list(found.left_out),
        "level": found.level,
        "sentences": card_words.sentences(found),
        "distance": _estimate(found.distance),
        "harness": _estimate(found.harness),
        "growth": {"exponent": _estimate(found.growth.exponent), "regime": found.growth.regime},
        "contraction": _estimate(found.contraction),
        "idempotence": _estimate(found.idempotence),
        "luck": _luck(found),
        "tint": _tint(found),
        "leads": [
            {"first": "tint", "later": lead.later, "copies": _estimate(lead.found.lead), "p_value": lead.p_value}
            for lead in found.leads
        ],
        "forecast": _value(found.foreseen) if isinstance(found.foreseen, Undefined) else asdict(found.foreseen),
        "pulls": [_pull(pull) for pull in found.pulls],
    }


def _pull(pull: Pull) -> dict[str, Any]:
    return {
        "attribute": pull.measure.name,
        "unit": pull.measure.unit,
        "change_is": "factor" if pull.factor else "difference",
        "shown": pull.shown,
        "one_way": pull.one_way,
        "converges": pull.converges,
        "why_not": pull.why_not,
        "start": pull.start,
        "end": pull.end,
        "change": _estimate(pull.change),
        "excess": _estimate(pull.excess),
        "agreeing": pull.agreeing,
        "pictures": pull.pictures,
        "p_value": _value(pull.p_value),
        "fixed_point": _estimate(pull.fixed_point),
        "half_life": _estimate(pull.half_life),
        "noise": _estimate(pull.noise),
        "kept": _estimate(pull.kept),
        "by_picture": [
            {
                "picture": course.picture,
                "values": [_value(value) for value in course.values],
                "excess": course.excess,
                "fixed_point": _estimate(course.fixed_point),
            }
            for course in pull.courses
        ],
    }


def _luck(found: Attractor) -> Any:
    if isinstance(found.luck, Undefined):
        return _value(found.luck)
    return {
        "bias_squared": _estimate(found.luck.bias_squared),
        "variance": _estimate(found.luck.variance),
        "replicates": found.luck.replicates,
    }


def _tint(found: Attractor) -> Any:
    if isinstance(found.tint, Undefined):
        return _value(found.tint)
    return {"cosine": _estimate(found.tint.cosine), "p_value": found.tint.p_value, "test": found.tint.test}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    interval = estimate.interval
    if isinstance(interval, Undefined):
        return {"value": _value(estimate.value), "interval": _value(interval)}
    ends = {name: end if isfinite(end) else None for name, end in (("low", interval.low), ("high", interval.high))}
    return {
        "value": _value(estimate.value),
        "interval": {**ends, "level": interval.level, "method": interval.method},
    }


def _value(value: Value) -> Any:
    return {"undefined": value.reason} if isinstance(value, Undefined) else value


def _stream(found: Attractor, results: Sequence[CopyResult]) -> Iterator[str]:
    case = open_case(results)
    shown_pulls = [pull for pull in found.pulls if pull.shown]
    return _template().generate(
        title=card_words.title(found),
        found=found,
        sentences=card_words.sentences(found),
        pairs=[_pair(witness, results, found.copies) for witness in case.witnesses],
        drawings=[(pull, card_drawing.arrows(pull), card_drawing.courses(pull, found.copies)) for pull in shown_pulls],
        rows=[(pull, _cells(pull), card_words.beyond(pull)) for pull in found.pulls],
        swatches=card_drawing.swatches(found),
        strips=card_drawing.strips(found),
        course=card_words.course(found),
        commands=list(dict.fromkeys(result.command for result in results)),
        basis=_basis(found),
        **styled("page.css", "card.css"),
        curves=curves,
        drawing=card_drawing,
    )


def _cells(pull: Pull) -> tuple[str, ...]:
    """One row of the table."""
    return (
        card_words.name_of(pull) + (f", {words.unit(pull.measure)}" if words.unit(pull.measure) else ""),
        shown(pull.start),
        shown(pull.end),
        ("× " if pull.factor else "") + card_words.between(pull.change, signed=not pull.factor),
        card_words.heading(pull),
        card_words.pace(pull),
        card_words.chance(pull),
    )


def _basis(found: Attractor) -> str:
    """On what the card rests, in one line."""
    counted = f"{len(found.pictures)} {'picture' if len(found.pictures) == 1 else 'pictures'}"
    chains = f"{found.chains} {'chain' if found.chains == 1 else 'chains'}"
    told = f"{card_words.copies(found.copies)} of {counted}, {chains}"
    if found.controls:
        told += f", controls {', '.join(found.controls)}"
    return f"{told}; runs {', '.join(found.runs)}"


def _pair(witness: Witness, results: Sequence[CopyResult], last: int) -> Pair:
    lasts = tuple(_tile(chain, frame_at(chain, last) or 0, results) for chain in witness.chains)
    return Pair(witness.label, _tile(witness.chains[0], 0, results), lasts)


def _tile(chain: Chain, index: int, results: Sequence[CopyResult]) -> Tile:
    frame = chain.frames[index]
    files = [result.frame_file(frame) for result in results]
    with Image.open(next(file for file in files if file.is_file())) as stored:
        picture = fitted(stored.convert("RGB"), TILE, TILE)
    data = b64encode(webp_bytes(picture, 85)).decode()
    return Tile(frame.index, chain.replicate, data, picture.width, picture.height)


@cache
def _template() -> Template:
    return templates(shown=shown, name=card_words.name_of, unit=words.unit).get_template("card.html")
