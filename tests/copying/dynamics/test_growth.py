from math import exp

import numpy as np
import pytest

from simulacra.copying.dynamics import (
    Estimate,
    Interval,
    contraction,
    contraction_ratios,
    growth,
    idempotence,
    regime,
)
from simulacra.measures.contract import Undefined

from .coverage import bounds, walk_distances


@pytest.mark.parametrize(("power", "named"), [(2, "a steady push"), (1, "a random walk"), (0, "saturated")])
def test_pure_powers_are_exact(power: int, named: str) -> None:
    drifts = [[0.0, *(scale * k ** (power / 2) for k in range(1, 102))] for scale in (0.5, 1.0, 3.0)]
    found = growth(drifts)
    assert found.exponent.value == pytest.approx(power, abs=1e-12)
    assert found.regime == named


@pytest.mark.parametrize(("chains", "push", "truth"), [(1, 0.0, 1), (5, 0.0, 1), (1, 50.0, 2), (5, 50.0, 2)])
def test_intervals_hold_the_exponent_at_the_stated_rate(chains: int, push: float, truth: int) -> None:
    # A push of 50 outweighs the walk from the first copy on: an exponent of 2 all the way. One chain's interval
    # is made wide on purpose, so only too few are an error; exact bounds at a risk of 1e-4.
    trials, rng, held = 150, np.random.default_rng(21), 0
    for _ in range(trials):
        interval = growth(walk_distances(rng, chains, 101, 3, push)).exponent.interval
        assert isinstance(interval, Interval)
        held += truth in interval
    assert held >= bounds(trials)[0]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.9, 1.1, "a random walk"),
        (0.9, 1.9, "undecided between a random walk and a steady push"),
        (1.4, 1.6, "between a random walk and a steady push"),
        (2.4, 2.6, "accelerating"),
        (-0.9, -0.5, "returning"),
    ],
)
def test_regimes_in_words(low: float, high: float, words: str) -> None:
    assert regime(Estimate((low + high) / 2, Interval(low, high, 0.95, "given"))) == words


def test_contraction_ratio_of_a_geometric_chain() -> None:
    steps = [Undefined("frame 0"), *(0.9**k for k in range(1, 20))]
    assert contraction([steps]).value == pytest.approx(0.9, abs=1e-12)
    ratios = contraction_ratios(steps)
    assert len(ratios) == len(steps)
    assert ratios[1:-1] == pytest.approx([0.9] * 18)
    assert isinstance(ratios[0], Undefined)
    assert isinstance(ratios[-1], Undefined)


@pytest.mark.parametrize(("chains", "correlation"), [(1, 0.0), (1, 0.7), (4, 0.7)])
def test_the_contraction_interval_allows_for_correlated_steps(chains: int, correlation: float) -> None:
    trials, rng, held = 150, np.random.default_rng(5), 0
    for _ in range(trials):
        noise = 0.2 * rng.standard_normal((chains, 60))
        for k in range(1, 60):
            noise[:, k] = correlation * noise[:, k - 1] + (1 - correlation**2) ** 0.5 * noise[:, k]
        interval = contraction([*np.exp(-0.05 * np.arange(60) + noise)]).interval
        assert isinstance(interval, Interval)
        held += exp(-0.05) in interval
    assert held >= bounds(trials)[0]  # estimated correlation costs a little; a risk of 1e-4 leaves room for it


def test_idempotence_error() -> None:
    start = Undefined("frame 0")
    projector = idempotence([[start, 3.0, 0.0, 0.0], [start, 2.0, 0.0, 0.0]])
    assert projector.value == 0
    half = idempotence([[start, 4.0, 2.0], [start, 1.0, 0.25], [start, 1.0, 1.0]])
    assert half.value == pytest.approx((0.5 * 0.25 * 1.0) ** (1 / 3))
    assert isinstance(half.interval, Interval)
    assert isinstance(idempotence([[start, 4.0, 2.0]]).interval, Undefined)
    assert isinstance(idempotence([[start, 0.0, 0.0]]).value, Undefined)


def test_says_why_there_is_no_exponent() -> None:
    assert growth([[0.0] * 50]).regime == "unknown: no chain has 6 frames with a distance that is not zero"
