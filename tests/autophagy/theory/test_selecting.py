from collections.abc import Callable

import numpy as np
import pytest

from simulacra import UserError
from simulacra.autophagy.theory import selecting
from simulacra.autophagy.theory.selecting import Mixture


def test_curation_of_a_normal_is_its_tilted_density() -> None:
    x = np.linspace(-9, 9, 20_001)
    density = np.exp(-(x**2) / 2 + 5 * -((x - 1) ** 2) / (2 * 4))
    density /= density.sum()
    mean = float(density @ x)
    expected = selecting.curated_normal(1.0, 2.0, 5)
    assert (mean, float(density @ (x - mean) ** 2)) == pytest.approx(
        expected, rel=1e-9
    )  # quadrature of a smooth density
    assert expected == pytest.approx((5 / 9, 4 / 9))
    assert selecting.curated_normal(1.0, 2.0, 0) == (0, 1)


def test_curation_of_a_normal_agrees_with_drawn_rounds() -> None:
    rng, loops, count = np.random.default_rng(28), 40, 10_000
    x = rng.standard_normal((loops, count))
    for _ in range(5):  # of all candidates each is chosen with the softmax of its reward
        weights = np.exp(-((x - 1) ** 2) / (2 * 4))
        ends = np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)
        x = np.stack([row[np.searchsorted(end[:-1], rng.random(count))] for row, end in zip(x, ends, strict=True)])
    for found, expected in zip((x.mean(1), x.var(1)), selecting.curated_normal(1.0, 2.0, 5), strict=True):
        # Four standard errors, and what ten thousand candidates lack of infinitely many.
        assert abs(found.mean() - expected) < 4 * found.std(ddof=1) / loops**0.5 + 10 / count


def test_curation_of_pairs_is_what_choosing_gives() -> None:
    probabilities, rewards = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, -2.0])
    expected = np.array(selecting.curated_pair([*probabilities], [*rewards]))
    assert expected.sum() == pytest.approx(1)
    rng, trials = np.random.default_rng(29), 40_000
    first, second = rng.choice(3, (2, trials), p=probabilities)
    takes_first = rng.random(trials) < 1 / (1 + np.exp(rewards[second] - rewards[first]))
    found = np.bincount(np.where(takes_first, first, second), minlength=3) / trials
    assert (np.abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / trials)).all()
    assert selecting.curated_pair([0.5, 0.5], [3.0, 3.0]) == pytest.approx((0.5, 0.5))
    assert selecting.curated_pair([0.5, 0.5], [0.0, 1000.0]) == (0.25, 0.75)  # the better, unless both are worse


@pytest.mark.parametrize(
    ("kept", "dimension", "expected"), [(0.9, 1, 0.6230), (0.5, 1, 0.1427), (0.9, 10, 0.8980), (0.5, 10, 0.6530)]
)
def test_a_filter_is_a_lambda(kept: float, dimension: int, expected: float) -> None:
    bias = selecting.filter_bias(kept, dimension)
    assert bias == pytest.approx(expected, abs=5e-5)
    drawn = np.random.default_rng(31).standard_normal((20_000, dimension))
    squared = (drawn**2).sum(1)
    inner = squared[squared <= np.quantile(squared, kept)] / dimension
    assert abs(inner.mean() - bias) < 5 * inner.std() / len(inner) ** 0.5  # five: the radius is drawn too
    assert selecting.filter_bias(1.0, dimension) == 1


MIXTURE = Mixture.of((0.6, 0.3, 1.7), (0.4, -1.2, 0.2))


