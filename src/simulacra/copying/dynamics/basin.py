"""Basins: do chains from different pictures end at the same place, and does the end still know its start?

For one attribute, chains from several starts converge when the spread between their means shrinks. The end of a chain
is a place of rest when a chain that runs on from it drifts little. For whole pictures or vectors, ends of one start
that lie nearer to each other than to ends of other starts tell that the start is still in there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import atanh, exp, lgamma, sqrt, tanh
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from simulacra.copying.dynamics.distributions import fisher_quantile, student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level, exactly
from simulacra.copying.dynamics.series import Floats, Series, Vectors, side_by_side, vectors
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.seeds import derive_seed

FEWEST = 4
"""Starts below which their spread is not estimated."""
EXACT_UP_TO = 5040
"""Orders of labels up to which every one is tried."""

_DRAWS = 9999
_EQUAL = 1e-9  # gaps that differ by less than rounding count as equally large


@dataclass(frozen=True)
class Basin:
    """Chains from several starts, in one attribute."""

    between: tuple[float | Undefined, ...]  # by frame: variance of the starts' means, without replicates' luck
    within: tuple[float | Undefined, ...]  # by frame: variance over replicates of one start
    share: tuple[Estimate, ...]  # by frame: of the variance, what the start decides; 1 all of it, 0 none
    memory: tuple[Estimate, ...]  # by frame: correlation over starts of the mean with frame 0
    kept: Estimate  # share of the spread at frame 0 that is left at the last frame: below 1 they converge
    verdict: str
    starts: int


@dataclass(frozen=True)
class EndStates:
    """Distances between the ends of chains."""

    distances: Floats  # shape (n, n), root mean square over attributes or pixels
    same_start: float | Undefined  # mean distance of two ends of one start
    other_start: float | Undefined  # mean distance of two ends of different starts
    p_value: float | Undefined  # chance of a gap like this when ends have nothing to do with starts
    test: str


def basin(starts: Sequence[Sequence[Series]], level: float = LEVEL) -> Basin | Undefined:
    """Do chains from several starts converge in one attribute?

    Args:
        starts: of each start, the attribute of its replicate chains by frame, frame 0 first; a frame counts where every
            chain has a value.
        level: the rate of the intervals.

    Returns:
        Spread and memory by frame, or why there is none: fewer than `FEWEST` starts, or starts that are all alike.

    Raises:
        UserError: starts differ in their number of replicates, a value is not finite, or the level is none.

    Source: variance components and the interval of their share, Searle 1971; the ratio of two correlated variances,
    Pitman 1939 and Morgan 1939; the correlation's interval, Fisher 1921.
    """
    check_level(level)
    replicates = {len(chains) for chains in starts}
    if len(replicates) > 1:
        raise UserError(
            f"the starts have {min(replicates)} to {max(replicates)} replicates; give each start equally many"
        )
    if len(starts) < FEWEST:
        return Undefined(f"{len(starts)} starts; {FEWEST} are the fewest")
    table = side_by_side([chain for chains in starts for chain in chains])
    table = table.reshape(len(starts), -1, table.shape[-1])  # (S, R, K + 1)
    full = np.flatnonzero(~np.isnan(table).any((0, 1)))
    if len(full) < 2 or full[0] != 0:
        return Undefined("the chains have no frame besides frame 0 at which each of them has a value")
    means = table.mean(1)  # (S, K + 1), NaN where a chain has a gap
    if np.ptp(means[:, 0]) == 0:
        return Undefined("the starts are all alike in this attribute")
    gap = Undefined("a chain has no value at this frame")
    components = [_components(table[..., frame]) if frame in full else (gap, gap) for frame in range(table.shape[-1])]
    kept = _variance_ratio(means[:, 0], means[:, full[-1]], level)
    return Basin(
        tuple(between for between, _ in components),
        tuple(within for _, within in components),
        tuple(
            _share(table[..., frame], level) if frame in full else Estimate(gap, gap)
            for frame in range(table.shape[-1])
        ),
        tuple(
            _correlation(means[:, 0], means[:, frame], level) if frame in full else Estimate(gap, gap)
            for frame in range(table.shape[-1])
        ),
        kept,
        _verdict(kept),
        len(starts),
    )


def run_on(first: Sequence[Series], again: Sequence[Series], level: float = LEVEL) -> Estimate:
    """How much a chain that starts at another's last frame drifts, as a share of what that one drifted.

    Args:
        first: of each chain, its drift from its own frame 0, by frame.
        again: of the chain that runs on from its end, its drift from its own frame 0, by frame.
        level: the rate of the interval.

    Returns:
        The geometric mean over chains of the ratio at the last frame both have: near 0 the first chain had arrived,
        near 1 it went on as it began. A chain that stands still gives 0 without an interval.

    Raises:
        UserError: the chains differ in number, a value is not finite, or the level is none.
    """
    check_level(level)
    if len(first) != len(again):
        raise UserError(f"there are {len(first)} chains and {len(again)} that run on from them; each needs its own")
    ratios = []
    for chain, further in zip(first, again, strict=True):
        pair = side_by_side([chain, further])
        both = np.flatnonzero(~np.isnan(pair).any(0) & (pair[0] > 0)) if pair.size else np.empty(0, dtype=np.int64)
        if len(both):
            ratios.append(float(pair[1, both[-1]] / pair[0, both[-1]]))
    if not ratios:
        none = Undefined("no chain drifted and ran on to a frame that both have")
        return Estimate(none, none)
    if min(ratios) == 0:
        none = Undefined(f"{ratios.count(0.0)} of {len(ratios)} chains stand still when run on")
        return Estimate(0.0 if max(ratios) == 0 else none, none)
    logarithms = np.log(ratios)
    middle = float(logarithms.mean())
    if len(ratios) < 2:
        return Estimate(exp(middle), Undefined("1 chain; 2 are the fewest that show how they scatter"))
    reach = student_quantile((1 + level) / 2, len(ratios) - 1) * float(logarithms.std(ddof=1)) / sqrt(len(ratios))
    return Estimate(
        exp(middle), Interval(exp(middle - reach), exp(middle + reach), level, f"Student over {len(ratios)} chains")
    )


def end_states(ends: Vectors, starts: Sequence[str], seed: int = 0) -> EndStates:
    """Distances between ends of chains, and whether ends still know their start.

    Args:
        ends: one vector an end, shape (n, d): attributes, features, or the pixels of a picture in a row.
        starts: the start of each end, such as the picture's label.
        seed: of the orders of labels, where there are too many to try all.

    Raises:
        UserError: ends and starts differ in number, an end lacks an attribute, or vectors differ in length.

    Source: permutation of labels, as in Clarke 1993, with mean distances in the place of ranks.
    """
    table, labels = vectors(ends), list(starts)
    if len(table) != len(labels):
        raise UserError(f"there are {len(table)} ends and {len(labels)} starts named; name one start an end")
    if np.isnan(table).any():
        raise UserError("an end lacks the value of an attribute; leave that end or that attribute out")
    squares = (table**2).sum(1)
    # Differences of dot products lose half of the digits: enough for distances, and n x n in place of n x n x d.
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * table @ table.T, 0) / max(1, table.shape[1]))
    np.fill_diagonal(distances, 0)
    codes = np.array([labels.index(label) for label in labels], dtype=np.int64)
    rows, columns = np.triu_indices(len(table), 1)
    apart, same = distances[rows, columns], codes[rows] == codes[columns]
    inside = float(apart[same].mean()) if same.any() else Undefined("no two ends have the same start")
    across = float(apart[~same].mean()) if not same.all() else Undefined("there are no ends of two starts")
    if isinstance(inside, Undefined) or isinstance(across, Undefined):
        return EndStates(distances, inside, across, Undefined("there is nothing to compare"), "none")
    p_value, test = _shuffle_labels(codes, distances, across - inside, seed)
    return EndStates(distances, inside, across, p_value, test)


def _components(values: Floats) -> tuple[float | Undefined, float | Undefined]:
    """Variance between and within starts, values of shape (S, R); the first is unbiased and may be below 0."""
    replicates = values.shape[1]
    between = float(values.mean(1).var(ddof=1))
    if replicates < 2:
        return between, Undefined("each start has one chain")
    within = float(values.var(axis=1, ddof=1).mean())
    return between - within / replicates, within


def _share(values: Floats, level: float) -> Estimate:
    """Between-start variance as a share of the whole (intraclass correlation), with Searle's exact interval."""
    starts, replicates = values.shape
    if replicates < 2:
        none = Undefined("each start has one chain")
        return Estimate(none, none)
    within, between = float(values.var(axis=1, ddof=1).mean()), replicates * float(values.mean(1).var(ddof=1))
    if within == 0:
        return exactly(1.0 if between > 0 else 0.0, level, "exact: replicates are equal")
    ratio, above, below = between / within, starts - 1, starts * (replicates - 1)
    tail = (1 - level) / 2
    low, high = (ratio / fisher_quantile(p, above, below) for p in (1 - tail, tail))
    value, low, high = ((f - 1) / (f - 1 + replicates) for f in (ratio, low, high))
    return Estimate(value, Interval(max(0.0, low), max(0.0, high), level, f"F, {above} and {below} degrees of freedom"))


