"""Where a run is heading: the pulls it shows, and what the first few copies would have foretold of the last one."""

from dataclasses import dataclass

from simulacra.copying.attractor import Attractor, attractor
from simulacra.copying.attractor.card import FEWEST_AHEAD, FROM
from simulacra.copying.dynamics import Interval, forecast
from simulacra.copying.dynamics.series import Series
from simulacra.copying.result import CopyResult
from simulacra.copying.settled import value_at
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.reports import card_words
from simulacra.reports.numbers import shown
from simulacra.reports.subjects import subjects
from simulacra.reports.words import DRIFT, label

MOST_FORETOLD = 3
"""Pulls whose last copy is foretold, beside the distance from frame 0."""


@dataclass(frozen=True)
class Foretold:
    """The last copy as the first ones foretell it, against what came."""

    name: str
    foretold: str
    came: str
    held: bool


@dataclass(frozen=True)
class Heading:
    """What the page says of where the chains are heading."""

    sentences: tuple[str, ...]
    growth: str  # of the distance, after "the distance"
    first: int  # copies that the forecasts are made from
    last: int
    foretold: tuple[Foretold, ...]


def heading(result: CopyResult) -> Heading | None:
    """Where the untreated chains of a run are heading; None where no card can be made of it.

    Args:
        result: the run; one that was forked, a probe, and one of controls alone have no heading.
    """
    try:
        found = attractor([result])
    except UserError:
        return None
    claims = [card_words.claim(pull) for pull in found.claims[: card_words.MOST_CLAIMS]]
    if not claims:
        claims = ["No pull that a person would notice is shown."]
    told = [card_words.scope(found), *claims, card_words.luck(found), card_words.lead(found)]
    return Heading(
        tuple(sentence for sentence in told if sentence),
        card_words.growth(found),
        FROM,
        found.copies,
        _foretold(result, found),
    )


def _foretold(result: CopyResult, found: Attractor) -> tuple[Foretold, ...]:
    """The distance and the strongest pulls of the first picture, where the chain is long enough to tell."""
    if found.copies < FROM + FEWEST_AHEAD:
        return ()
    chain = subjects(result)[0].chains[0]
    distances = [value_at(chain, "origin", DRIFT, copy) for copy in range(found.copies + 1)]
    far = [Undefined("not measured") if value is None else value for value in distances]
    rows = [_row(label(DRIFT), far, found)]
    for pull in found.claims[:MOST_FORETOLD]:
        rows += [
            _row(card_words.name_of(pull), course.values, found)
            for course in pull.courses
            if course.picture == found.pictures[0]
        ]
    return tuple(row for row in rows if row is not None)


def _row(name: str, values: Series, found: Attractor) -> Foretold | None:
    came, foreseen = values[-1], forecast(values[: FROM + 1], found.copies, found.level)
    if isinstance(came, Undefined) or isinstance(foreseen, Undefined):
        return None
    interval = foreseen.value.interval
    return Foretold(
        name, card_words.between(foreseen.value), shown(came), isinstance(interval, Interval) and came in interval
    )
