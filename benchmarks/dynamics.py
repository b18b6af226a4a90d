"""Claim: the intervals of `simulacra.copying.dynamics` hold the truth at the stated rate.

Each case is 1,000 synthetic chains, or sets of them, whose answer is known. An exact method must hold it in 95 % of
them up to the binomial's own scatter, at a risk of 1e-4 on either side. A method that is wide on purpose must not hold
it less often than that. Tests of chance must cry wolf in no more than 5 %. Cases known to miss the rate are reported
and do not count.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import comb, exp, fsum, log
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulacra.copiers.contract import Copier, Determinism, Receipt
from simulacra.copying import dynamics
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.measures.contract import Undefined
from simulacra.seeds import derive_seed

TRIALS = 1000
LEVEL = 0.95
RISK = 1e-4

Held = Mapping[str, bool | None]
"""Name of the interval -> whether it holds the truth; None where the method rightly gave none."""
Trial = Callable[[np.random.Generator, int], Held]
Array = NDArray[np.float64]


def measure() -> dict[str, Any]:
    torch.set_num_threads(1)
    results: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for kind, cases in CASES.items():
            for name in cases:
                trials = list(pool.map(partial(_trial, kind, name), range(TRIALS), chunksize=25))
                for quantity in trials[0]:
                    held = [bool(trial[quantity]) for trial in trials if trial[quantity] is not None]
                    results[f"{name}: {quantity}"] = _judged(kind, sum(held), len(held))
    return {
        "claim": f"intervals hold the truth at the stated {LEVEL:.0%} over {TRIALS:,} synthetic chains",
        "cases": results,
        "holds": all(case["holds"] for case in results.values() if case["kind"] != "known to miss"),
    }


def _trial(kind: str, name: str, index: int) -> Held:
    return CASES[kind][name](np.random.default_rng(derive_seed(1, name, index)), index)


def _judged(kind: str, count: int, trials: int) -> dict[str, Any]:
    rate = 1 - LEVEL if kind == "chance" else LEVEL
    low, high = _bounds(trials, rate)
    allowed = {"exact": (low, high), "wide": (low, trials), "chance": (0, high)}.get(kind, (low, trials))
    return {
        "kind": kind,
        "count": count,
        "trials": trials,
        "rate": round(count / trials, 4),
        "allowed": allowed,
        "holds": allowed[0] <= count <= allowed[1],
    }


def _bounds(trials: int, rate: float) -> tuple[int, int]:
    chances = [exp(log(comb(trials, k)) + k * log(rate) + (trials - k) * log(1 - rate)) for k in range(trials + 1)]
    low = next(k for k in range(trials + 1) if fsum(chances[: k + 1]) >= RISK)
    return low, next(k for k in range(trials, -1, -1) if fsum(chances[k:]) >= RISK)


def _holds(estimate: Estimate, truth: float) -> bool:
    return isinstance(estimate.interval, Interval) and truth in estimate.interval


def _autoregressive(
    rng: np.random.Generator,
    slope: float,
    fixed: float,
    start: float,
    copies: int,
    chains: int,
    tails: int | None = None,
) -> Array:
    """Chains with noise of sigma 1, normal or Student's with `tails` degrees of freedom."""
    values = np.full((chains, copies + 1), float(start))
    for k in range(copies):
        noise = rng.standard_normal(chains) if tails is None else rng.standard_t(tails, chains) * (1 - 2 / tails) ** 0.5
        values[:, k + 1] = fixed + slope * (values[:, k] - fixed) + noise
    return values


def _regression(
    slope: float, fixed: float, copies: int, chains: int, tails: int | None, rng: np.random.Generator, index: int
) -> Held:
    found = dynamics.autoregression([*_autoregressive(rng, slope, fixed, 0.0, copies, chains, tails)], seed=index)
    assert not isinstance(found, Undefined)
    held: dict[str, bool | None] = {"slope": _holds(found.slope, slope)}
    if slope < 1:
        held["fixed point"] = _holds(found.fixed_point, fixed)
        held["half-life"] = _holds(found.half_life, log(0.5) / log(slope))
    if tails is None:
        held["noise"] = _holds(found.noise, 1.0)
    return held


