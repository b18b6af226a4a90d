from math import inf

import numpy as np
import pytest

from simulacra import UserError
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
