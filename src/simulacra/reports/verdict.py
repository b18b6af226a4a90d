"""What happened, in a few sentences that say no more than was measured."""

from collections.abc import Sequence
from math import atan2, degrees, hypot

from simulacra.copying.result import Chain, CopyResult, Ended
from simulacra.reports import remedied
from simulacra.reports.numbers import shown
from simulacra.reports.subjects import Subject, frame_at, number_at, subjects
from simulacra.reports.words import (
    DRIFT,
    FACE,
    LIGHTNESS,
    RED_GREEN,
    ROTATION,
    SHIFT_X,
    SHIFT_Y,
    SSIM,
    YELLOW_BLUE,
    ZOOM,
)

NOTICEABLE = 1.0
"""CIELAB units: below about this, two large patches side by side look equal, and a shift gets no name."""

_HUES = ("pink", "orange", "yellow", "yellow-green", "green", "cyan", "blue", "violet")
"""Names of the CIELAB hue angles 0, 45, 90 ... degrees."""


def title(result: CopyResult) -> str:
    """What was done, as a title: picture, number of copies, copier."""
    found = subjects(result)
    pictures = found[0].picture if len(found) == 1 else f"{len(found)} pictures"
    made = {_reach(result, chain) for subject in found for chain in subject.chains}
    times = f"{_copies(max(made))}" if len(made) == 1 else f"up to {_copies(max(made))}"
    return f"{pictures}, {times} by {_copier(result, found[0].chains)}"


def summary(result: CopyResult) -> str:
    """The verdict for a terminal: all of it for one picture, the first sentence for each of several; then remedies."""
    found = subjects(result)
    if len(found) == 1:
        lines = [" ".join(verdict(result, found[0]))]
    else:
        lines = [f"{subject.picture}: {verdict(result, subject)[0]}" for subject in found]
    return "\n".join([*lines, *remedied.sentences(result)])


def verdict(result: CopyResult, subject: Subject) -> list[str]:
    """The sentences about one picture: how far, which way, where the face went, how the chain ended.

    Nothing is said about what was not measured, and nothing about causes.
    """
    chain = subject.chains[0]
    copy = _reach(result, chain)
    if copy == 0:
        return [f"No copy was made: {chain.ending.message.rstrip('.') or 'the first one was refused'}."]
    sentences = [_distance(result, subject), *_ending(subject.chains)]
    sentences += [_tint(chain, copy), _geometry(chain, copy), _structure(chain, copy), _face(subject)]
    return [sentence for sentence in sentences if sentence]


def _reach(result: CopyResult, chain: Chain) -> int:
    """The last copy that is known: a settled chain is known for ever, a refused one up to the refusal."""
    return result.times if frame_at(chain, result.times) is not None else len(chain.frames) - 1


def _copier(result: CopyResult, chains: Sequence[Chain]) -> str:
    """Who copied: one copier, or after a fork one after the other."""
    legs = result.spec["settings"].get("legs", ())
    if len(legs) > 1 and not chains[0].control:
        return ", then ".join(f"{leg['copier']} ({_copies(leg['copies'])})" for leg in legs)
    return " and ".join(dict.fromkeys(chain.copier for chain in chains))


def _copies(count: int) -> str:
    return f"{count} {'copy' if count == 1 else 'copies'}"


def _distance(result: CopyResult, subject: Subject) -> str:
    """How far the chains in question are from the original, beside every control at the same copy."""
    copy = min(_reach(result, chain) for chain in subject.chains)
    far = [number_at(chain, "origin", DRIFT, copy) for chain in subject.chains]
    known = sorted(value for value in far if value is not None)
    copier = _copier(result, subject.chains)
    if not known:
        return f"After {_copies(copy)} by {copier}, how far the colours moved was not measured."
    distance = shown(known[0]) if shown(known[0]) == shown(known[-1]) else f"{shown(known[0])} to {shown(known[-1])}"
    several = f" ({len(known)} replicates)" if len(known) > 1 else ""
    subject_moved = "is exactly the original" if known[-1] == 0 else f"is ΔE00 {distance} from the original"
    sentence = f"After {_copies(copy)} by {copier}{several} the picture {subject_moved}, averaged over its pixels"
    controls = [
        (control, value)
        for control in subject.controls
        if (value := number_at(control, "origin", DRIFT, copy)) is not None
    ]
    if not controls:
        return f"{sentence}."
    beside = [f"{shown(value)} ({control.copier})" for control, value in controls]
    listed = ", ".join(beside[:-1]) + f" and {beside[-1]}" if len(beside) > 1 else beside[0]
    return f"{sentence}; the {'controls are' if len(beside) > 1 else 'control is'} at {listed}."


