import numpy as np
import pytest

from simulacra import UserError
from simulacra.autophagy.theory import accumulating


@pytest.mark.parametrize("keep", [True, False])
def test_agrees_with_drawn_loops(keep: bool) -> None:
    rng, count, first, generations = np.random.default_rng(11), 6000, 5, 6
    sizes = [first if keep else first * t**2 for t in range(1, generations + 1)]
    pool = rng.standard_normal((count, first))
    for size in [*sizes[1:], 0]:
        mean, variance = pool.mean(1), pool.var(1)
        drawn = mean[:, None] + np.sqrt(variance)[:, None] * rng.standard_normal((count, size))
        pool = np.concatenate([pool, drawn], axis=1) if keep else drawn
    expected = accumulating.accumulated(first, generations) if keep else accumulating.growing(sizes)
    for values, target in ((mean**2, expected.mean_error), (variance, expected.variance)):
        assert abs(values.mean() - target) < 4 * values.std() / count**0.5  # four standard errors of 6,000 loops


def test_both_end_at_the_same_share() -> None:
    assert accumulating.accumulated(10, 50) == pytest.approx((0.15489, 0.84511), abs=5e-6)
    # The product's tail after t factors is 1 / (n t), which is what is left to go.
    assert accumulating.accumulated(10, 5000).variance == pytest.approx(
        accumulating.accumulated_limit(10).variance, rel=2e-5
    )
    sizes = [5 * t**2 for t in range(1, 2000)]
    assert accumulating.growing(sizes).variance == pytest.approx(accumulating.growing_limit(5).variance, rel=2e-4)
    assert accumulating.growing_limit(5).variance == pytest.approx(0.7020, abs=5e-5)
    assert accumulating.accumulated_limit(1).variance == 0


def test_linear_growth_loses_everything_and_quadratic_growth_does_not() -> None:
    linear = [accumulating.growing(range(2, 2 + t)).variance for t in (10, 1000)]
    assert linear == pytest.approx([1 / 11, 1 / 1001])  # a telescoping product
    assert accumulating.growing([2, 3], "unbiased") == pytest.approx((1 / 2 + 1 / 3, 1.0))


def test_refuses_what_is_no_loop() -> None:
    with pytest.raises(UserError, match="samples holds no counts"):
        accumulating.growing([])
    with pytest.raises(UserError, match="each count of samples is 1; it must be 2 or more"):
        accumulating.growing([5, 1], "unbiased")
    with pytest.raises(UserError, match="generation is 0"):
        accumulating.accumulated(10, 0)
