"""What an attractor says, in sentences for someone who has never seen the tool; every claim carries its interval."""

from math import isfinite, log

from simulacra.copying.attractor import Attractor, Pull
from simulacra.copying.attractor.card import FROM
from simulacra.copying.attractor.pictures import fewest_pictures
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.measures.contract import Undefined
from simulacra.reports.numbers import shown
from simulacra.reports.words import label, unit

MOST_CLAIMS = 4
"""Pulls told in sentences; all stand in the table."""

_PULLS = {
    "lightness_mean": ("lightens the picture", "darkens the picture", "mean L*"),
    "a_mean": ("turns the picture redder", "turns the picture greener", "mean a*"),
    "b_mean": ("turns the picture yellower", "turns the picture bluer", "mean b*"),
    "chroma_mean": ("makes colours stronger", "makes colours paler", "mean C*"),
    "sharpness_laplacian": ("sharpens the picture", "softens the picture", "sharpness"),
    "zoom": ("enlarges the content", "shrinks the content", "its size"),
    "brow_height": ("raises the brows", "lowers the brows", "brow height"),
    "brow_thickness": ("thickens the brows", "thins the brows", "brow thickness"),
    "brow_darkness": ("darkens the brows", "lightens the brows", "brow darkness"),
    "brow_tilt": ("lifts the outer ends of the brows", "lowers the outer ends of the brows", "brow tilt"),
    "brow_eye_gap": ("widens the gap from eye to brow", "narrows the gap from eye to brow", "the gap"),
    "face_width_to_height": ("widens the face", "narrows the face", "width over height"),
    "skin_ita": ("lightens the skin", "darkens or yellows the skin", "its typology angle"),
}
"""Measure -> what a rise is, what a fall is, and what the number is called in a sentence."""

_GROWTH = {
    "saturated": "no longer grows",
    "a random walk": "grows about as the square root of the number of copies",
    "a steady push": "grows about in proportion to the number of copies",
    "returning": "shrinks again",
    "accelerating": "grows faster and faster",
}


def title(found: Attractor) -> str:
    """The title of a card."""
    return f"Where {found.copier} takes a picture"


def sentences(found: Attractor) -> list[str]:
    """How far it goes, where it pulls, and whether that is bias or luck."""
    told = [distance(found), scope(found), *(claim(pull) for pull in found.claims[:MOST_CLAIMS])]
    if not found.claims:
        told.append("No pull that a person would notice is shown; the table says why, attribute by attribute.")
    return [sentence for sentence in [*told, luck(found), lead(found)] if sentence]


def distance(found: Attractor) -> str:
    """How far the last copy is from the original, beside the controls."""
    if isinstance(found.distance.value, Undefined):
        return f"How far {copies(found.copies)} lead away was not measured."
    sentence = (
        f"After {copies(found.copies)}, each made from the one before, a picture is ΔE00 "
        f"{between(found.distance)} from its original"
    )
    if not found.controls:
        return f"{sentence}; no control chain was made, so what the harness does by itself is in it."
    return f"{sentence}; with the model taken out it is {between(found.harness)}."


def scope(found: Attractor) -> str:
    """Of whom the card speaks."""
    if found.of_the_model:
        return ""
    who = "one picture" if len(found.pictures) == 1 else f"{len(found.pictures)} pictures"
    return (
        f"These chains are of {who} alone; {fewest_pictures(found.level)} are the fewest that can speak for the model."
    )


def claim(pull: Pull) -> str:
    """One pull: which way, how far, how surely, and where it ends."""
    up, down, name = _PULLS[pull.measure.name]
    if not pull.one_way:
        return (
            f"It brings pictures nearer to each other in {name}: {between(pull.kept, percent=True)} of their variance "
            f"is left. {_heading(pull, name)}"
        ).strip()
    sentence = f"It {up if pull.upwards else down}: {moved(pull, name)}"
    sentence += _beyond(pull)
    if pull.pictures > 1:
        sentence += f", in {pull.agreeing} of {pull.pictures} pictures"
    if not isinstance(pull.p_value, Undefined):
        sentence += f" (p = {shown(pull.p_value)})"
    return f"{sentence}. {_heading(pull, name)}".strip()


def moved(pull: Pull, name: str) -> str:
    """How far an attribute went: by so much, or to so many times what it was."""
    if pull.factor:
        return f"{name} becomes {between(pull.change)} times what it was"
    suffix = unit(pull.measure)
    return f"{name} moves by {between(pull.change, signed=True, unit='' if suffix in name else suffix)}"


def beyond(pull: Pull) -> str:
    """What of a change no control reaches, for a table."""
    return ("× " if pull.factor else "") + between(pull.excess, signed=not pull.factor)


def luck(found: Attractor) -> str:
    """Whether replicates go the same way."""
    if isinstance(found.luck, Undefined):
        return ""
    return (
        f"Bias or luck: of the squared drift of the mean colour over {found.luck.replicates} replicates, "
        f"{between(found.luck.bias_squared)} is bias and {between(found.luck.variance)} luck."
    )


def lead(found: Attractor) -> str:
    """What moves first, where that is shown."""
    told = []
    for each in found.leads:
        value, interval = each.found.lead.value, each.found.lead.interval
        if isinstance(value, Undefined) or isinstance(interval, Undefined) or each.p_value > 1 - found.level:
            continue
        if interval.low > 0 or interval.high < 0:
            first, then = ("The tint", each.later) if value > 0 else (each.later.capitalize(), "the tint")
            size = Estimate(abs(value), _mirrored(interval) if value < 0 else interval)
            told.append(f"{first} moves before {then}, by {between(size)} copies (p = {shown(each.p_value)}).")
    return " ".join(told)


