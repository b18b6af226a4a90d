"""Transitions y_k -> y_{k+1} of pooled chains, and the same chains drawn again under a hypothesis, as moments.

Everything the regression needs of drawn chains is a few sums, so they are kept instead of the chains; and since the
noise of a drawn chain is known, the sums hold the noise itself, not small differences of large values.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulacra.copying.dynamics.series import Flags, Floats, Series, side_by_side
from simulacra.seeds import derive_seed


class Transitions(NamedTuple):
    """Every pair of neighbouring frames that both have a value, and where in its chain each one stands."""

    before: Floats  # (n,)
    after: Floats  # (n,)
    starts: Floats  # (R,), the first value of each chain
    used: Flags  # (T, R), whether transition t of a chain, counted from its first value, is one of the n


class Moments(NamedTuple):
    """Sums over the n transitions of drawn chains; u is the state before, e the noise, both in units of its sigma."""

    u: Floats  # (G, B)
    uu: Floats  # (G, B)
    e: Floats  # (B,)
    ee: Floats  # (B,)
    ue: Floats  # (G, B)


def transitions(chains: Sequence[Series]) -> Transitions:
    """The transitions of chains; a chain with fewer than two values gives none."""
    rows = [row[np.flatnonzero(~np.isnan(row))[0] :] for row in side_by_side(chains) if not np.isnan(row).all()]
    length = max((len(row) for row in rows), default=1)
    values = np.stack([np.pad(row, (0, length - len(row)), constant_values=np.nan) for row in rows]) if rows else None
    if values is None:
        return Transitions(np.empty(0), np.empty(0), np.empty(0), np.empty((0, 0), dtype=np.bool_))
    used = ~np.isnan(values[:, :-1]) & ~np.isnan(values[:, 1:])
    return Transitions(values[:, :-1][used], values[:, 1:][used], values[:, 0], used.T)


def draw(used: Flags, draws: int, seed: int) -> Floats:
    """Standard normal noise for `draws` sets of chains, shape (T, B, R)."""
    generator = np.random.default_rng(derive_seed(seed, "autoregression"))
    return generator.standard_normal((len(used), draws, used.shape[1]))


def moments(noise: Floats, used: Flags, slopes: Floats, drifts: Floats, starts: Floats) -> Moments:
    """Draw the chains u_{k+1} = a u_k + c + e_k again for each of G hypotheses, and sum them up.

    Args:
        noise: shape (T, B, R), the same for every hypothesis, so that results change smoothly from one to the next.
        used: shape (T, R), which transitions count; the others are drawn, but not summed, as in the chains at hand.
        slopes: a of each hypothesis, shape (G,).
        drifts: c, shape (G,), in units of the noise.
        starts: u_0 of every chain, shape (G, R), in units of the noise.
    """
    complete = bool(used.all())
    counted = noise if complete else noise * used[:, None, :]
    draws = noise.shape[1]
    sum_u, sum_uu, sum_ue = (np.zeros((len(slopes), draws)) for _ in range(3))
    slope, drift = slopes[:, None, None], drifts[:, None, None]
    u = np.repeat(starts[:, None, :], draws, axis=1)
    for step in range(len(noise)):
        seen = u if complete else u * used[step]
        sum_u += seen.sum(-1)
        sum_uu += np.einsum("gbr,gbr->gb", seen, seen)
        sum_ue += np.einsum("gbr,br->gb", seen, counted[step])
        u = slope * u
        u += drift
        u += noise[step]
    return Moments(sum_u, sum_uu, counted.sum((0, 2)), np.einsum("tbr,tbr->b", counted, counted), sum_ue)