def _growth(chains: int, dimension: int, push: float, rng: np.random.Generator, index: int) -> Held:
    steps = rng.standard_normal((chains, 101, dimension))
    steps[..., 0] += push
    drifts = np.linalg.norm(steps.cumsum(1), axis=-1)
    found = dynamics.growth([*np.concatenate([np.zeros((chains, 1)), drifts], axis=1)])
    return {"exponent": _holds(found.exponent, 2.0 if push else 1.0)}


def _saturated(chains: int, rng: np.random.Generator, index: int) -> Held:
    places = rng.standard_normal((chains, 102, 20))
    found = dynamics.growth([*np.linalg.norm(places - places[:, :1], axis=-1)])
    return {"exponent": _holds(found.exponent, 0.0)}


def _contraction(chains: int, correlation: float, rng: np.random.Generator, index: int) -> Held:
    noise = 0.2 * rng.standard_normal((chains, 101))
    for k in range(1, 101):
        noise[:, k] = correlation * noise[:, k - 1] + (1 - correlation**2) ** 0.5 * noise[:, k]
    return {"ratio": _holds(dynamics.contraction([*np.exp(-0.02 * np.arange(101) + noise)]), exp(-0.02))}


def _variance(sigma: list[float], bias: list[float], replicates: int, rng: np.random.Generator, index: int) -> Held:
    copies = np.array(bias) + np.array(sigma) * rng.standard_normal((replicates, len(sigma)))
    found = dynamics.bias_and_variance([0.0] * len(sigma), copies)
    assert not isinstance(found, Undefined)
    return {
        "bias squared": _holds(found.bias_squared, float(np.dot(bias, bias))),
        "variance": _holds(found.variance, float(np.dot(sigma, sigma))),
        "mean drift": _holds(found.mean_drift[0], bias[0]),
    }


def _agreement(count: int, push: float, truth: float, rng: np.random.Generator, index: int) -> Held:
    found = dynamics.agreement(rng.standard_normal((count, 3)) + np.array([push, 0, 0]), seed=index)
    assert not isinstance(found, Undefined)
    return {"mean cosine": _holds(found.cosine, truth)}


def _agreement_by_chance(count: int, rng: np.random.Generator, index: int) -> Held:
    found = dynamics.agreement(rng.standard_normal((count, 3)), seed=index)
    assert not isinstance(found, Undefined)
    return {"p below 0.05": found.p_value <= 0.05}


def _mean_cosine(push: float) -> float:
    """|E u|^2 of the direction u of a normal vector in three dimensions whose mean has length `push`, by quadrature.

    By symmetry E u lies along the mean, and its length is the mean cosine with it; the vector's length is summed out.
    """
    cosine = np.linspace(-1, 1, 20_001)
    lengths = np.linspace(0, push + 12, 2_001)[:, None]
    density = lengths**2 * np.exp(-((lengths - push * cosine) ** 2) / 2 - push**2 * (1 - cosine**2) / 2)
    weight = density.sum(0)
    return float((np.trapezoid(cosine * weight, cosine) / np.trapezoid(weight, cosine)) ** 2)


def _coupled(rng: np.random.Generator, strength: float, chains: int) -> tuple[Array, Array]:
    """Two attributes that come down together from 30; the second feels the first's noise three copies later."""
    copies, lag = 101, 3
    noise = rng.standard_normal((chains, copies + lag))
    first, second = np.full((chains, copies + 1), 30.0), np.full((chains, copies + 1), 30.0)
    for k in range(copies):
        first[:, k + 1] = 0.9 * first[:, k] + noise[:, k + lag]
        second[:, k + 1] = 0.9 * second[:, k] + rng.standard_normal(chains) + strength * noise[:, k]
    return first, second


def _lead(strength: float, chains: int, rng: np.random.Generator, index: int) -> Held:
    first, second = _coupled(rng, strength, chains)
    found = dynamics.lead_lag([*first], [*second], seed=index)
    assert not isinstance(found, Undefined)
    return {"lead": None if isinstance(found.lead.interval, Undefined) else _holds(found.lead, 3)}