def _ending(chains: Sequence[Chain]) -> list[str]:
    """Endings worth a word, each once, with the number of chains when they differ."""
    sentences: dict[str, int] = {}
    for chain in chains:
        ending = chain.ending
        match ending.reason:
            case Ended.FIXED_POINT:
                text = f"From frame {ending.settled} on it stands still: every later copy is exactly the same picture."
            case Ended.CYCLE:
                text = f"From frame {ending.settled} on it repeats exactly, every {ending.period} copies."
            case Ended.REFUSED:
                text = f"Copy {ending.copies + 1} was refused: {ending.message.rstrip('.')}."
            case Ended.TIMES:
                continue
        sentences[text] = sentences.get(text, 0) + 1
    return [
        text if count == len(chains) else f"{count} of {len(chains)} chains: {text}"
        for text, count in sentences.items()
    ]


def _tint(chain: Chain, copy: int) -> str:
    """Where the mean colour went, by name when it is far enough to have one."""
    a, b, lightness = (number_at(chain, "origin", name, copy) for name in (RED_GREEN, YELLOW_BLUE, LIGHTNESS))
    if a is None or b is None:
        return ""
    parts = []
    if (distance := hypot(a, b)) >= NOTICEABLE:
        hue = _HUES[round(degrees(atan2(b, a)) / 45) % 8]
        parts.append(
            f"moved {shown(distance)} towards {hue} (Δa* {shown(a, signed=True)}, Δb* {shown(b, signed=True)})"
        )
    if lightness is not None and abs(lightness) >= NOTICEABLE:
        parts.append(f"grew {'lighter' if lightness > 0 else 'darker'} (ΔL* {shown(lightness, signed=True)})")
    return (
        f"Its mean colour {' and '.join(parts)}."
        if parts
        else "Its mean colour stayed where it was, to within 1 unit of CIELAB."
    )


def _geometry(chain: Chain, copy: int) -> str:
    """Shift, zoom and turn, where they are large enough to see."""
    x, y, zoom, turn = (number_at(chain, "origin", name, copy) for name in (SHIFT_X, SHIFT_Y, ZOOM, ROTATION))
    parts = []
    if x is not None and y is not None and hypot(x, y) >= 1:
        parts.append(f"shifted by {shown(hypot(x, y))} px")
    if zoom is not None and abs(zoom - 1) >= 0.01:
        parts.append(f"{'enlarged' if zoom > 1 else 'shrunk'} by {shown(abs(zoom - 1) * 100)} %")
    if turn is not None and abs(turn) >= 0.5:
        parts.append(f"turned by {shown(abs(turn))}°")
    return f"Its content is {' and '.join(parts)}." if parts else ""


def _structure(chain: Chain, copy: int) -> str:
    value = number_at(chain, "origin", SSIM, copy)
    return (
        "" if value is None else f"Its structural similarity to the original is {shown(value)} (equal pictures have 1)."
    )


def _face(subject: Subject) -> str:
    """From which copy on there is no face any more, or that it stayed, and the same of the controls.

    Silent where frame 0 has no face.
    """
    chain = subject.chains[0]
    without = _without_face(chain)
    if without is None or len(chain.frames) == 1:
        return ""
    if not without:
        sentence = "A face is found in every copy."
    elif without == list(range(without[0], len(chain.frames))):
        sentence = f"No face is found from copy {without[0]} on."
    else:
        copies = _copies(len(chain.frames) - 1)
        sentence = f"No face is found in {len(without)} of {copies}, first in copy {without[0]}."
    lost = [f"{control.copier} in copy {gone[0]}" for control in subject.controls if (gone := _without_face(control))]
    return f"{sentence} Of the controls, the face is first lost by {', by '.join(lost)}." if lost else sentence


def _without_face(chain: Chain) -> list[int] | None:
    """The copies in which no face is found; None where frame 0 has none, or nobody looked."""
    present = [number_at(chain, "frame", FACE, frame.index) for frame in chain.frames]
    if not present or present[0] is None or present[0] < 0.5:
        return None
    return [copy for copy, value in enumerate(present) if value is not None and value < 0.5]
