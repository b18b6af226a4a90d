import numpy as np
import pytest
from scipy import stats

from simulacra import UserError
from simulacra.copying.dynamics import Basin, Interval, basin, end_states, run_on
from simulacra.measures.contract import Undefined

from .coverage import bounds


def runs(rng: np.random.Generator, slope: float, starts: int, replicates: int, copies: int = 30) -> np.ndarray:
    """Chains y' = slope y + noise from starts of sigma 10, shape (starts, replicates, copies + 1)."""
    values = np.repeat(10 * rng.standard_normal((starts, 1, 1)), replicates, axis=1)
    for _ in range(copies):
        values = np.concatenate([values, slope * values[..., -1:] + rng.standard_normal((starts, replicates, 1))], -1)
    return values


def found(values: np.ndarray) -> Basin:
    result = basin([[*chains] for chains in values])
    assert isinstance(result, Basin)
    return result


def test_pulled_chains_converge_and_forget() -> None:
    result = found(runs(np.random.default_rng(1), 0.8, 12, 3))
    assert result.verdict == "they converge"
    assert result.memory[0].value == 1
    memory, share = result.memory[-1].interval, result.share[-1].interval
    assert isinstance(memory, Interval)
    assert isinstance(share, Interval)
    assert 0 in memory
    assert 0 in share
    assert result.share[0].value == 1


def test_pushed_chains_move_apart() -> None:
    assert found(runs(np.random.default_rng(1), 1.1, 12, 1)).verdict == "they move apart"


def test_components_against_analysis_of_variance() -> None:
    values = runs(np.random.default_rng(2), 0.9, 6, 4)
    result = found(values)
    share = result.share[-1].value
    ratio = stats.f_oneway(*values[..., -1]).statistic
    assert share == pytest.approx((ratio - 1) / (ratio + 3))
    between, within = result.between[-1], result.within[-1]
    assert isinstance(between, float)
    assert isinstance(within, float)
    assert between / (between + within) == pytest.approx(share)


def test_intervals_hold_the_truth_at_the_stated_rate() -> None:
    # Both are exact for normal starts and noise.
    trials, rng, slope, copies, replicates = 300, np.random.default_rng(3), 0.9, 8, 2
    own = (1 - slope ** (2 * copies)) / (1 - slope**2)
    between = 100 * slope ** (2 * copies)
    truths = (
        (between + own / replicates) / 100,
        between / (between + own),
        10 * slope**copies / (between + own / 2) ** 0.5,
    )
    held = np.zeros(3, dtype=int)
    for _ in range(trials):
        result = found(runs(rng, slope, 7, replicates, copies))
        for index, estimate in enumerate((result.kept, result.share[-1], result.memory[-1])):
            assert isinstance(estimate.interval, Interval)
            held[index] += truths[index] in estimate.interval
    low, high = bounds(trials)
    assert (held >= low).all(), held.tolist()
    assert (held <= high).all(), held.tolist()


def test_running_on_from_the_end() -> None:
    first = [[0.0, 3.0, 8.0], [0.0, 2.0, 4.0]]
    assert run_on(first, [[0.0, 1.0, 2.0], [0.0, 1.0, 1.0]]).value == pytest.approx(0.25)
    assert run_on(first, [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]).value == 0
    assert isinstance(run_on(first, [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]).value, Undefined)
    assert isinstance(run_on([[0.0, 0.0]], [[0.0, 1.0]]).value, Undefined)
    with pytest.raises(UserError, match="2 chains and 1 that run on"):
        run_on(first, [[0.0, 1.0]])


def test_distances_of_ends_and_what_they_know() -> None:
    # Two starts of three ends: of the 20 orders of labels, the given one and its mirror image part the ends best.
    ends = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [30.0, 40.0], [30.0, 42.0], [32.0, 40.0]])
    result = end_states(ends, ["a", "a", "a", "b", "b", "b"])
    assert result.distances[0, 3] == pytest.approx(50 / 2**0.5)  # root mean square over two values
    np.testing.assert_allclose(result.distances, result.distances.T)
    assert result.p_value == 2 / 20
    assert result.test == "permutation of labels, all 20 orders"
    assert isinstance(result.same_start, float)
    assert isinstance(result.other_start, float)
    assert result.same_start < result.other_start


def test_ends_that_forgot_are_found_as_often_as_stated() -> None:
    trials, rng, count = 60, np.random.default_rng(4), 0
    for trial in range(trials):
        result = end_states(rng.standard_normal((16, 5)), [str(index % 4) for index in range(16)], seed=trial)
        assert isinstance(result.p_value, float)
        count += result.p_value <= 0.05
    assert count <= bounds(trials, 0.05)[1]


def test_says_why_there_is_no_answer() -> None:
    assert isinstance(basin([[[1.0, 2.0]]] * 3), Undefined)
    assert isinstance(basin([[[1.0, 2.0]]] * 5), Undefined)
    assert isinstance(end_states([[1.0], [2.0]], ["a", "b"]).p_value, Undefined)
    with pytest.raises(UserError, match="1 to 2 replicates"):
        basin([[[1.0, 2.0]], [[1.0, 2.0], [2.0, 3.0]]])
    with pytest.raises(UserError, match="2 ends and 1 starts"):
        end_states([[1.0], [2.0]], ["a"])
