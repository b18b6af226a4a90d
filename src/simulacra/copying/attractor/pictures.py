"""What several pictures say of one copier. The picture is the unit: its replicates and frames are one witness.

Over pictures nothing is known of how values scatter, so the middle is the median and its interval lies between two
ordered values (Thompson 1936): it holds the median of all pictures that might have been taken at the stated rate,
whatever their distribution, and an infinite value is as good as any other. Six pictures are the fewest for 95 %.
"""

from collections.abc import Mapping, Sequence
from math import comb, inf, isinf
from statistics import median

from simulacra.copying.dynamics import Estimate, Interval
from simulacra.measures.contract import Undefined


def fewest_pictures(level: float) -> int:
    """Pictures from which the lowest and the highest value hold the median at this rate: 6 for 95 %."""
    count = 2
    while 1 - 2 ** (1 - count) < level:
        count += 1
    return count


def middle(values: Sequence[float], level: float) -> Estimate:
    """The median over pictures, with the shortest interval of ordered values that holds it at this rate.

    Args:
        values: one a picture; infinite where a picture's own is not bounded.
        level: the rate.

    Returns:
        The median, undefined where it is infinite; the interval, undefined below `fewest_pictures`.

    Source: Thompson 1936, confidence ranges for the median.
    """
    if not values:
        none = Undefined("no picture has a value")
        return Estimate(none, none)
    ordered, count, fewest = sorted(values), len(values), fewest_pictures(level)
    centre = _median(ordered)
    if count < fewest:
        return Estimate(centre, Undefined(f"{_pictures(count)}; {fewest} are the fewest for an interval over pictures"))
    outside, rank = 0.0, 0
    while 2 * (outside + comb(count, rank) / 2**count) <= 1 - level:
        outside += comb(count, rank) / 2**count
        rank += 1
    if ordered[rank - 1] == inf or ordered[count - rank] == -inf:
        return Estimate(centre, Undefined("it is not bounded for any picture"))
    method = f"ordered values {rank} and {count + 1 - rank} of {count} pictures"
    return Estimate(centre, Interval(ordered[rank - 1], ordered[count - rank], level, method))


def hull(values: Sequence[float], intervals: Sequence[Interval], level: float) -> Estimate:
    """The median of a few pictures, with the interval that holds every one of their own.

    Args:
        values: one a picture.
        intervals: of each picture, at the same rate.
        level: that rate: of each picture, not of all at once.
    """
    if not values:
        none = Undefined("no picture has a value")
        return Estimate(none, none)
    if not intervals:
        return Estimate(_median(sorted(values)), Undefined("no picture has an interval"))
    method = intervals[0].method if len(intervals) == 1 else f"the intervals of {len(intervals)} pictures together"
    low, high = min(each.low for each in intervals), max(each.high for each in intervals)
    return Estimate(_median(sorted(values)), Interval(low, high, level, method))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Chances corrected for the number of questions: one of all the answers below 5 % is false in 5 % of cases at most.

    Args:
        p_values: of each question, by name.

    Source: Holm 1979.
    """
    corrected: dict[str, float] = {}
    worst = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_value))
        corrected[name] = worst
    return corrected


def _median(ordered: Sequence[float]) -> float | Undefined:
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if isinf(low) or isinf(high):
        return Undefined("for half of the pictures it is not bounded")
    return median(ordered)


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
