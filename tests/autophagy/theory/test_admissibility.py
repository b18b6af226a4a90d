from math import inf

import numpy as np
import pytest

from simulacra import UserError
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.sufficient import Cell, gaussian_map
from simulacra.autophagy.theory import admissibility

UNIT = (1.0,) * 100


def test_the_error_of_a_covariance_is_that_of_drawn_ones() -> None:
    spectrum, samples, trials = np.array([3.0, 1.0, 0.2]), 400, 3000
    rng = np.random.default_rng(13)
    errors = []
    for _ in range(trials):
        drawn = rng.standard_normal((samples, 3)) * np.sqrt(spectrum)
        covariance = np.cov(drawn.T)
        root = np.sqrt(spectrum)[:, None] * covariance * np.sqrt(spectrum)
        fidelity = np.sqrt(np.linalg.eigvalsh(root)).sum()
        errors.append((drawn.mean(0) ** 2).sum() + covariance.trace() + spectrum.sum() - 2 * fidelity)
    expected = admissibility.one_shot_error(samples, list(spectrum))
    # Four standard errors, and the next order of the expansion: 1 / n of the value, times a number near 1.
    assert abs(np.mean(errors) - expected) < 4 * np.std(errors) / trials**0.5 + 2 * expected / samples


def test_isotropic_values() -> None:
    assert admissibility.covariance_error(UNIT) == pytest.approx(100 * 101 / 4)
    assert admissibility.bures_dimension(UNIT) == pytest.approx(100)
    assert admissibility.bures_dimension([5.0]) == pytest.approx(1)


def test_the_boundary_is_where_the_errors_are_equal() -> None:
    for real, bias in ((250, 0.5), (1000, 0.9)):
        boundary = admissibility.largest_admissible(real, bias, UNIT)
        below, above = (admissibility.gain(real, int(boundary) + more, bias, UNIT) for more in (0, 1))
        assert above < 1 <= below


def test_the_boundary_agrees_with_simulation() -> None:
    # Monte Carlo with n_e interpolated, d = 100, n_r = 1000, noise of 1 to 2 %; the expansion leaves out 1 / n_r.
    simulated = {0.5: 365, 0.6: 547, 0.7: 833, 0.8: 1401, 0.9: 3090, 0.95: 6484}
    found = [admissibility.largest_admissible(1000, bias, UNIT) for bias in simulated]
    assert found == pytest.approx(list(simulated.values()), rel=0.05)


def test_the_boundary_tends_to_a_constant_and_is_nowhere_without_bias() -> None:
    assert admissibility.admissible_limit(0.7, UNIT) == pytest.approx(1247, abs=0.5)
    assert admissibility.admissible_limit(0.85, UNIT) == pytest.approx(4929, abs=0.5)
    for bias in (0.0, 0.5, 0.85):
        many = admissibility.largest_admissible(10**9, bias, UNIT)
        assert many == pytest.approx(admissibility.admissible_limit(bias, UNIT), rel=1e-4)
    assert admissibility.admissible_limit(1.0, UNIT) == inf
    assert admissibility.largest_admissible(1000, 1.0, UNIT) == inf


def test_gain_without_synthetic_samples_is_none() -> None:
    assert admissibility.gain(1000, 0, 0.5, UNIT) == pytest.approx(1)


def test_refuses_what_is_no_spectrum() -> None:
    with pytest.raises(UserError, match="the spectrum is empty"):
        admissibility.covariance_error([])
    with pytest.raises(UserError, match=r"an eigenvalue of the spectrum is -1; it must be a finite number above 0"):
        admissibility.gain(100, 100, 0.5, [1.0, -1.0])
    with pytest.raises(UserError, match="real is 1; it must be 2 or more"):
        admissibility.loop_error(1, 10, 0.5, UNIT)


def test_the_path_ends_at_the_limit_and_begins_with_one_shot() -> None:
    for bias, initial in ((1.0, 100), (0.8, 1000)):
        path = admissibility.loop_path(100, 900, bias, initial, 300, UNIT)
        assert path[0] == pytest.approx(admissibility.one_shot_error(initial, UNIT))
        # What is left of the start after 300 generations is 0.9^300 of it, 2e-14.
        assert path[-1] == pytest.approx(admissibility.loop_error(100, 900, bias, UNIT), rel=1e-9)


def test_the_path_is_that_of_drawn_loops() -> None:
    cell = Cell(Policy.of(initial=400, fresh=200, synthetic=600, bias=0.9), 8)
    (drawn,) = gaussian_map([cell], spectrum=(2.0, 1.0, 0.5), replicates=1500, seed=3, watched=8)
    found = admissibility.loop_path(200, 600, 0.9, 400, 8, (2.0, 1.0, 0.5))
    error = drawn.wasserstein.std(0) / 1500**0.5
    for expected, mean, reach in zip(found, drawn.wasserstein.mean(0).tolist(), error.tolist(), strict=True):
        # Four standard errors, and the next order: some 1/n of the value, n of 400 and more.
        assert abs(mean - expected) < 4 * reach + 0.01 * expected


def test_a_path_without_fresh_samples_is_refused() -> None:
    with pytest.raises(UserError, match="real is 0"):
        admissibility.loop_path(0, 900, 1.0, 100, 5, UNIT)
