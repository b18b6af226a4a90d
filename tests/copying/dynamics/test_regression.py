from math import inf, log

import numpy as np
import pytest

from simulacra import UserError
from simulacra.copying.dynamics import Autoregression, Estimate, Interval, autoregression
from simulacra.measures.contract import Undefined, Value

from .coverage import autoregressive, bounds


def fit(chains: list[list[Value]] | list[list[float]], seed: int = 0, draws: int = 399) -> Autoregression:
    result = autoregression(chains, seed=seed, draws=draws)
    assert isinstance(result, Autoregression)
    return result


def interval(estimate: Estimate) -> Interval:
    assert isinstance(estimate.interval, Interval)
    return estimate.interval


@pytest.mark.parametrize(
    ("slope", "fixed", "copies", "chains"),
    [(0.9, 20.0, 60, 1), (0.6, 3.0, 14, 2), (0.97, 20.0, 30, 2)],
)
def test_intervals_hold_the_truth_at_the_stated_rate(slope: float, fixed: float, copies: int, chains: int) -> None:
    # Exact binomial bounds at a risk of 1e-4 a side; the benchmark asks the same of 1,000 trials.
    trials, rng = 100, np.random.default_rng(20261121)
    held = np.zeros(4, dtype=int)
    for trial in range(trials):
        found = fit(autoregressive(rng, slope, fixed, 0.0, copies, chains), seed=trial, draws=199)
        held += [
            slope in interval(found.slope),
            fixed in interval(found.fixed_point),
            log(0.5) / log(slope) in interval(found.half_life),
            1.0 in interval(found.noise),
        ]
    low, high = bounds(trials)
    assert held[0] == held[2]  # the half-life is the slope on another scale
    assert (held >= low).all(), held.tolist()
    assert (held <= high).all(), held.tolist()


def test_the_slope_is_median_unbiased_where_least_squares_is_not() -> None:
    trials, rng, slope = 100, np.random.default_rng(7), 0.95
    above, naive = 0, 0
    for trial in range(trials):
        chain = autoregressive(rng, slope, 0.0, 0.0, 30)
        y = np.array(chain[0])
        naive += np.polyfit(y[:-1], y[1:], 1)[0] > slope
        value = fit(chain, seed=trial, draws=199).slope.value
        assert isinstance(value, float)
        above += value > slope
    low, high = bounds(trials, 0.5)
    assert low <= above <= high
    assert naive < low


def test_a_random_walk_has_no_bounded_fixed_point() -> None:
    found = fit(autoregressive(np.random.default_rng(3), 1.0, 0.0, 0.0, 100))
    assert 1.0 in interval(found.slope)
    assert not interval(found.fixed_point).bounded
    assert interval(found.half_life).high == inf


def test_a_steady_push_is_heading_past_its_last_value() -> None:
    rng = np.random.default_rng(11)
    chain = [float(value) for value in np.cumsum(1 + rng.standard_normal(60) * 0.3)]
    limits = interval(fit([chain]).fixed_point)
    assert limits.high == inf
    assert limits.low > chain[-1]
    assert str(limits).startswith("above ")


def test_an_exact_chain_is_known_exactly() -> None:
    chain = [100.0]
    for _ in range(20):
        chain.append(0.5 * chain[-1] + 10)
    found = fit([chain])
    # Rounding of values near 100 in float64, summed over twenty of them.
    assert found.slope.value == pytest.approx(0.5, abs=1e-12)
    assert found.fixed_point.value == pytest.approx(20, abs=1e-10)
    assert found.half_life.value == pytest.approx(1, abs=1e-11)
    assert found.noise.value == 0
    assert interval(found.fixed_point).low == interval(found.fixed_point).high


def test_units_change_the_fixed_point_and_nothing_else() -> None:
    chains = autoregressive(np.random.default_rng(5), 0.8, 12.0, 0.0, 40, 2)
    found, scaled = fit(chains), fit([[3 * value - 40 for value in chain] for chain in chains])
    # The same draws under the same hypotheses, but for rounding of the data.
    assert scaled.slope.value == pytest.approx(found.slope.value, rel=1e-9)
    assert interval(scaled.slope).high == pytest.approx(interval(found.slope).high, rel=1e-9)
    assert interval(scaled.fixed_point).low == pytest.approx(3 * interval(found.fixed_point).low - 40, rel=1e-6)
    assert isinstance(found.noise.value, float)
    assert scaled.noise.value == pytest.approx(3 * found.noise.value, rel=1e-9)


def test_gaps_cost_their_transitions_and_lengths_may_differ() -> None:
    first, second = (list[Value](chain) for chain in autoregressive(np.random.default_rng(9), 0.7, 5.0, 0.0, 30, 2))
    first[0] = first[10] = Undefined("no face")
    found = fit([first, second[:12]])
    assert (found.transitions, found.chains) == (27 + 11, 2)


def test_the_same_seed_gives_the_same_numbers() -> None:
    chains = autoregressive(np.random.default_rng(5), 0.8, 12.0, 0.0, 30)
    assert fit(chains, seed=4) == fit(chains, seed=4)


@pytest.mark.parametrize(
    ("chains", "reason"),
    [([], "0 transitions"), ([[1.0, 2.0, 3.0]], "2 transitions"), ([[4.0] * 20], "never moves")],
)
def test_says_why_there_is_no_fit(chains: list[list[float]], reason: str) -> None:
    result = autoregression(chains)
    assert isinstance(result, Undefined)
    assert reason in result.reason


def test_refuses_values_and_levels_that_are_none() -> None:
    with pytest.raises(UserError, match="value 1 is nan"):
        autoregression([[1.0, float("nan"), 2.0]])
    with pytest.raises(UserError, match=r"level is 95"):
        autoregression([[1.0, 2.0]], level=95)
