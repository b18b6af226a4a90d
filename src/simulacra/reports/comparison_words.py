"""The words of a comparison: its sentences, and the cells of its table."""

from collections.abc import Sequence

from simulacra.copying.compare import Column, Comparison, Standing
from simulacra.copying.dynamics.estimate import Estimate, Interval
from simulacra.measures.contract import Undefined
from simulacra.reports.numbers import shown

ONE_PICTURE = "One picture tells nothing about another, so there is no interval and no order: give more pictures."


def title(comparison: Comparison) -> str:
    """What was laid side by side."""
    pictures = comparison.pictures
    copied = pictures[0].label if len(pictures) == 1 else f"{len(pictures)} pictures"
    who = [contender.label for contender in comparison.contenders]
    several = f"{len(who)} copiers" if len(who) > 3 else listed(who)
    return f"{several}, {copied}, {counted(comparison.copies, 'copy')}"


def headline(comparison: Comparison) -> str:
    """Who drifts least in the first channel and who most, and how far the pictures show it."""
    column = comparison.columns[0]
    known = [standing for standing in column.standings if not isinstance(standing.excess.value, Undefined)]
    if not known:
        return f"No copier has a value for {column.yardstick.title.lower()} at copy {comparison.copies}."
    where = f"After {counted(comparison.copies, 'copy')} of {counted(len(column.pictures), 'picture')}"
    first, last = known[0], known[-1]
    least = f"{_name(comparison, first)} {'has drifted' if len(known) == 1 else 'has drifted least'}"
    sentence = f"{where}, {least}, {_distance(column, first)} beyond its baseline"
    if len(known) == 1:
        return f"{sentence}."
    sentence += f", and {_name(comparison, last)} most, {_distance(column, last)}."
    if len(column.pictures) == 1:
        return sentence
    rivals = sum(standing.place is not None and standing.place[0] == 1 for standing in known)
    return sentence if rivals == 1 else f"{sentence} The first place is open between {rivals} of them."


def place(standing: Standing) -> str:
    """Its place, or the range of places that it may have."""
    if standing.place is None:
        return "–"
    best, worst = standing.place
    return str(best) if best == worst else f"{best}–{worst}"


def between(estimate: Estimate) -> str:
    """A value with its interval, such as `3.38 (1.87 to 4.89)`; a dash where there is no value."""
    if isinstance(estimate.value, Undefined):
        return "–"
    value = shown(estimate.value)
    return f"{value} ({interval(estimate.interval)})" if isinstance(estimate.interval, Interval) else value


def interval(found: Interval) -> str:
    """The ends of an interval."""
    return f"{shown(found.low)} to {shown(found.high)}"


def remark(column: Column, standing: Standing) -> str:
    """What a reader must know of one value: that it has none and why, or how many pictures are behind it."""
    known = [value for value in standing.by_picture if not isinstance(value, Undefined)]
    lost = [value.reason for value in standing.by_picture if isinstance(value, Undefined)]
    if not known:
        return f"no value: {lost[0]}"
    if lost:
        return f"{len(known)} of {counted(len(column.pictures), 'picture')}; the rest: {lost[0]}"
    return ""


def heads(comparison: Comparison) -> list[str]:
    """The heads of the table: the copier, then each channel with its unit."""
    return ["copier", *(head(column) for column in comparison.columns)]


def head(column: Column) -> str:
    """The head of one channel."""
    unit = column.yardstick.unit
    return f"{column.yardstick.title}{'' if unit == '1' else f', {unit}'}"


def rows(comparison: Comparison) -> list[list[str]]:
    """The table: a contender a row, least drift of the first channel on top, each cell with its place in front."""
    by_contender = [{standing.contender: standing for standing in column.standings} for column in comparison.columns]
    return [
        [
            contender.label,
            *(_cell(column, found[number]) for column, found in zip(comparison.columns, by_contender, strict=True)),
        ]
        for number, contender in enumerate(comparison.contenders)
    ]


def reading(comparison: Comparison) -> list[str]:
    """How the numbers are read, in sentences for someone who sees them for the first time."""
    sentences = [
        f"Each copier made a copy of a picture, then a copy of the copy, {comparison.copies} times over. A number says "
        "how far the last copy is from the original beyond the baseline. The baseline is the same chain with the model "
        "taken out, which still resizes where the copier resizes: 0 is no harm done, and below 0 the model loses less "
        "than its own resizing would.",
    ]
    if len(comparison.pictures) > 1:
        sentences.append(
            "It is the mean over the pictures; in brackets the 95 % interval in which the mean over all pictures of "
            "this kind lies. A place such as 2–4 means that the pictures do not show which of these places is right."
        )
    else:
        sentences.append(ONE_PICTURE)
    return sentences


def seconds_a_copy(comparison: Comparison, number: int) -> float:
    """The median time of one copy by a contender, over all its chains, as measured when each was made."""
    entries = comparison.contenders[number].entries.values()
    seconds = sorted(frame.seconds for entry in entries for chain in entry.chains for frame in chain.frames[1:])
    return seconds[len(seconds) // 2] if seconds else 0.0


def counted(count: int, word: str) -> str:
    """A number with its noun."""
    plural = f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _cell(column: Column, standing: Standing) -> str:
    text = between(standing.excess)
    known = sum(not isinstance(value, Undefined) for value in standing.by_picture)
    if known == 0:
        return "–"
    some = f" [{known} of {len(column.pictures)}]" if known < len(column.pictures) else ""
    return f"{place(standing)}: {text}{some}"


def _name(comparison: Comparison, standing: Standing) -> str:
    return comparison.contenders[standing.contender].label


def _distance(column: Column, standing: Standing) -> str:
    found, unit = standing.excess, column.yardstick.unit
    number = "" if isinstance(found.value, Undefined) else shown(found.value)
    value = f"{unit} {number}" if unit.startswith("ΔE") else f"{number} {unit}"
    return f"{value} (95 %: {interval(found.interval)})" if isinstance(found.interval, Interval) else value
