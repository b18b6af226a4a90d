"""What a remedy gains, in half-lives: how much later a treated chain is as far from its original as the untreated one.

The half-life h of a measure is the copy at which the untreated chain has first drifted half as far from frame 0 as it
ever does within the copies looked at. The treated chain drifts as far at copy r. The gain is r / h - 1: 0 means that
the remedy changed nothing, 1 that the picture held for one half-life more, -0.5 that it was lost in half the time.
Between two copies both are interpolated linearly. A treated chain that never gets as far within the N copies looked at
has gained at least N / h - 1, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, comb, inf, log2
from statistics import fmean, median

from simulacra.copying.dynamics.estimate import LEVEL, Interval, check_level
from simulacra.copying.result import Chain, CopyResult
from simulacra.copying.settled import frame_at, number_at
from simulacra.measures.contract import Against, Measure, Undefined

LEAST = {"ΔE00": 1.0, "L*": 1.0, "a*": 1.0, "b*": 1.0, "px": 1.0}
"""Drift by unit below which nothing is scored; `LEAST_OTHERWISE` for every other unit."""
LEAST_OTHERWISE = 0.01

Drift = Sequence[float | None]
"""A measure against frame 0, one value a copy, copy 0 first; None where it has none, and there the series ends."""


@dataclass(frozen=True)
class Gain:
    """What one treated chain gained over the untreated chain beside it, in one measure."""

    level: float  # of drift: half of what the untreated chain reaches, in the measure's unit
    half_life: float  # copies after which the untreated chain is that far from frame 0
    reached: float  # copies after which the treated chain is; the last one looked at where it never is
    at_least: bool  # whether it never is

    @property
    def half_lives(self) -> float:
        """The gain, or the least it can be."""
        return self.reached / self.half_life - 1


@dataclass(frozen=True)
class Score:
    """What a remedy gained over several pictures or replicates."""

    half_lives: float  # the median
    at_least: bool  # whether the median may be higher, because some chains never got as far
    interval: Interval | Undefined
    count: int  # pictures or replicates behind it
    level: float  # medians of the facts behind each gain: the drift that is waited for,
    half_life: float  # the copies until the untreated chain is there,
    reached: float  # and the copies until the treated one is; the last one looked at where it never is


@dataclass(frozen=True)
class Remedied:
    """What one remedy did in a run."""

    remedy: str  # its specification
    copies: int  # looked at
    scores: Mapping[str, Score | Undefined]  # by measure
    extra_usd: float | None  # what it adds to the price of a chain of that many copies; None where no price is known

    def per_dollar(self, measure: str) -> float | None:
        """Half-lives gained for each US dollar it adds to a chain; None where it adds none, or none is known.

        At least so many where the score says so.
        """
        scored = self.scores.get(measure)
        if not isinstance(scored, Score) or not self.extra_usd or self.extra_usd < 0:
            return None
        return scored.half_lives / self.extra_usd


def remedied(result: CopyResult, measures: Sequence[str]) -> tuple[Remedied, ...]:
    """Score every remedy of a run.

    Chains are compared pair by pair: of the same picture and the same replicate, with and without the remedy. A chain
    that settled goes on repeating up to the last copy asked for.

    Args:
        result: the run.
        measures: names of measures against a reference; others are left out.

    Returns:
        One entry a remedy, in the order of the run; empty for a run without remedies.
    """
    named = {measure.name: measure for measure in result.measures}
    chosen = [named[name] for name in measures if name in named and named[name].against is Against.REFERENCE]
    alone = {(chain.picture, chain.replicate): chain for chain in result.chains if _untreated(chain)}
    treated: dict[str, list[Chain]] = {}
    for chain in result.chains:
        if chain.remedy is not None and (chain.picture, chain.replicate) in alone:
            treated.setdefault(chain.remedy, []).append(chain)
    found = []
    for remedy, chains in treated.items():
        pairs = [(alone[chain.picture, chain.replicate], chain) for chain in chains]
        scores = {measure.name: _scored(pairs, measure, result.times) for measure in chosen}
        found.append(Remedied(remedy, result.times, scores, _extra_usd(pairs, result.times)))
    return tuple(found)


def gain(untreated: Drift, treated: Drift, least: float = 0.0) -> Gain | Undefined:
    """Compare a treated chain with the untreated one.

    Args:
        untreated: the measure of the chain left alone. Drift is the distance of a value from that at copy 0, whichever
            way it goes.
        treated: the same of the treated chain.
        least: drift below it is not scored: nobody would see it, and a half-life of nothing says nothing.

    Returns:
        The gain, or why there is none.
    """
    alone, tried = _distances(untreated), _distances(treated)
    if len(alone) < 2 or len(tried) < 2:
        return Undefined("it was not measured, or no copy was made")
    farthest = max(alone)
    if farthest <= least:
        return Undefined(f"the untreated chain never drifts by more than {least:g}")
    level = farthest / 2
    half_life, reached = _reached(alone, level), _reached(tried, level)
    if half_life is None:
        raise RuntimeError("a chain does not reach half of its own largest drift")
    if reached is None:
        return Gain(level, half_life, float(len(tried) - 1), True)
    return Gain(level, half_life, reached, False)


def score(groups: Sequence[Sequence[Gain]], level: float = LEVEL) -> Score | Undefined:
    """The median gain with an interval that holds whatever the gains are distributed like.

    The unit is the picture: of several replicates of one picture the median counts. Where there is one picture only,
    its replicates are the units, and the interval speaks of other seeds and not of other pictures. A gain that is known
    only to be at least so much counts as that much for the lower end and as boundless for the upper.

    Args:
        groups: gains, those of one picture in one group.
        level: rate at which the interval holds the median of all pictures (or seeds) alike.

    Returns:
        The score; its interval is undefined below six units at 95 %, because order statistics can promise no more.

    Raises:
        UserError: the level is no rate.

    Source: Thompson 1936, "On confidence ranges for the median"; distribution-free, by the binomial.
    """
    check_level(level)
    scored = [group for group in groups if group]
    if not scored:
        return Undefined("no chain drifts enough to be scored")
    unit = "picture"
    if len(scored) == 1 and len(scored[0]) > 1:
        scored, unit = [[one] for one in scored[0]], "replicate"
    bounds = [_median(group) for group in scored]
    lows, highs = sorted(low for low, _ in bounds), sorted(high for _, high in bounds)
    middle = median(lows)
    facts = [[(one.level, one.half_life, one.reached) for one in group] for group in scored]
    typical = (median(median(fact[place] for fact in group) for group in facts) for place in range(3))
    return Score(middle, median(highs) > middle, _interval(lows, highs, level, unit), len(scored), *typical)


def _untreated(chain: Chain) -> bool:
    return not chain.control and chain.remedy is None


def _scored(pairs: Sequence[tuple[Chain, Chain]], measure: Measure, times: int) -> Score | Undefined:
    groups: dict[str, list[Gain]] = {}
    reasons = []
    least = LEAST.get(measure.unit, LEAST_OTHERWISE)
    for alone, treated in pairs:
        gained = gain(_drift(alone, measure.name, times), _drift(treated, measure.name, times), least)
        if isinstance(gained, Undefined):
            reasons.append(gained)
        else:
            groups.setdefault(alone.picture, []).append(gained)
    return score(list(groups.values())) if groups else reasons[0]


def _drift(chain: Chain, measure: str, times: int) -> Drift:
    copies = [copy for copy in range(times + 1) if frame_at(chain, copy) is not None]
    return [number_at(chain, "origin", measure, copy) for copy in copies]


def _extra_usd(pairs: Sequence[tuple[Chain, Chain]], times: int) -> float | None:
    """By the mean price of a copy, because one of two chains may have ended early."""
    without, treated = (_usd_a_copy(chains) for chains in zip(*pairs, strict=True))
    return None if without is None or treated is None else (treated - without) * times


def _usd_a_copy(chains: Sequence[Chain]) -> float | None:
    prices = [frame.receipt.get("cost_usd") for chain in chains for frame in chain.frames[1:]]
    known = [float(price) for price in prices if price is not None]
    return fmean(known) if known else None


def _median(gains: Sequence[Gain]) -> tuple[float, float]:
    """The least and the most that the median of some gains can be."""
    return median(one.half_lives for one in gains), median(inf if one.at_least else one.half_lives for one in gains)


def _interval(lows: Sequence[float], highs: Sequence[float], level: float, unit: str) -> Interval | Undefined:
    """From the j-th lowest to the j-th highest, j as large as the level allows."""
    count = len(lows)
    missed, depth = 0.0, 0  # probability that the median lies outside, and j
    while depth < count and missed + 2 * comb(count, depth) / 2**count <= 1 - level:
        missed += 2 * comb(count, depth) / 2**count
        depth += 1
    if depth == 0:
        enough = ceil(1 - log2(1 - level))
        several = f"{count} {unit}{'' if count == 1 else 's'}"
        return Undefined(f"{several} cannot give an interval at {100 * level:g} %; that takes {enough}")
    return Interval(lows[depth - 1], highs[-depth], level, f"order statistics over {count} {unit}s")


def _distances(values: Drift) -> list[float]:
    """How far each value is from that of frame 0, up to the first that is missing."""
    distances: list[float] = []
    for value in values:
        if value is None:
            break
        distances.append(abs(value - values[0]) if values[0] is not None else 0.0)
    return distances


def _reached(distances: Sequence[float], level: float) -> float | None:
    """The copy, with its fraction, at which a level above 0 is first reached; None where it never is."""
    for copy, (before, after) in enumerate(pairwise(distances)):
        if after >= level:
            return copy + (level - before) / (after - before)
    return None
