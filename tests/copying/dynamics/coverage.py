"""How often an interval may hold the truth in a number of trials, exactly, and synthetic chains to try it on."""

from math import comb, fsum

import numpy as np
from numpy.typing import NDArray


def bounds(trials: int, rate: float = 0.95, risk: float = 1e-4) -> tuple[int, int]:
    """The counts outside of which a binomial of this rate falls with less than `risk` on either side."""
    chances = [comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(trials + 1)]
    low = next(k for k in range(trials + 1) if fsum(chances[: k + 1]) >= risk)
    high = next(k for k in range(trials, -1, -1) if fsum(chances[k:]) >= risk)
    return low, high


def autoregressive(
    rng: np.random.Generator, slope: float, fixed: float, start: float, copies: int, chains: int = 1
) -> list[list[float]]:
    """Chains of y' = fixed + slope (y - fixed) + noise of sigma 1."""
    values = np.full((chains, copies + 1), float(start))
    for k in range(copies):
        values[:, k + 1] = fixed + slope * (values[:, k] - fixed) + rng.standard_normal(chains)
    return [[float(value) for value in chain] for chain in values]


def walk_distances(
    rng: np.random.Generator, chains: int, copies: int, dimension: int, push: float
) -> list[list[float]]:
    """Distances from the start of random walks with a constant push along one axis."""
    steps = rng.standard_normal((chains, copies, dimension))
    steps[..., 0] += push
    places: NDArray[np.float64] = np.linalg.norm(steps.cumsum(1), axis=-1)
    return [[0.0, *(float(value) for value in chain)] for chain in places]