def growth(found: Attractor) -> str:
    """How the distance from frame 0 grows, after "the distance"."""
    return _GROWTH.get(found.growth.regime, f"grows in a way that is {found.growth.regime}")


def course(found: Attractor) -> list[tuple[str, str]]:
    """How the drift runs, as rows: what, and what it says."""
    rows = [
        (
            "Growth of the distance",
            f"the squared distance grows as the number of copies to the power {between(found.growth.exponent)}: "
            f"the distance {growth(found)}",
        ),
        ("A step over the one before", between(found.contraction)),
        ("The second copy's step over the first's", between(found.idempotence)),
    ]
    tint = found.tint
    rows.append(
        (
            "Directions of the tint over pictures",
            tint.reason
            if isinstance(tint, Undefined)
            else f"mean cosine {between(tint.cosine)}; chance without a common direction {shown(tint.p_value)}",
        )
    )
    if not isinstance(found.ends, Undefined):
        own, other, p_value = found.ends.same_start, found.ends.other_start, found.ends.p_value
        if not any(isinstance(each, Undefined) for each in (own, other, p_value)):
            rows.append(
                (
                    "Mean colours of the ends",
                    f"{_number(own)} apart for one picture, {_number(other)} for two; chance {_number(p_value)}",
                )
            )
    if isinstance(found.luck, Undefined):
        rows.append(("Bias or luck", found.luck.reason))
    if not isinstance(found.foreseen, Undefined):
        rows.append(("Forecast", foreseen(found)))
    return rows


def foreseen(found: Attractor) -> str:
    """How forecasts of the last copy would have gone."""
    each = found.foreseen
    if isinstance(each, Undefined):
        return each.reason
    wanted = f"{100 * found.level:.3g} %"
    return (
        f"from the first {FROM} copies, intervals meant to hold {wanted} of the values at copy {each.last} held "
        f"{each.held} of {each.made}"
        + (
            ""
            if each.held >= 0.8 * each.made
            else ": the way is none that a pull with noise takes, so do not foretell it"
        )
    )


def placed(pull: Pull) -> bool:
    """Whether these copies say where an attribute is heading: an interval that excludes nothing says nothing."""
    interval = pull.fixed_point.interval
    if isinstance(pull.fixed_point.value, Undefined) or isinstance(interval, Undefined):
        return False
    return isfinite(interval.low) or isfinite(interval.high)


def heading(pull: Pull) -> str:
    """Where an attribute is heading, for a table."""
    return between(pull.fixed_point) if placed(pull) else "no end in sight"


def pace(pull: Pull) -> str:
    """How fast, for a table."""
    interval = pull.half_life.interval
    says = isinstance(interval, Interval) and (isfinite(interval.low) or isfinite(interval.high))
    return between(pull.half_life) if says else "not bounded"


def chance(pull: Pull) -> str:
    """How many pictures go one way and the chance of that, or why no pull is shown; for a table."""
    if not pull.shown:
        told = pull.why_not
    elif pull.one_way:
        told = f"{pull.agreeing} of {pull.pictures} go one way"
    else:
        return f"they draw together: {between(pull.kept, percent=True)} of the variance is left"
    return told if isinstance(pull.p_value, Undefined) else f"{told}, p = {shown(pull.p_value)}"


def between(estimate: Estimate, *, signed: bool = False, percent: bool = False, unit: str = "") -> str:
    """A value with its interval, `−10.8 (95 %: −28.7 to −0.123)`, or the reason why there is none."""
    scale = 100.0 if percent else 1.0
    suffix = f" {unit}" if unit else " %" if percent else ""
    if isinstance(estimate.value, Undefined):
        value = "not bounded" if isinstance(estimate.interval, Interval) else f"unknown ({estimate.value.reason})"
    else:
        value = f"{shown(scale * estimate.value, signed=signed)}{suffix}"
    if isinstance(estimate.interval, Undefined):
        return value
    return f"{value} ({_interval(estimate.interval, scale, signed)})"


def copies(count: int) -> str:
    """So many copies."""
    return f"{count} {'copy' if count == 1 else 'copies'}"


def name_of(pull: Pull) -> str:
    """What a table calls an attribute."""
    return "Size" if pull.measure.name == "zoom" else label(pull.measure.name)


def _beyond(pull: Pull) -> str:
    """The share that no control reaches, where the controls reach more than a tenth of the change."""
    change, excess = pull.change.value, pull.excess.value
    if isinstance(change, Undefined) or isinstance(excess, Undefined):
        return ""
    all_of_it, rest = (log(change), log(excess)) if pull.factor else (change, excess)
    return "" if abs(rest) >= 0.9 * abs(all_of_it) else f", {beyond(pull)} of it beyond any control"


def _heading(pull: Pull, name: str) -> str:
    if not placed(pull):
        return f"Where {name} ends, these copies do not tell."
    known = not isinstance(pull.half_life.value, Undefined)
    pace = f", half of the way every {between(pull.half_life)} copies" if known else ""
    return f"{name[0].upper()}{name[1:]} heads for {between(pull.fixed_point)}{pace}."


def _interval(interval: Interval, scale: float, signed: bool) -> str:
    level = f"{100 * interval.level:.3g} %: "
    low, high = (shown(scale * end, signed=signed) if isfinite(end) else "" for end in (interval.low, interval.high))
    if low and high:
        return f"{level}{low} to {high}"
    if low:
        return f"{level}above {low}"
    return f"{level}below {high}" if high else f"{level}anywhere"


def _mirrored(interval: Interval) -> Interval:
    return Interval(-interval.high, -interval.low, interval.level, interval.method)


def _number(value: float | Undefined) -> str:
    return value.reason if isinstance(value, Undefined) else shown(value)
