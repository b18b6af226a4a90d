"""The page of a loop, or of several side by side: one HTML file that needs nothing else, readable without script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from simulacra.autophagy.record import LoopRecord, Round
from simulacra.reports import curves, loop_drawing, loop_fall, loop_groups, loop_words
from simulacra.reports.comparison import COLOURS
from simulacra.reports.data import script_json
from simulacra.reports.files import writing
from simulacra.reports.loop_groups import LoopGroup
from simulacra.reports.loop_pictures import sheets
from simulacra.reports.numbers import shown
from simulacra.reports.onefile import scripted, styled, templates

MILLISECONDS = 700
"""Of a generation while it plays."""

PLANES = (("recall", "precision"), ("coverage", "density"))
"""Diversity across, quality up: what is drawn against each other."""


@dataclass(frozen=True)
class Card:
    """One number by generation, with what is said of each loop at its last one."""

    name: str
    meaning: loop_words.Meaning
    chart: loop_drawing.Chart
    texts: tuple[tuple[str, ...], ...]  # a loop, a generation

    @property
    def said(self) -> tuple[str, ...]:
        """What stands beside each loop before a generation is chosen: its last one."""
        return tuple(each[-1] if each else "–" for each in self.texts)


@dataclass(frozen=True)
class Fall:
    """How one loop's distribution moves away from the real one."""

    projection: loop_fall.Projection | None
    ridges: loop_fall.Ridges | None


def write_loop_page(records: Sequence[LoopRecord], out: Path, *, commands: Sequence[str] = ()) -> Path:
    """Write the page. The same records give the same bytes.

    Args:
        records: arms of loops with their null arms, in any order; policies stand side by side, seeds and restarts are
            put together.
        out: the HTML file.
        commands: what a person types to make the runs again, shown as they are.

    Returns:
        The path of the file.

    Raises:
        UserError: there is no generation to show, a picture is missing from the store, or the file cannot be written.
    """
    groups = loop_groups.grouped(records)
    names = loop_groups.measures(groups)
    cards = [card for name in names if (card := _card(groups, name))]
    ancestry = _ancestry(groups)
    planes = [
        plane
        for across, up in PLANES
        if {across, up} <= set(names) and (plane := loop_drawing.plane(groups, across, up))
    ]
    fall = [Fall(loop_fall.projection(group), loop_fall.ridges(group)) for group in groups]
    text = _template().render(
        title=loop_words.title(groups),
        groups=groups,
        lead=loop_words.lead(groups),
        answers=[(loop_words.answer(group), loop_words.claims(group)) for group in groups],
        stops=loop_words.stops(groups),
        guide=loop_words.reading_guide(groups),
        span=loop_groups.span(groups),
        seeds=loop_words.seeds(groups),
        sheets=sheets(groups),
        names=names,
        cards=cards,
        ancestry=ancestry,
        planes=planes,
        floored=any(plane.floor for plane in planes),
        fall=fall if any(each.projection or each.ridges for each in fall) else [],
        spectra=[(number, each) for number, group in enumerate(groups) if (each := loop_fall.spectrum(group))],
        modes=[(number, found) for number, group in enumerate(groups) if (found := loop_fall.modes(group))],
        pools=[(number, loop_drawing.pools(group)) for number, group in enumerate(groups) if group.drawn],
        policies=loop_words.policies(groups),
        commands=commands,
        data=Markup(script_json(_data(groups, [*cards, *([ancestry] if ancestry else [])], planes, fall))),
        **styled("page.css", "card.css", "comparison.css", "loop.css"),
        **scripted("common.js", "playing.js", "loop.js"),
    )
    with writing(out) as temporary:
        # A name that is no UTF-8 holds lone surrogates, which no file can.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
    return out


def _card(groups: Sequence[LoopGroup], name: str) -> Card | None:
    """A measure; None where no generation has it."""
    meaning, read = loop_words.meaning(name), loop_groups.reading(name)
    chart = loop_drawing.chart(
        groups,
        loop_groups.value(name),
        bands=[group.band(read, meaning.bounds) for group in groups],
        floors=[group.floor(read) for group in groups],
        bounds=meaning.bounds,
        from_zero=meaning.from_zero,
    )
    return None if chart is None else Card(name, meaning, chart, _texts(groups, loop_groups.value(name)))


def _ancestry(groups: Sequence[LoopGroup]) -> Card | None:
    """The share of real ancestry, which has neither floor nor band."""
    chart = loop_drawing.chart(groups, _share, bounds=(0.0, 1.0))
    return None if chart is None else Card("ancestry", loop_words.meaning("ancestry"), chart, _texts(groups, _share))


def _share(each: Round) -> float:
    return each.ancestry


def _texts(groups: Sequence[LoopGroup], read: Callable[[Round], float | None]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_number(value) for value in group.mean(read)) for group in groups)


def _data(
    groups: Sequence[LoopGroup],
    cards: Sequence[Card],
    planes: Sequence[loop_drawing.Plane],
    fall: Sequence[Fall],
) -> dict[str, Any]:
    """What the page's script reads: places in the drawings and texts, all computed here."""
    return {
        "span": loop_groups.span(groups),
        "seeds": loop_words.seeds(groups),
        "colours": COLOURS,
        "milliseconds": MILLISECONDS,
        "plot": {
            "left": curves.LEFT,
            "right": curves.RIGHT,
            "top": curves.TOP,
            "bottom": curves.BOTTOM,
            "width": curves.WIDTH,
        },
        "loops": [
            {
                "seeds": [record.seed for record in group.records],
                "projections": each.projection.places if each.projection else [],
            }
            for group, each in zip(groups, fall, strict=True)
        ],
        "charts": {
            card.name: {"places": [line.places for line in card.chart.lines], "said": card.texts} for card in cards
        },
        "planes": [
            [
                [(step.generation, round(step.x, 1), round(step.y, 1)) for step in course.steps]
                for course in plane.courses
            ]
            for plane in planes
        ],
    }


def _number(value: float | None) -> str:
    return "–" if value is None else shown(value)


@cache
def _template() -> Template:
    made = templates(number=_number)
    made.globals |= {
        "frame_of": curves,
        "paths": loop_drawing,
        "box": loop_fall.BOX,
        "colours": COLOURS,
        "meaning": loop_words.meaning,
        "lived": loop_words.lived,
        "seconds": loop_words.seconds,
    }
    return made.get_template("loop.html")
