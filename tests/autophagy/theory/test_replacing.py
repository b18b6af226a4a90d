from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from simulacra import UserError
from simulacra.autophagy.theory import replacing


def chains(samples: int, bias: float, generations: int, count: int, divisor: int) -> tuple[NDArray[np.float64], ...]:
    """Mean and variance of the last generation of loops that really draw their samples."""
    rng = np.random.default_rng(20261122)
    mean, variance = np.zeros(count), np.ones(count)
    for generation in range(generations):
        scale = np.sqrt(variance * (bias if generation else 1.0))
        drawn = mean[:, None] + scale[:, None] * rng.standard_normal((count, samples))
        mean, variance = drawn.mean(1), drawn.var(1) * samples / divisor
    return mean, variance


def z(values: NDArray[np.float64], expected: float) -> float:
    return float((values.mean() - expected) / (values.std() / np.sqrt(len(values))))


@pytest.mark.parametrize(("samples", "bias", "generation"), [(40, 1.0, 10), (40, 0.8, 10), (10, 1.0, 5)])
def test_agrees_with_drawn_loops(samples: int, bias: float, generation: int) -> None:
    mean, variance = chains(samples, bias, generation, 8000, samples - 1)
    # Means of 8,000 independent loops: within four standard errors, which is 0.1 to 2 % of the values.
    assert abs(z(mean**2, replacing.mean_error(samples, bias, generation))) < 4
    assert abs(z(variance, replacing.variance(samples, bias, generation))) < 4
    assert abs(z(np.log(variance), replacing.log_variance(samples, bias, generation))) < 4
    assert abs(z(mean**2 + (np.sqrt(variance) - 1) ** 2, replacing.wasserstein(samples, bias, generation))) < 4


def test_the_biased_estimator_loses_its_share_each_generation() -> None:
    _, variance = chains(10, 0.9, 4, 8000, 10)
    expected = replacing.variance(10, 0.9, 4, "biased")
    assert abs(z(variance, expected)) < 4
    assert abs(z(variance, replacing.variance(10, 0.9, 4))) > 10  # and the two are told apart


def test_the_determinant_falls_as_its_exponents_say() -> None:
    rng, count, samples, dimension, generations = np.random.default_rng(3), 500, 12, 3, 4
    factor = np.broadcast_to(np.eye(dimension), (count, dimension, dimension))
    for generation in range(generations):
        drawn = (
            rng.standard_normal((count, samples, dimension)) @ factor.swapaxes(1, 2) * (0.9**0.5 if generation else 1)
        )
        centred = drawn - drawn.mean(1, keepdims=True)
        factor = np.linalg.cholesky(centred.swapaxes(1, 2) @ centred / (samples - 1))
    found = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)
    assert abs(z(found, replacing.log_determinant(samples, 0.9, generations, dimension))) < 4


@pytest.mark.parametrize(
    ("samples", "bias", "generation", "expected"),
    [
        (100, 1.0, 20, (0.2, 0.2985, -0.2027)),
        (100, 0.8, 20, (0.04942, 0.83556, -4.44242)),
        (10, 1.0, 5, (0.5, 0.75886, -0.57603)),
    ],
)
def test_values_that_were_simulated_with_200_000_chains(
    samples: int, bias: float, generation: int, expected: tuple[float, float, float]
) -> None:
    found = [
        each(samples, bias, generation)
        for each in (replacing.mean_error, replacing.wasserstein, replacing.log_variance)
    ]
    assert found == pytest.approx(expected, abs=1e-5)  # the last digit that is given


def test_limits() -> None:
    assert replacing.mean_error(50, 0.8, 500) == pytest.approx(1 / 0.2 / 50)  # geometric series
    assert replacing.wasserstein(10_000, 1.0, 3) == pytest.approx(1.5 * 3 / 10_000, rel=1e-3)  # first order
    assert replacing.half_life(1001) == pytest.approx(log(2) * 1000, rel=2e-3)
    assert replacing.half_life(10, 0.0) == 0
    slowest, *_, fastest = replacing.lyapunov_exponents(50, 20)
    assert fastest < slowest < 0


def test_the_exponents_are_those_of_drawn_loops() -> None:
    rng, loops, samples, dimension, generations = np.random.default_rng(8), 1000, 9, 3, 10
    factor = np.broadcast_to(np.eye(dimension), (loops, dimension, dimension))
    for _ in range(generations):
        drawn = rng.standard_normal((loops, samples, dimension)) @ factor.swapaxes(1, 2)
        drawn -= drawn.mean(1, keepdims=True)
        factor = np.linalg.cholesky(drawn.swapaxes(1, 2) @ drawn / (samples - 1))
    # The directions part so fast that the diagonal of the factor grows like the roots of the eigenvalues.
    growth = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)) / generations
    found, error = growth.mean(0), growth.std(0) / loops**0.5
    assert (np.abs(found - replacing.lyapunov_exponents(samples, dimension)) < 4 * error).all()


def test_the_half_life_is_that_of_drawn_chains() -> None:
    rng, chains, samples, generations = np.random.default_rng(9), 4000, 8, 5
    deviations = np.ones(chains)
    for _ in range(generations):
        deviations = (deviations[:, None] * rng.standard_normal((chains, samples))).std(1, ddof=1)
    halvings = -np.log2(deviations**2)
    expected = generations / replacing.half_life(samples)
    assert abs(halvings.mean() - expected) < 4 * halvings.std() / chains**0.5


def test_refuses_what_is_no_loop() -> None:
    with pytest.raises(UserError, match="samples is 1; it must be 2 or more"):
        replacing.mean_error(1, 1.0, 1)
    with pytest.raises(UserError, match=r"bias is 1\.5; it must be 0 or more and at most 1"):
        replacing.variance(10, 1.5, 1)
    with pytest.raises(UserError, match="generation is 0"):
        replacing.wasserstein(10, 1.0, 0)
    with pytest.raises(UserError, match="samples is 5; it must be 6 or more"):
        replacing.lyapunov_exponents(5, 5)
    with pytest.raises(UserError, match="bias is 0; it must be above 0"):
        replacing.log_variance(10, 0.0, 2)
