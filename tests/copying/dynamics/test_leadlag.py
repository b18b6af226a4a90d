import numpy as np
import pytest

from simulacra import UserError
from simulacra.copying.dynamics import Interval, LeadLag, lead_lag
from simulacra.measures.contract import Undefined, Value

from .coverage import bounds


def coupled(
    rng: np.random.Generator, strength: float, lag: int, chains: int = 1, copies: int = 80
) -> tuple[list[list[float]], list[list[float]]]:
    """Two attributes that both come down from 30; the second also feels the first's noise of `lag` copies before."""
    noise = rng.standard_normal((chains, copies + lag))
    first, second = np.full((chains, copies + 1), 30.0), np.full((chains, copies + 1), 30.0)
    for k in range(copies):
        first[:, k + 1] = 0.9 * first[:, k] + noise[:, k + lag]
        second[:, k + 1] = 0.9 * second[:, k] + rng.standard_normal(chains) + strength * noise[:, k]
    return first.tolist(), second.tolist()


def lead(first: list[list[float]], second: list[list[float]], seed: int = 0) -> LeadLag:
    result = lead_lag(first, second, furthest=6, seed=seed)
    assert isinstance(result, LeadLag)
    return result


def test_finds_who_leads_and_by_how_much() -> None:
    first, second = coupled(np.random.default_rng(1), 2.0, 3)
    forward, backward = lead(first, second), lead(second, first)
    assert forward.lead.value == 3
    assert backward.lead.value == -3
    assert forward.p_value <= 0.001
    assert max(forward.correlations) == forward.correlations[forward.lags.index(3)]
    assert isinstance(forward.lead.interval, Interval)
    assert 3 in forward.lead.interval


@pytest.mark.parametrize("chains", [1, 3])
def test_a_common_start_is_no_lead(chains: int) -> None:
    # Both attributes come down together from 30; their raw increments correlate, their surprises do not.
    trials, rng = 100, np.random.default_rng(2)
    found = sum(lead(*coupled(rng, 0.0, 3, chains), seed=trial).p_value <= 0.05 for trial in range(trials))
    assert found <= bounds(trials, 0.05)[1]


def test_the_lead_lies_in_its_interval_at_the_stated_rate() -> None:
    trials, rng, held, told = 60, np.random.default_rng(3), 0, 0
    for trial in range(trials):
        interval = lead(*coupled(rng, 0.7, 3), seed=trial).lead.interval
        if isinstance(interval, Interval):
            told += 1
            held += 3 in interval
    assert told > trials // 2
    assert held >= bounds(told)[0]


def test_gaps_and_lengths_are_taken_as_they_come() -> None:
    first, second = coupled(np.random.default_rng(4), 2.0, 3, chains=2)
    broken: list[list[Value]] = [list(chain) for chain in first]
    broken[0][5] = Undefined("no face")
    found = lead_lag(broken, [second[0], second[1][:50]], furthest=6)
    assert isinstance(found, LeadLag)
    assert found.lead.value == 3


def test_says_why_there_is_no_answer() -> None:
    short = lead_lag([[1.0, 3.0, 2.0, 5.0]], [[1.0, 2.0, 3.0, 2.0]])
    still = lead_lag([[1.0] * 60], [[float(k % 7) for k in range(60)]])
    assert isinstance(short, Undefined)
    assert "too few" in short.reason
    assert isinstance(still, Undefined)
    assert "never moves" in still.reason
    with pytest.raises(UserError, match="furthest is 0"):
        lead_lag([[1.0, 2.0]], [[1.0, 2.0]], furthest=0)
    with pytest.raises(UserError, match="1 chains of the first attribute and 0 of the second"):
        lead_lag([[1.0, 2.0]], [])