def _correlation(first: Floats, last: Floats, level: float) -> Estimate:
    count = len(first)
    if np.ptp(first) == 0 or np.ptp(last) == 0:
        none = Undefined("the chains are all at the same value")
        return Estimate(none, none)
    r = float(np.clip(np.corrcoef(first, last)[0, 1], -1, 1))
    if abs(r) >= 1 - 1e-12:
        return exactly(r, level, "exact: a straight line over starts")
    reach = NormalDist().inv_cdf((1 + level) / 2) / sqrt(count - 3)
    low, high = tanh(atanh(r) - reach), tanh(atanh(r) + reach)
    return Estimate(r, Interval(low, high, level, f"Fisher's z over {count} starts"))


def _variance_ratio(first: Floats, last: Floats, level: float) -> Estimate:
    """var(last) / var(first) of the same starts; exact for normal ones however they are correlated (Pitman 1939)."""
    count = len(first)
    above, below = float(last.var(ddof=1)), float(first.var(ddof=1))
    ratio = above / below
    if above == 0:
        return exactly(0.0, level, "exact: every chain is at the same value")
    r = float(np.corrcoef(first, last)[0, 1])
    spread = 1 + 2 * (1 - r * r) * student_quantile((1 + level) / 2, count - 2) ** 2 / (count - 2)
    factor = spread + sqrt(max(0.0, spread**2 - 1))
    method = f"Pitman and Morgan over {count} starts"
    return Estimate(ratio, Interval(ratio / factor, ratio * factor, level, method))


