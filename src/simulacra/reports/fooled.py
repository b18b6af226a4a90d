"""Scores that judge a picture without its original, shown beside what really happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Better, Measure
from simulacra.reports.numbers import shown
from simulacra.reports.subjects import Subject, frame_at, number_at
from simulacra.reports.words import DRIFT, QUALITY, SSIM, label


@dataclass(frozen=True)
class Score:
    """One no-reference score at frame 0 and at the end."""

    measure: Measure
    first: float
    last: float

    @property
    def change(self) -> str:
        """Where it went, in a word."""
        return "stayed" if self.last == self.first else "rose" if self.last > self.first else "fell"

    @property
    def flatters(self) -> bool:
        """Whether by its own reading the last copy is the better picture."""
        return self.change == ("fell" if self.measure.better is Better.LOWER else "rose")


@dataclass(frozen=True)
class Panel:
    """The scores of one picture's first chain beside its distance from the original."""

    copy: int
    scores: tuple[Score, ...]
    beside: tuple[tuple[str, str, str], ...]  # measures that know the original: label, at frame 0, at the copy
    sentence: str


def panel(result: CopyResult, subject: Subject, reach: int) -> Panel | None:
    """The panel; None where no score was measured or no copy was made."""
    chain = subject.chains[0]
    copy = reach if frame_at(chain, reach) is not None else len(chain.frames) - 1
    scores = []
    for measure in result.measures:
        if measure.name not in result.channels.get(QUALITY, ()):
            continue
        first, last = (number_at(chain, "frame", measure.name, at) for at in (0, copy))
        if first is not None and last is not None:
            scores.append(Score(measure, first, last))
    if not scores or copy == 0:
        return None
    beside = []
    for name in (SSIM, DRIFT):
        start, end = (number_at(chain, "origin", name, at) for at in (0, copy))
        if start is not None and end is not None:
            beside.append((label(name), shown(start), shown(end)))
    return Panel(copy, tuple(scores), tuple(beside), _sentence(copy, scores, beside))


def _sentence(copy: int, scores: Sequence[Score], beside: Sequence[tuple[str, str, str]]) -> str:
    """What the scores say of the last copy, next to what the measures with an original say."""
    flattering = [score for score in scores if score.flatters]
    known = "; ".join(f"{name} went from {first} to {last}" for name, first, last in beside)
    told = f"{len(flattering)} of {len(scores)} scores call copy {copy} better than the original"
    if flattering:
        told += ": " + ", ".join(
            f"{label(score.measure.name)} {score.change} from {shown(score.first)} to {shown(score.last)}"
            for score in flattering
        )
    return f"{told}. Meanwhile {known}." if known else f"{told}."