def _density(x: np.ndarray) -> np.ndarray:
    parts = zip(*(column.tolist() for column in MIXTURE), strict=True)
    return sum(share * np.exp(-((x - mean) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var) for share, mean, var in parts)


def _moments(x: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    weights = weights / weights.sum()
    mean = float(weights @ x)
    return mean, float(weights @ (x - mean) ** 2)


def test_truncation_agrees_with_quadrature() -> None:
    x = np.linspace(-0.5, 2.0, 200_001)
    density = _density(x)
    density[[0, -1]] /= 2  # the trapezium rule
    assert selecting.truncated(MIXTURE, -0.5, 2.0) == pytest.approx(_moments(x, density), rel=1e-8)


def test_a_verifier_may_have_one_bound_and_leave_a_tail() -> None:
    mean, variance = selecting.truncated(Mixture.of((1.0, 0.0, 1.0)), -np.inf, 0.0)
    assert (mean, variance) == pytest.approx((-np.sqrt(2 / np.pi), 1 - 2 / np.pi))  # half normal
    left, right = (selecting.truncated(Mixture.of((1.0, 0.0, 1.0)), *ends) for ends in ((-8, -6.5), (6.5, 8)))
    assert (-left.mean, left.variance) == pytest.approx(right, rel=1e-9)
    assert selecting.truncated(MIXTURE, -np.inf, np.inf) == pytest.approx(selecting.moments(MIXTURE))


def test_a_variance_keeps_its_digits_far_from_zero() -> None:
    far = Mixture.of((0.5, 1e8, 1.0), (0.5, 1e8 + 2, 1.0))
    assert selecting.moments(far) == (1e8 + 1, 2.0)
    assert selecting.larger_of_two(Mixture.of((1.0, 1e8, 1.0))).variance == pytest.approx(1 - 1 / np.pi)


@pytest.mark.parametrize("each", [selecting.larger_of_two, selecting.moments])
@pytest.mark.parametrize(
    ("components", "sentence"),
    [
        ([], "has no components; give one or more"),
        ([(1.0, 0.0, 0.0)], "the least variance of the model is 0; it must be a finite number above 0"),
        ([(1.0, float("nan"), 1.0)], r"the means of the model are \[nan\]; they must be finite"),
        (
            [(1.0, 0.0, 1.0), (1.0, 0.0, 1.0)],
            r"shares of the model are \[1.0, 1.0\]; they must be 0 or more and add up",
        ),
        ([(2.0, 0.0, 1.0), (-1.0, 0.0, 1.0)], r"shares of the model are \[2.0, -1.0\]"),
    ],
)
def test_refuses_what_is_no_mixture(
    each: Callable[[Mixture], object], components: list[tuple[float, float, float]], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        each(Mixture.of(*components))


def test_the_larger_of_two_agrees_with_quadrature() -> None:
    x = np.linspace(-12, 12, 200_001)
    density = _density(x)
    below = np.cumsum(density) - density / 2
    # The density of the larger of two is 2 p(x) P(x); the sums have the error of the rectangle rule.
    assert selecting.larger_of_two(MIXTURE) == pytest.approx(_moments(x, density * below), rel=1e-6)
    single = selecting.larger_of_two(Mixture.of((1.0, 2.0, 9.0)))
    assert single == pytest.approx((2 + 3 / np.sqrt(np.pi), 9 * (1 - 1 / np.pi)))
    assert selecting.moments(MIXTURE) == pytest.approx(_moments(x, density), rel=1e-8)


def test_a_verifier_helps_up_to_its_threshold() -> None:
    assert selecting.largest_wrong_share(0.9, 0.3) == pytest.approx(0.75)
    assert selecting.largest_wrong_share(0.7, 0.05) == pytest.approx(0.933, abs=5e-4)
    assert selecting.largest_wrong_share(0.4, 0.4) == 0.5
    threshold = selecting.largest_wrong_share(0.9, 0.3)
    assert selecting.verified_wrong_share(threshold, 0.9, 0.3) == pytest.approx(0.5)
    assert selecting.mismatch_floor(0.1, 4.0) == pytest.approx(0.04)


def test_wrong_shares_agree_with_drawn_verification() -> None:
    rng, drawn = np.random.default_rng(37), 200_000
    wrong = rng.random(drawn) < 0.4
    kept = wrong[rng.random(drawn) < np.where(wrong, 0.3, 0.9)]
    expected = selecting.verified_wrong_share(0.4, 0.9, 0.3)
    assert abs(kept.mean() - expected) < 4 * (expected * (1 - expected) / len(kept)) ** 0.5


@pytest.mark.parametrize(("beside", "learns"), [(-0.05, True), (0.05, False)])
def test_a_classifier_learns_the_truth_below_the_largest_wrong_share_and_its_opposite_above(
    beside: float, learns: bool
) -> None:
    rng, samples = np.random.default_rng(41), 100_000
    truth = rng.choice([-1.0, 1.0], samples)
    inputs = truth[:, None] * np.array([1.0, 0.5]) + rng.standard_normal((samples, 2))
    wrong = rng.random(samples) < selecting.largest_wrong_share(0.9, 0.3) + beside
    kept = rng.random(samples) < np.where(wrong, 0.3, 0.9)
    labels = np.where(wrong, -truth, truth)
    weights = (inputs * labels[:, None])[kept].mean(0)  # what ridge regression with a large ridge points along
    right = (np.sign(inputs @ weights) == truth).mean()
    assert right > 0.8 if learns else right < 0.2


def test_a_constant_share_of_mismatched_labels_leaves_its_floor() -> None:
    rng, share = np.random.default_rng(43), 0.3
    truth, off = rng.standard_normal(5), rng.standard_normal(5)
    errors = []
    for samples in (2000, 200_000):
        inputs = rng.standard_normal((samples, 5))
        weights = np.where(rng.random(samples)[:, None] < share, truth + off, truth)
        labels = (inputs * weights).sum(1) + 0.1 * rng.standard_normal(samples)
        errors.append(float(((np.linalg.lstsq(inputs, labels, rcond=None)[0] - truth) ** 2).sum()))
    floor = selecting.mismatch_floor(share, float((off**2).sum()))
    # Along what is off the fit errs by c sqrt(3 p (1 - p) / n), for normal inputs: against the floor 12 % and 1.2 %.
    assert errors[0] == pytest.approx(floor, rel=0.48)
    assert errors[1] == pytest.approx(floor, rel=0.048)


def test_refuses_what_selects_nothing() -> None:
    with pytest.raises(UserError, match="there are 2 probabilities and 1 rewards"):
        selecting.curated_pair([0.5, 0.5], [1.0])
    with pytest.raises(UserError, match="low must be below high"):
        selecting.truncated(MIXTURE, 1.0, 1.0)
    with pytest.raises(UserError, match="holds none of the model"):
        selecting.truncated(MIXTURE, 40.0, 41.0)
    with pytest.raises(UserError, match="such a verifier keeps nothing"):
        selecting.verified_wrong_share(1.0, 0.5, 0.0)
    with pytest.raises(UserError, match="kept is 0"):
        selecting.filter_bias(0.0, 1)