def _lead_by_chance(chains: int, rng: np.random.Generator, index: int) -> Held:
    first, second = _coupled(rng, 0.0, chains)
    found = dynamics.lead_lag([*first], [*second], seed=index)
    assert not isinstance(found, Undefined)
    return {"p below 0.05": found.p_value <= 0.05}


def _forecast(chain: Callable[[np.random.Generator], Array], rng: np.random.Generator, index: int) -> Held:
    values = chain(rng)
    found = dynamics.forecast([float(value) for value in values[:15]], 101)
    assert not isinstance(found, Undefined)
    return {"copy 101": _holds(found.value, float(values[101]))}


def _one_autoregression(slope: float, fixed: float, rng: np.random.Generator) -> Array:
    return _autoregressive(rng, slope, fixed, 0.0, 101, 1)[0]


def _trend(slope: float, rng: np.random.Generator) -> Array:
    return np.asarray(slope * np.arange(102) + rng.standard_normal(102))


def _saturating(half_life: float, way: float, rng: np.random.Generator) -> Array:
    return np.asarray(way * (1 - 2 ** (-np.arange(102) / half_life)) + rng.standard_normal(102))


class _Toy(Copier):
    family = "toy"
    summary = licence = origin = "A toy."
    determinism = Determinism.EXACT
    differentiable = True

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def copy(self, pictures: torch.Tensor, seeds: Any, step: int) -> tuple[torch.Tensor, list[Receipt]]:
        return self.function(pictures), [Receipt(0.0) for _ in seeds]


def _logistic(rng: np.random.Generator, index: int) -> Held:
    start = torch.full((1, 3, 1, 1), float(rng.uniform(0.05, 0.95)))
    found = dynamics.lyapunov(_Toy(lambda x: 4 * x * (1 - x)), start, copies=100, size=1e-4, seed=index)
    return {"Lyapunov exponent": _holds(found.exponent, log(2))}


def _twins(rng: np.random.Generator, index: int) -> Held:
    """Distances that shrink by 10 % a copy, each with noise of its own."""
    distances = np.exp(-0.1 * np.arange(31) + 0.3 * rng.standard_normal((5, 31)))
    return {"Lyapunov exponent": _holds(dynamics.lyapunov_of_chains([*distances]).exponent, -0.1)}


def _eigenvalue(rng: np.random.Generator, index: int) -> Held:
    """A drawn symmetric matrix: the value lies within the residual, and the rounding of float32, of a true one."""
    matrix = rng.standard_normal((48, 48))
    matrix = (matrix + matrix.T) / 20
    values = np.linalg.eigvalsh(matrix)
    turned = torch.from_numpy(matrix.T.copy()).float()
    found = dynamics.leading_eigenpair(
        lambda x: (x.flatten(1) @ turned).reshape(x.shape), torch.zeros(1, 3, 4, 4), products=600, seed=index
    )
    error = np.abs(values - found.value.real).min()
    largest = np.abs(values).max() - found.modulus
    return {"eigenvalue within residual": bool(error <= found.residual + 1e-6), "the largest": bool(largest <= 1e-3)}


def _basin(rng: np.random.Generator, index: int) -> Held:
    slope, copies, starts, replicates = 0.9, 8, 7, 2
    values = np.repeat(10 * rng.standard_normal((starts, 1, 1)), replicates, axis=1)
    for _ in range(copies):
        values = np.concatenate([values, slope * values[..., -1:] + rng.standard_normal((starts, replicates, 1))], -1)
    found = dynamics.basin([[*chains] for chains in values])
    assert not isinstance(found, Undefined)
    own, between = (1 - slope ** (2 * copies)) / (1 - slope**2), 100 * slope ** (2 * copies)
    return {
        "spread kept": _holds(found.kept, (between + own / replicates) / 100),
        "share of the start": _holds(found.share[-1], between / (between + own)),
        "memory": _holds(found.memory[-1], 10 * slope**copies / (between + own / replicates) ** 0.5),
    }


