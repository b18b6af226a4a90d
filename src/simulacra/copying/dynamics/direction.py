"""Do drifts agree in direction, over replicates of one picture and over pictures, and could that be chance?

The agreement of n drift vectors is their mean cosine over pairs: 1 when all point one way, near 0 when they are
scattered. Chance is asked by flipping signs: if no direction is preferred, a drift is as likely as its opposite, so
the observed agreement is one of 2^n equally likely ones (Fisher's randomisation test). All of them are tried up to n
= 14 units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from simulacra.copying.dynamics.distributions import student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level, exactly
from simulacra.copying.dynamics.series import Floats, Vectors, vectors
from simulacra.copying.dynamics.variance import luck_of_squared_mean
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.seeds import derive_seed

FEWEST = 3
"""Drift vectors below which agreement is not asked."""
EXACT_UP_TO = 14
"""Units up to which every pattern of signs is tried: 2^13 of them, for a pattern and its opposite agree alike."""

_DRAWS = 9999
_EQUAL = 1e-12  # patterns that differ by less than rounding count as equally extreme


@dataclass(frozen=True)
class Agreement:
    """How far drifts share one direction."""

    cosine: Estimate  # mean over pairs of vectors, or over pairs from different pictures
    p_value: float  # chance of an agreement like this when every drift is as likely as its opposite
    test: str  # how it was found
    vectors: int
    still: int  # vectors left out because nothing drifted


def agreement(drifts: Vectors, level: float = LEVEL, seed: int = 0) -> Agreement | Undefined:
    """The agreement of drift vectors, one a replicate, or one a picture.

    Args:
        drifts: shape (n, d); vectors of length zero have no direction, vectors with a gap no value; both are left out.
        level: the rate of the interval.
        seed: of the sign patterns, where there are too many to try all.

    Returns:
        The agreement, or why there is none: fewer than `FEWEST` vectors.

    Raises:
        UserError: vectors differ in length, a value is not finite, or the level is not between 0 and 1.

    Source: the mean cosine over pairs is a U-statistic; its jackknife is Arvesen's (1969).
    """
    check_level(level)
    units, still = _directions(drifts)
    count = len(units)
    if count < FEWEST:
        return Undefined(f"{count} drifts that have a direction; {FEWEST} are the fewest")
    p_value, test = _sign_flips(units, seed)
    return Agreement(_cosine(units, level), p_value, test, count, still)


def agreement_over_pictures(pictures: Sequence[Vectors], level: float = LEVEL, seed: int = 0) -> Agreement | Undefined:
    """The agreement of drifts between pictures: is this the model's direction, or each picture's own?

    Replicates of one picture are no independent witnesses of the model, so a picture counts once, by the mean of its
    replicates' directions, and a flip turns a whole picture.

    Args:
        pictures: of each picture, the drift vectors of its replicates, shape (R, d).
        level: the rate of the interval.
        seed: of the sign patterns, where there are too many to try all.

    Returns:
        The mean cosine over pairs of replicates from different pictures, or why there is none.

    Raises:
        UserError: vectors differ in length, a value is not finite, or the level is not between 0 and 1.
    """
    check_level(level)
    directions = [_directions(replicates) for replicates in pictures]
    still = sum(left for _, left in directions)
    if len({units.shape[1] for units, _ in directions if len(units)}) > 1:
        raise UserError("drifts of the pictures differ in their number of attributes; all must have equally many")
    means = [units.mean(0) for units, _ in directions if len(units)]
    if len(means) < FEWEST:
        return Undefined(f"{len(means)} pictures with a drift that has a direction; {FEWEST} are the fewest")
    table = np.stack(means)
    p_value, test = _sign_flips(table, seed)
    total = sum(len(units) for units, _ in directions)
    return Agreement(_cosine(table, level), p_value, test, total, still)


def _directions(drifts: Vectors) -> tuple[Floats, int]:
    """Unit vectors of those drifts that have a direction, and the number of those that drifted nowhere."""
    table = vectors(drifts)
    if not table.size:
        return table, 0
    table = table[~np.isnan(table).any(1)]
    lengths = np.linalg.norm(table, axis=1)
    return table[lengths > 0] / lengths[lengths > 0, None], int((lengths == 0).sum())


def _cosine(units: Floats, level: float) -> Estimate:
    """The mean cosine over pairs of different units, with the interval of the jackknife of log(1 - cosine).

    On that scale an agreement near 1, whose scatter has a long tail away from 1, is even. The jackknife sees nothing of
    what pairs show by luck, so that is added.
    """
    count = len(units)
    total, lengths = units.sum(0), (units**2).sum(1)
    value = float(total @ total - lengths.sum()) / (count * (count - 1))
    method = f"jackknife over {count} directions"
    if value >= 1 - _EQUAL:
        return exactly(1.0, level, "exact: every direction is the same")
    rest = total - units
    without = ((rest**2).sum(1) - (lengths.sum() - lengths)) / ((count - 1) * (count - 2))
    logarithms = np.log(np.maximum(1 - without, _EQUAL))
    scatter = (count - 1) / count * float(((logarithms - logarithms.mean()) ** 2).sum())
    error = sqrt(scatter + luck_of_squared_mean(units) / (1 - value) ** 2)
    factor = exp(student_quantile((1 + level) / 2, count - 1) * error)
    low, high = 1 - (1 - value) * factor, 1 - (1 - value) / factor
    return Estimate(value, Interval(max(-1.0, low), high, level, method))


def _sign_flips(units: Floats, seed: int) -> tuple[float, str]:
    """The share of sign patterns under which |sum of signed vectors|^2 is as large as observed.

    The cosines of pairs are all that a pattern changes, so the test works on their n x n table.
    """
    count = len(units)
    pairs = units @ units.T
    observed = float(pairs.sum())
    if count <= EXACT_UP_TO:
        codes = np.arange(2 ** (count - 1))[:, None] >> np.arange(
            count
        )  # the last sign stays: a pattern equals its opposite
        signs, test = 1.0 - 2.0 * (codes & 1), f"sign flips, all {2 ** (count - 1)} patterns"
    else:
        generator = np.random.default_rng(derive_seed(seed, "sign flips"))
        signs, test = generator.choice([-1.0, 1.0], size=(_DRAWS, count)), f"sign flips, {_DRAWS} patterns drawn"
    flipped = ((signs @ pairs) * signs).sum(1)
    extreme = int((flipped >= observed - _EQUAL * count**2).sum())
    if count <= EXACT_UP_TO:
        return extreme / len(signs), test
    return (extreme + 1) / (_DRAWS + 1), test
