import numpy as np
import pytest

from simulacra import UserError
from simulacra.copying.dynamics import Agreement, Interval, agreement, agreement_over_pictures
from simulacra.measures.contract import Undefined

from .coverage import bounds


def agree(drifts: np.ndarray, seed: int = 0) -> Agreement:
    result = agreement(drifts, seed=seed)
    assert isinstance(result, Agreement)
    return result


def test_values_worked_by_hand() -> None:
    # Two along x and one along y: cosines 1, 0, 0. Of the four patterns, all-equal and y-flipped give the largest sum.
    found = agree(np.array([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0]]))
    assert found.cosine.value == pytest.approx(1 / 3)
    assert found.p_value == 1 / 2
    assert found.test == "sign flips, all 4 patterns"


def test_equal_directions_agree_exactly() -> None:
    found = agree(np.outer([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0, -4.0]))
    assert found.cosine.value == 1
    assert found.p_value == 1 / 32  # the observed pattern alone, of 2^5


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    drifts = np.random.default_rng(1).normal(0.5, 1, (9, 4))
    units = drifts / np.linalg.norm(drifts, axis=1, keepdims=True)
    pairs = [units[i] @ units[j] for i in range(9) for j in range(i)]
    assert agree(drifts).cosine.value == pytest.approx(np.mean(pairs), rel=1e-12)


@pytest.mark.parametrize("count", [8, 20])
def test_chance_is_found_as_often_as_stated(count: int) -> None:
    trials, rng = 300, np.random.default_rng(2)
    found = sum(agree(rng.standard_normal((count, 3)), seed=trial).p_value <= 0.05 for trial in range(trials))
    assert found <= bounds(trials, 0.05)[1]


@pytest.mark.parametrize(("count", "push"), [(5, 0.0), (5, 3.0), (12, 1.0), (12, 10.0)])
def test_intervals_hold_the_truth_at_the_stated_rate(count: int, push: float) -> None:
    # The truth is |mean unit vector|^2, from 200,000 draws; it is known to 0.003, far inside every interval here.
    trials, rng = 300, np.random.default_rng(3)
    many = rng.standard_normal((200_000, 4)) + np.array([push, 0, 0, 0])
    truth = float((np.mean(many / np.linalg.norm(many, axis=1, keepdims=True), axis=0) ** 2).sum()) if push else 0.0
    held = 0
    for _ in range(trials):
        interval = agree(rng.standard_normal((count, 4)) + np.array([push, 0, 0, 0])).cosine.interval
        assert isinstance(interval, Interval)
        held += truth in interval
    assert held >= bounds(trials)[0]


def test_replicates_of_one_picture_are_one_witness() -> None:
    # Each picture has its own direction, shared by its replicates: they agree within, and the model has no direction.
    rng = np.random.default_rng(4)
    pictures = [rng.standard_normal(5) + 0.01 * rng.standard_normal((10, 5)) for _ in range(8)]
    over = agreement_over_pictures(pictures)
    assert isinstance(over, Agreement)
    assert over.p_value > 0.05
    assert agree(np.concatenate(pictures)).p_value < 0.001  # what counting replicates as witnesses would have said
    assert over.vectors == 80


def test_what_does_not_move_has_no_direction() -> None:
    found = agree(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]))
    assert (found.vectors, found.still) == (3, 1)
    assert isinstance(agreement(np.zeros((6, 2))), Undefined)
    with pytest.raises(UserError, match="2 to 3 attributes"):
        agreement([[1.0, 2.0], [1.0, 2.0, 3.0]])