EXACT: dict[str, Trial] = {
    "autoregression, slope 0.5, one chain": partial(_regression, 0.5, 10.0, 101, 1, None),
    "autoregression, slope 0.9, one chain": partial(_regression, 0.9, 20.0, 101, 1, None),
    "autoregression, slope 0.9, heavy tails": partial(_regression, 0.9, 20.0, 101, 1, 5),
    "autoregression, slope 0.97, one chain": partial(_regression, 0.97, 20.0, 101, 1, None),
    "autoregression, slope 0.97, eight chains": partial(_regression, 0.97, 20.0, 101, 8, None),
    "autoregression, slope 0.9, 15 frames of four chains": partial(_regression, 0.9, 5.0, 14, 4, None),
    "autoregression, random walk": partial(_regression, 1.0, 0.0, 101, 1, None),
    "growth, random walk, five chains": partial(_growth, 5, 20, 0.0),
    "growth, random walk of one attribute, eight chains": partial(_growth, 8, 1, 0.0),
    "growth, push, five chains": partial(_growth, 5, 3, 50.0),
    "growth, saturated, five chains": partial(_saturated, 5),
    "contraction, five chains": partial(_contraction, 5, 0.7),
    "variance, one attribute": partial(_variance, [1.0], [2.0], 6),
    "twins of stored chains": _twins,
    "basin": _basin,
}
WIDE: dict[str, Trial] = {
    "growth, random walk, one chain": partial(_growth, 1, 3, 0.0),
    "growth, push, one chain": partial(_growth, 1, 3, 50.0),
    "growth, saturated, one chain": partial(_saturated, 1),
    "contraction, one chain": partial(_contraction, 1, 0.7),
    "variance, three attributes, no bias": partial(_variance, [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], 6),
    "variance, three attributes, some bias": partial(_variance, [1.0, 1.0, 1.0], [0.5, 0.5, 0.0], 6),
    "variance, three uneven attributes": partial(_variance, [3.0, 1.0, 0.1], [5.0, 0.0, 0.0], 6),
    "variance, thirty attributes": partial(_variance, [1.0] * 30, [0.3] * 30, 6),
    "agreement, eight weak": partial(_agreement, 8, 0.5, _mean_cosine(0.5)),
    "agreement, eight strong": partial(_agreement, 8, 3.0, _mean_cosine(3.0)),
    "agreement, twenty": partial(_agreement, 20, 1.0, _mean_cosine(1.0)),
    "lead, one chain": partial(_lead, 0.7, 1),
    "lead, four chains": partial(_lead, 0.4, 4),
    "forecast, autoregression 0.5": partial(_forecast, partial(_one_autoregression, 0.5, 5.0)),
    "forecast, autoregression 0.9": partial(_forecast, partial(_one_autoregression, 0.9, 5.0)),
    "forecast, autoregression 0.9 from far away": partial(_forecast, partial(_one_autoregression, 0.9, 10.0)),
    "forecast, autoregression 0.97": partial(_forecast, partial(_one_autoregression, 0.97, 20.0)),
    "forecast, no trend": partial(_forecast, partial(_trend, 0.0)),
    "forecast, weak trend": partial(_forecast, partial(_trend, 0.1)),
    "forecast, trend": partial(_forecast, partial(_trend, 1.0)),
    "forecast, half-life 9": partial(_forecast, partial(_saturating, 9.0, 20.0)),
    "forecast, half-life 30": partial(_forecast, partial(_saturating, 30.0, 100.0)),
    "logistic map": _logistic,
    "eigenvalue of a symmetric matrix": _eigenvalue,
}
CHANCE: dict[str, Trial] = {
    "agreement of eight": partial(_agreement_by_chance, 8),
    "agreement of twenty": partial(_agreement_by_chance, 20),
    "lead, one chain": partial(_lead_by_chance, 1),
    "lead, four chains": partial(_lead_by_chance, 4),
}
KNOWN_TO_MISS: dict[str, Trial] = {
    "forecast, random walk": partial(_forecast, partial(_one_autoregression, 1.0, 0.0)),
}
CASES = {"exact": EXACT, "wide": WIDE, "chance": CHANCE, "known to miss": KNOWN_TO_MISS}
