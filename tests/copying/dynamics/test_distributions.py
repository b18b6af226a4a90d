"""Student, Fisher and chi-square against SciPy, which computes them by other routes."""

import numpy as np
import pytest
from scipy import stats

from simulacra.copying.dynamics.distributions import (
    chi_square_quantile,
    fisher_quantile,
    incomplete_beta,
    student_cdf,
    student_quantile,
)


@pytest.mark.parametrize("freedom", [1, 3.5, 13, 5000])
@pytest.mark.parametrize("p", [0.001, 0.5, 0.975])
def test_quantiles(p: float, freedom: float) -> None:
    # Bisection ends within 4e-16 of the root; what is left is the error of the distribution function itself.
    assert student_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-9, abs=1e-12)
    assert chi_square_quantile(p, freedom) == pytest.approx(stats.chi2.ppf(p, freedom), rel=1e-9)
    assert fisher_quantile(p, freedom, 4.5) == pytest.approx(stats.f.ppf(p, freedom, 4.5), rel=1e-9)


def test_student_far_into_its_tails() -> None:
    t = np.array([-1e6, -40.0, -1.0, 0.0, 1.0, 40.0])
    np.testing.assert_allclose(student_cdf(t, 3), stats.t.cdf(t, 3), rtol=1e-12)


def test_incomplete_beta_ends() -> None:
    assert incomplete_beta(2, 3, np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
