"""What the remedies of a run gained, as sentences, as a table, and as JSON."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from simulacra.copying.dynamics.estimate import Interval
from simulacra.copying.gains import Remedied, Score, remedied
from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Measure, Undefined
from simulacra.reports.numbers import shown
from simulacra.reports.words import DRIFT, headline, label, of_drift, unit


@dataclass(frozen=True)
class Cell:
    """What one remedy gained in one measure."""

    gained: str  # signed, in half-lives; a dash where it is not scored
    interval: str  # empty where there is none


@dataclass(frozen=True)
class Row:
    """One measure."""

    measure: Measure
    level: str  # half of what the untreated chain drifts
    half_life: str  # copies until it is there
    cells: tuple[Cell, ...]  # a remedy


@dataclass(frozen=True)
class Scoreboard:
    """The remedies of a run side by side."""

    remedies: tuple[str, ...]
    copies: int
    sentences: tuple[str, ...]  # a remedy
    rows: tuple[Row, ...]
    unscored: tuple[Measure, ...]  # in which no remedy is scored, because the untreated chains hardly drift
    prices: tuple[str, ...]  # what each remedy adds to a chain, in US dollars; empty where no copy has a price
    per_dollar: tuple[str, ...]  # half-lives of the first measure for each dollar; empty with `prices`
    uncertain: str  # why there are no intervals; empty where there are


def scoreboard(result: CopyResult) -> Scoreboard | None:
    """The table; None for a run without remedies."""
    found = _remedied(result)
    if not found:
        return None
    named = {measure.name: measure for measure in result.measures}
    rows, unscored = [], []
    for name in found[0].scores:
        scores = [one.scores[name] for one in found]
        first = next((score for score in scores if isinstance(score, Score)), None)
        if first is None:
            unscored.append(named[name])
        else:
            cells = tuple(_cell(score) for score in scores)
            rows.append(Row(named[name], shown(first.level), shown(first.half_life), cells))
    priced = any(one.extra_usd is not None for one in found)
    return Scoreboard(
        remedies=tuple(one.remedy for one in found),
        copies=result.times,
        sentences=tuple(_sentence(one, named) for one in found),
        rows=tuple(rows),
        unscored=tuple(unscored),
        prices=tuple(_dollars(one.extra_usd) for one in found) if priced else (),
        per_dollar=tuple(_per_dollar(one) for one in found) if priced else (),
        uncertain=_uncertain(found),
    )


def sentences(result: CopyResult) -> list[str]:
    """One sentence a remedy, on how much longer the picture held; none for a run without remedies."""
    named = {measure.name: measure for measure in result.measures}
    return [_sentence(one, named) for one in _remedied(result)]


def remedies_json(result: CopyResult) -> list[dict[str, Any]]:
    """The scores for programs: half-lives, or the reason why there are none; an end without bound is null."""
    return [
        {
            "remedy": one.remedy,
            "copies": one.copies,
            "extra_usd": one.extra_usd,
            "gains": {name: _score_json(score) for name, score in one.scores.items()},
        }
        for one in _remedied(result)
    ]


def _remedied(result: CopyResult) -> tuple[Remedied, ...]:
    return remedied(result, [name for channel in of_drift(result) for name in headline(result, channel)])


def _cell(score: Score | Undefined) -> Cell:
    if isinstance(score, Undefined):
        return Cell("–", "")
    least = "at least " if score.at_least else ""
    return Cell(least + shown(score.half_lives, signed=True), _between(score.interval))


def _sentence(one: Remedied, named: dict[str, Measure]) -> str:
    """How much longer the picture held, by the measure that stands for drift, or the first that is scored."""
    names = sorted(one.scores, key=lambda name: (isinstance(one.scores[name], Undefined), name != DRIFT))
    score = one.scores[names[0]] if names else Undefined("no drift was measured")
    if isinstance(score, Undefined):
        return f"With {one.remedy}: no gain is scored, because {score.reason}."
    measure = named[names[0]]
    level = f"{shown(score.level)} {unit(measure)}".strip()
    without, treated = shown(score.half_life), shown(score.reached)
    comes = f"after copy {treated}, if ever," if score.at_least else f"at copy {treated}"
    return (
        f"With {one.remedy}, half of the untreated drift in {label(measure.name).lower()} ({level}) comes {comes} "
        f"instead of {without}: {_gained(score)} ({_certainty(score)})."
    )


def _gained(score: Score) -> str:
    if score.at_least and score.half_lives <= 0:
        return "a gain is not known"
    size = shown(abs(score.half_lives))
    told = f"{size} half-{'life' if size == '1' else 'lives'} {'gained' if score.half_lives >= 0 else 'lost'}"
    return f"at least {told}" if score.at_least else told


def _certainty(score: Score) -> str:
    if isinstance(score.interval, Undefined):
        units = score.interval.reason.partition(" cannot")[0]
        return f"{units}, so no interval" if score.count == 1 else f"median of {units}, too few for an interval"
    units = score.interval.method.removeprefix("order statistics over ")
    return f"median of {units}; {100 * score.interval.level:g} %: {_between(score.interval)}"


def _between(interval: Interval | Undefined) -> str:
    if isinstance(interval, Undefined):
        return ""
    low = shown(interval.low, signed=True)
    return f"{low} to {shown(interval.high, signed=True)}" if isfinite(interval.high) else f"{low} or more"


def _uncertain(found: tuple[Remedied, ...]) -> str:
    """Why no score has an interval; all of a run have as many pictures and replicates."""
    scores = [score for one in found for score in one.scores.values() if isinstance(score, Score)]
    if not scores or any(isinstance(score.interval, Interval) for score in scores):
        return ""
    return next(score.interval.reason for score in scores if isinstance(score.interval, Undefined))


def _dollars(usd: float | None) -> str:
    return "–" if usd is None else shown(round(usd, 6), signed=True)


def _per_dollar(one: Remedied) -> str:
    name = DRIFT if DRIFT in one.scores else next(iter(one.scores), DRIFT)
    gained, score = one.per_dollar(name), one.scores.get(name)
    if gained is None:
        return "–"
    least = "at least " if isinstance(score, Score) and score.at_least else ""
    return least + shown(gained, signed=True)


def _score_json(score: Score | Undefined) -> dict[str, Any]:
    if isinstance(score, Undefined):
        return {"undefined": score.reason}
    interval = score.interval
    if isinstance(interval, Undefined):
        bounds: dict[str, Any] = {"undefined": interval.reason}
    else:
        bounds = {
            "low": interval.low,
            "high": interval.high if isfinite(interval.high) else None,
            "level": interval.level,
            "method": interval.method,
        }
    return {
        "half_lives": score.half_lives,
        "at_least": score.at_least,
        "interval": bounds,
        "count": score.count,
        "level": score.level,
        "half_life": score.half_life,
        "reached": score.reached,
    }
