"""Lead and lag between two attributes: does the tint come first and the face after it?

Two attributes that both start out of balance move together at first whatever they have to do with each other. So what
is correlated is what each attribute's own past does not explain: its increments less the pull of its own first-order
autoregression (prewhitening, Box and Jenkins 1970; Haugh 1976). Chance is asked by putting short blocks of one series
into another order: that keeps what a few neighbouring copies have to do with each other and breaks what joins the two
series. Turning a whole series round in a circle would keep more, but a chain of 101 copies has only five turns that
share no lag.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats, Series, side_by_side
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.seeds import derive_seed

FEWEST = 20
"""Copies below which no lag is looked for; four times the largest lag, where that is more."""

_DRAWS = 1999
_EXACT = 1e-7  # values carry seven digits: residuals below this share of the values are rounding

Lags = NDArray[np.int64]


@dataclass(frozen=True)
class LeadLag:
    """Cross-correlation of the surprises of two attributes."""

    lags: tuple[int, ...]  # copies; positive where the first attribute leads
    correlations: tuple[float, ...]  # of the first at copy k with the second at copy k + lag
    band: float  # the largest |correlation| of unrelated attributes stays below this at the stated rate
    p_value: float  # chance of a largest |correlation| like this between unrelated attributes
    lead: Estimate  # copies by which the first leads the second; undefined where chance explains the correlation


def lead_lag(
    first: Sequence[Series], second: Sequence[Series], furthest: int = 10, level: float = LEVEL, seed: int = 0
) -> LeadLag | Undefined:
    """Which of two attributes moves first, over one chain or replicates.

    Args:
        first: of each chain, the first attribute by frame, frame 0 first.
        second: of the same chains, the second attribute.
        furthest: the largest lag, in copies.
        level: the rate of the band and of the lead's interval.
        seed: of the shuffled and of the resampled blocks.

    Returns:
        The cross-correlation, or why there is none: chains too short for the lags, or an attribute that never moves.

    Raises:
        UserError: the chains differ in number, furthest is below 1, a value is not finite, or the level is none.

    Source: prewhitening, Haugh 1976; the interval of the lead by blocks of copies drawn anew, Kunsch 1989.
    """
    check_level(level)
    if len(first) != len(second):
        raise UserError(
            f"there are {len(first)} chains of the first attribute and {len(second)} of the second; "
            "both must be of the same chains"
        )
    if furthest < 1:
        raise UserError(f"furthest is {furthest}; it must be 1 copy or more")
    width = max((len(chain) for chain in (*first, *second)), default=0)
    one = _surprises(first, width)
    if isinstance(one, Undefined):
        return one
    other = _surprises(second, width)
    if isinstance(other, Undefined):
        return other
    length = one.shape[1]
    fewest = max(FEWEST, 4 * furthest)
    if length < fewest:
        return Undefined(f"{length} copies are too few for lags up to {furthest}; {fewest} are the fewest")
    lags = np.arange(-furthest, furthest + 1)
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    products = np.stack([_products(one, other, lag) for lag in lags.tolist()])  # (lags, R, length)
    correlations = products.sum((1, 2)) / scale
    largest = float(np.abs(correlations).max())

    chance = _shuffled(one, other, lags, seed) / scale
    band = float(np.quantile(chance, level, method="higher"))
    p_value = (1 + int((chance >= largest).sum())) / (1 + len(chance))
    if p_value > 1 - level:
        none = Undefined(f"chance explains a correlation of {largest:.2f} at some lag (p = {p_value:.2g})")
        lead = Estimate(none, none)
    else:
        lead = _lead(products, correlations, lags, level, seed)
    return LeadLag(tuple(lags.tolist()), tuple(correlations.tolist()), band, p_value, lead)


def _surprises(chains: Sequence[Series], width: int) -> Floats | Undefined:
    """Residuals of one autoregression over all chains, shape (R, K), zero in gaps."""
    table = side_by_side(chains)
    table = np.pad(table, ((0, 0), (0, width - table.shape[1])), constant_values=np.nan)
    before, after = table[:, :-1], table[:, 1:]
    used = ~np.isnan(before) & ~np.isnan(after)
    if used.sum() < 3 or np.ptp(before[used]) == 0:
        return Undefined("an attribute never moves")
    x, y = before - before[used].mean(), after - after[used].mean()
    slope = (x[used] @ y[used]) / (x[used] @ x[used])
    residual = np.where(used, y - slope * x, 0.0)
    if np.abs(residual).max() <= _EXACT * np.abs(table[~np.isnan(table)]).max():
        return Undefined("an attribute follows its own past to the last digit")
    return residual


def _products(one: Floats, other: Floats, lag: int) -> Floats:
    """one_k other_{k + lag}, shape (R, length), zero where k + lag lies outside the chain."""
    products = np.zeros_like(one)
    if lag >= 0:
        products[:, : one.shape[1] - lag] = one[:, : one.shape[1] - lag] * other[:, lag:]
    else:
        products[:, -lag:] = one[:, -lag:] * other[:, :lag]
    return products


def _block(length: int) -> int:
    """Copies a block: the cube root of the length, the usual compromise (Kunsch 1989)."""
    return max(1, round(float(np.cbrt(length))))


def _shuffled(one: Floats, other: Floats, lags: Lags, seed: int) -> Floats:
    """The largest |sum of products| over the lags, with the blocks of `other` in drawn orders, each chain its own."""
    chains, length = one.shape
    generator = np.random.default_rng(derive_seed(seed, "orders"))
    blocks = max(2, length // _block(length))
    block_of = np.arange(length) * blocks // length
    total = np.zeros((_DRAWS, len(lags)))
    for row in range(chains):
        places = generator.random((_DRAWS, blocks)).argsort(1)  # of each block, in each drawn order
        orders = places[:, block_of].argsort(1, kind="stable")
        # Column l holds the first series moved by lag l, so that one product of matrices does every lag of every order.
        moved = np.stack(
            [_products(np.ones((1, length)), one[row : row + 1], -lag)[0] for lag in lags.tolist()], axis=1
        )
        total += other[row][orders] @ moved
    return np.asarray(np.abs(total).max(1))


def _lead(products: Floats, correlations: Floats, lags: Lags, level: float, seed: int) -> Estimate:
    """The lag of the largest correlation, with an interval from blocks of neighbouring copies drawn anew."""
    count, chains, length = products.shape
    block = _block(length)
    whole = length // block
    sums = products[:, :, : whole * block].reshape(count, chains * whole, block).sum(-1)
    generator = np.random.default_rng(derive_seed(seed, "blocks"))
    times = generator.multinomial(chains * whole, np.full(chains * whole, 1 / (chains * whole)), size=_DRAWS)
    leads = lags[np.abs(times @ sums.T).argmax(1)]
    low, high = np.quantile(leads, [(1 - level) / 2, (1 + level) / 2], method="closest_observation")
    found = float(lags[np.abs(correlations).argmax()])
    method = f"{_DRAWS} resamples of blocks of {block} copies"
    return Estimate(found, Interval(min(found, float(low)), max(found, float(high)), level, method))