def _verdict(kept: Estimate) -> str:
    if isinstance(kept.value, Undefined) or isinstance(kept.interval, Undefined):
        return "unknown"
    if kept.interval.high < 1:
        return "they converge"
    if kept.interval.low > 1:
        return "they move apart"
    return "undecided: they may keep their distance"


def _shuffle_labels(codes: NDArray[np.int64], distances: Floats, gap: float, seed: int) -> tuple[float, str]:
    """The share of orders of the labels under which ends of different starts lie as much further apart as observed."""
    orders = _all_orders(codes)
    if orders is None:
        generator = np.random.default_rng(derive_seed(seed, "labels"))
        drawn = generator.permuted(np.tile(codes, (_DRAWS, 1)), axis=1)
        extreme = int((_gaps(drawn, distances) >= gap - _EQUAL * abs(gap)).sum())
        return (extreme + 1) / (_DRAWS + 1), f"permutation of labels, {_DRAWS} orders drawn"
    extreme = int((_gaps(orders, distances) >= gap - _EQUAL * abs(gap)).sum())
    return extreme / len(orders), f"permutation of labels, all {len(orders)} orders"


def _gaps(labels: NDArray[np.int64], distances: Floats) -> Floats:
    """Mean distance between different labels less that between equal ones, for each order of the labels."""
    inside, pairs = np.zeros(len(labels)), 0
    for code in range(int(labels.max()) + 1):
        members = (labels == code).astype(np.float64)
        inside += ((members @ distances) * members).sum(1) / 2
        count = int(members[0].sum())  # equal in every order
        pairs += count * (count - 1) // 2
    across = len(distances) * (len(distances) - 1) // 2 - pairs
    return np.asarray((distances.sum() / 2 - inside) / across - inside / pairs)


def _all_orders(codes: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Every different order of the labels, or None when there are more than `EXACT_UP_TO`."""
    counts = np.bincount(codes).tolist()
    if exp(lgamma(len(codes) + 1) - sum(lgamma(count + 1) for count in counts)) > EXACT_UP_TO + 0.5:
        return None
    orders = [np.full(len(codes), -1)]
    for code, count in enumerate(counts):
        grown = []
        for order in orders:
            for places in combinations(np.flatnonzero(order < 0), count):
                further = order.copy()
                further[list(places)] = code
                grown.append(further)
        orders = grown
    return np.stack(orders)
