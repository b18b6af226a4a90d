import numpy as np
import pytest

from simulacra import UserError
from simulacra.copying.dynamics import Decomposition, Interval, bias_and_variance, by_frame
from simulacra.measures.contract import Undefined

from .coverage import bounds


def split(origin: list[float], copies: np.ndarray) -> Decomposition:
    result = bias_and_variance(origin, copies)
    assert isinstance(result, Decomposition)
    return result


def test_bias_and_variance_add_up_exactly() -> None:
    rng = np.random.default_rng(1)
    found = split([1.0, 2.0, 3.0], rng.normal(2, 3, (7, 3)))
    assert isinstance(found.bias_squared.value, float)
    assert isinstance(found.variance.value, float)
    assert found.bias_squared.value + found.variance.value == pytest.approx(found.mean_squared, rel=1e-13)


def test_values_worked_by_hand() -> None:
    # Drifts 1, 3, 5: mean 3, S = 4, so that bias^2 = 9 - 4/3 and mean square = 35/3.
    found = split([0.0], np.array([[1.0], [3.0], [5.0]]))
    assert found.bias_squared.value == pytest.approx(9 - 4 / 3)
    assert found.variance.value == pytest.approx(4)
    assert found.mean_squared == pytest.approx(35 / 3)
    assert found.mean_drift[0].value == pytest.approx(3)


def test_pure_luck_shows_no_bias_on_average() -> None:
    rng, trials = np.random.default_rng(2), 2000
    values = [split([0.0, 0.0], rng.standard_normal((4, 2))).bias_squared.value for _ in range(trials)]
    # Standard error of the mean; without the correction it would lie at tr(S) / R = 0.5, twenty errors away.
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(trials)


@pytest.mark.parametrize("replicates", [4, 8])
@pytest.mark.parametrize(
    ("sigma", "bias"),
    [([1.0], [2.0]), ([1.0, 1.0, 1.0], [0.5, 0.5, 0.0]), ([3.0, 1.0, 0.1], [5.0, 0.0, 0.0]), ([1.0] * 30, [0.3] * 30)],
)
def test_intervals_hold_the_truth_at_the_stated_rate(replicates: int, sigma: list[float], bias: list[float]) -> None:
    # For one attribute exact; for several wider than they must be, so only too few are an error.
    trials, rng, held = 300, np.random.default_rng(3), np.zeros(3, dtype=int)
    for _ in range(trials):
        found = split([0.0] * len(sigma), np.array(bias) + sigma * rng.standard_normal((replicates, len(sigma))))
        intervals = found.bias_squared.interval, found.variance.interval, found.mean_drift[0].interval
        truths = np.dot(bias, bias), np.dot(sigma, sigma), bias[0]
        held += [
            isinstance(interval, Interval) and truth in interval
            for interval, truth in zip(intervals, truths, strict=True)
        ]
    assert (held >= bounds(trials)[0]).all(), held.tolist()


def test_by_frame_starts_at_nothing_and_follows_the_chains() -> None:
    rng = np.random.default_rng(4)
    chains = np.concatenate([np.ones((5, 1, 2)), 1 + rng.standard_normal((5, 9, 2)).cumsum(1)], axis=1)
    frames = by_frame([*chains])
    assert len(frames) == 10
    first, last = frames[0], frames[-1]
    assert isinstance(first, Decomposition)
    assert first.mean_squared == 0
    assert first.variance.value == 0
    assert last == bias_and_variance(chains[0, 0], chains[:, -1])


def test_replicates_with_a_gap_are_left_out() -> None:
    found = bias_and_variance([0.0], [[1.0], [Undefined("no face")], [3.0], [5.0]])
    assert isinstance(found, Decomposition)
    assert found.replicates == 3
    assert isinstance(bias_and_variance([0.0], [[1.0], [2.0]]), Undefined)


def test_refuses_what_does_not_belong_together() -> None:
    with pytest.raises(UserError, match="copies have 1 attributes and the origin 2"):
        bias_and_variance([0.0, 0.0], [[1.0], [2.0], [3.0]])
    with pytest.raises(UserError, match="start at different frames"):
        by_frame([[[0.0], [1.0]], [[0.5], [1.0]], [[0.0], [1.0]]])
    with pytest.raises(UserError, match="no chain"):
        by_frame([])
