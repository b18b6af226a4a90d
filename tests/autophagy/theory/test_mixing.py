from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from simulacra import UserError
from simulacra.autophagy.theory import mixing

Array = NDArray[np.float64]


def loops(
    real: int, synthetic: int, bias: float, *, fixed: bool, initial: int, generations: int
) -> tuple[Array, Array]:
    """Mean and variance of the last of 6,000 loops that draw every sample."""
    rng, count = np.random.default_rng(7), 6000
    kept = rng.standard_normal((count, initial))
    mean, variance = kept.mean(1), kept.var(1, ddof=1)
    for _ in range(generations - 1):
        drawn = mean[:, None] + np.sqrt(bias * variance)[:, None] * rng.standard_normal((count, synthetic))
        pool = np.concatenate([kept if fixed else rng.standard_normal((count, real)), drawn], axis=1)
        mean, variance = pool.mean(1), pool.var(1, ddof=1)
    return mean, variance


def agrees(found: tuple[Array, Array], expected: mixing.Expected) -> None:
    for values, target in ((found[0] ** 2, expected.mean_error), (found[1], expected.variance)):
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - target) < 4 * error  # four standard errors: 5 % of the error, 1 % of the variance


@pytest.mark.parametrize("bias", [1.0, 0.7])
def test_the_fresh_loop_follows_its_recurrence(bias: float) -> None:
    path = mixing.fresh_path(5, 20, bias, 8, 6)
    assert path[0] == (1 / 8, 1.0)
    agrees(loops(5, 20, bias, fixed=False, initial=8, generations=6), path[-1])


@pytest.mark.parametrize(("real", "synthetic", "bias"), [(10, 90, 1.0), (10, 90, 0.8), (5, 5, 0.5), (1, 4, 1.0)])
def test_the_fresh_limit_is_where_the_recurrence_stays(real: int, synthetic: int, bias: float) -> None:
    limit = mixing.fresh_limit(real, synthetic, bias)
    for initial in (2, 1000):  # any beginning
        assert mixing.fresh_path(real, synthetic, bias, initial, 600)[-1] == pytest.approx(limit, rel=1e-9)


@pytest.mark.parametrize("bias", [1.0, 0.8])
def test_the_fixed_limit_is_where_drawn_loops_end(bias: float) -> None:
    agrees(loops(6, 12, bias, fixed=True, initial=6, generations=25), mixing.fixed_limit(6, 12, bias))


def test_published_and_simulated_values() -> None:
    assert mixing.fresh_limit(10, 90, 1) == pytest.approx((0.055, 1.05))
    assert mixing.fresh_limit(10, 90, 0.8) == pytest.approx((0.019031, 0.36332), rel=2e-5)
    assert mixing.fixed_limit(10, 90, 1) == pytest.approx((0.145, 0.95))
    assert mixing.fixed_limit(10, 90, 0.8) == pytest.approx((0.11246, 0.3287), rel=1e-4)
    memory = [mixing.memory_gain(1000, 10_000, models) for models in (1, 2, 5, 10, 50, 100)]
    assert memory == pytest.approx([1.909, 2.667, 4.333, 6.0, 9.333, 10.091], abs=5e-4)  # the digits of the figure
    assert mixing.best_weight(1, 1) == pytest.approx((5**0.5 - 1) / 2)


def test_gains_are_those_of_the_limits_for_many_samples() -> None:
    real, synthetic = 10**6, 3 * 10**6
    # The gain is the one-shot error 1 / n_r over the loop's; what is left out is of order 1 / n.
    assert 1 / real / mixing.fresh_limit(real, synthetic, 1).mean_error == pytest.approx(
        mixing.fresh_gain(real, synthetic), rel=1e-5
    )
    assert 1 / real / mixing.fixed_limit(real, synthetic, 1).mean_error == pytest.approx(
        mixing.fixed_gain(real, synthetic), rel=1e-5
    )
    assert mixing.memory_gain(real, synthetic, 1) == pytest.approx(mixing.fresh_gain(real, synthetic))
    assert mixing.weighted_gain(real, synthetic, 0.25) == pytest.approx(mixing.fresh_gain(real, synthetic))  # pooling


@pytest.mark.parametrize(("real", "synthetic"), [(1, 1), (1, 4), (4, 1), (1, 10_000), (10**9, 1)])
def test_the_best_weight_is_best_and_its_gain_is_its_inverse(real: int, synthetic: int) -> None:
    best = mixing.best_weight(real, synthetic)
    gain = mixing.weighted_gain(real, synthetic, best)
    assert gain == pytest.approx(1 / best)
    for other in (best * 0.9, min(1.0, best * 1.1)):
        assert mixing.weighted_gain(real, synthetic, other) <= gain


def test_a_memory_of_many_models_is_drawn_as_the_formula_says() -> None:
    # Means only, many samples: mu_t = (1 - a) fresh + a (mean of the last K + noise), of variances 1/n_r and 1/n_s.
    rng, count, real, synthetic, memory = np.random.default_rng(5), 4000, 10, 30, 3
    share = synthetic / (real + synthetic)
    models = [np.zeros(count)] * memory
    for _ in range(60):
        fresh = rng.standard_normal(count) / real**0.5
        noise = rng.standard_normal(count) / synthetic**0.5
        models = [*models[1:], (1 - share) * fresh + share * (sum(models) / memory + noise)]
    squared = models[-1] ** 2
    error = squared.std() / count**0.5
    assert abs(squared.mean() - 1 / real / mixing.memory_gain(real, synthetic, memory)) < 4 * error


def test_relaxation_and_correction() -> None:
    assert mixing.relaxation(0.9) == pytest.approx(9.49, abs=0.01)
    assert (mixing.relaxation(0.0), mixing.relaxation(1.0)) == (0.0, inf)
    assert mixing.corrected_share(0.6, 0.5) == pytest.approx(0.4)
    assert mixing.corrected_share(0.6, 0) == 0.6


def test_relaxation_is_how_fast_drawn_loops_forget_their_start() -> None:
    rng, loops, real, synthetic, generations = np.random.default_rng(6), 4000, 4, 12, 6
    share = synthetic / (real + synthetic)
    means = np.full(loops, 10.0)  # a start far away
    for _ in range(generations):
        drawn = [means[:, None] + rng.standard_normal((loops, synthetic)), rng.standard_normal((loops, real))]
        means = np.concatenate(drawn, axis=1).mean(1)
    expected = 10 * np.exp(-generations / mixing.relaxation(share))
    assert abs(means.mean() - expected) < 4 * means.std() / loops**0.5


def test_a_corrected_loop_is_drawn_like_one_of_the_corrected_share() -> None:
    # Each synthetic sample of a corrected loop is real with probability gamma / (1 + gamma).
    rng, loops, count, share, correction = np.random.default_rng(7), 4000, 200, 0.8, 0.5
    means = np.zeros(loops)
    for _ in range(40):
        synthetic = rng.random((loops, count)) < share
        kept = synthetic & (rng.random((loops, count)) < 1 / (1 + correction))
        means = (np.where(kept, means[:, None], 0.0) + rng.standard_normal((loops, count))).mean(1)
    alpha = mixing.corrected_share(share, correction)
    # The squared mean m of a loop whose share is drawn, lambda = 1: m = 1 / n + (alpha^2 + alpha (1 - alpha) / n) m.
    expected = 1 / count / (1 - alpha**2 - alpha * (1 - alpha) / count)
    assert abs((means**2).mean() - expected) < 4 * (means**2).std() / loops**0.5


def test_refuses_what_is_no_loop() -> None:
    with pytest.raises(UserError, match="synthetic is -1"):
        mixing.fresh_path(10, -1, 1.0, 10, 3)
    with pytest.raises(UserError, match="real is 0; it must be 1 or more"):
        mixing.fresh_limit(0, 10, 1.0)
    with pytest.raises(UserError, match="make 1 samples; a covariance needs 2 or more"):
        mixing.fresh_limit(1, 0, 1.0)
    with pytest.raises(UserError, match="weight is 0; it must be above 0"):
        mixing.weighted_gain(1, 1, 0.0)
    with pytest.raises(UserError, match="correction is -1"):
        mixing.corrected_share(0.5, -1)
