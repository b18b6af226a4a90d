import numpy as np
import pytest

from simulacra import UserError
from simulacra.autophagy.theory import families


@pytest.mark.parametrize("keep", [True, False])
def test_regression_agrees_with_drawn_loops(keep: bool) -> None:
    rng, trials, rows, features, generations, noise = np.random.default_rng(17), 3000, 15, 3, 4, 0.5
    inputs = rng.standard_normal((trials, rows, features))
    inverse = np.linalg.inv(inputs.swapaxes(1, 2) @ inputs) @ inputs.swapaxes(1, 2)
    weights, labels = np.zeros((trials, features, 1)), []
    for _ in range(generations):
        labels.append(inputs @ weights + noise * rng.standard_normal((trials, rows, 1)))
        weights = inverse @ (np.mean(labels, axis=0) if keep else labels[-1])  # the same inputs: fit the mean label
    formula = families.regression_accumulated if keep else families.regression_replaced
    errors = (weights**2).sum((1, 2))
    expected = formula(rows, features, generations, noise**2)
    assert abs(errors.mean() - expected) < 4 * errors.std() / trials**0.5  # four standard errors


def test_values_that_were_simulated() -> None:
    assert families.regression_replaced(30, 5, 20) == pytest.approx(4.1667, abs=5e-5)
    assert families.regression_accumulated(30, 5, 20) == pytest.approx(0.33253, abs=5e-6)
    diversity = 1 - sum(p * p for p in (0.5, 0.3, 0.15, 0.05))
    assert families.categories_diversity(diversity, 50, 30) == pytest.approx(0.34638, abs=5e-6)
    assert families.kernel_variance(50, 0.3, 60) == pytest.approx(3.389, abs=5e-4)


def test_categories_agree_with_drawn_loops() -> None:
    rng, probabilities = np.random.default_rng(19), np.array([0.5, 0.3, 0.2])
    frequencies = np.broadcast_to(probabilities, (4000, 3))
    lost = None
    for _ in range(5):
        frequencies = rng.multinomial(12, frequencies) / 12
        lost = (frequencies[:, 2] == 0).mean() if lost is None else lost
    diversity = 1 - (frequencies**2).sum(1)
    expected = families.categories_diversity(1 - (probabilities**2).sum(), 12, 5)
    assert abs(diversity.mean() - expected) < 4 * diversity.std() / 4000**0.5
    chance = families.category_lost(0.2, 12)
    assert abs(lost - chance) < 4 * (chance * (1 - chance) / 4000) ** 0.5


def test_a_category_is_fixed_as_often_as_it_was_frequent() -> None:
    rng, loops, probabilities = np.random.default_rng(20), 4000, np.array([0.5, 0.3, 0.2])
    frequencies = np.broadcast_to(probabilities, (loops, 3))
    for _ in range(120):  # of 6 draws each: no loop keeps two categories so long
        frequencies = rng.multinomial(6, frequencies) / 6
    assert (frequencies.max(1) == 1).all()
    for category, probability in enumerate(probabilities):
        chance = families.category_fixed(float(probability))
        fixed = (frequencies[:, category] == 1).mean()
        assert abs(fixed - chance) < 4 * (chance * (1 - chance) / loops) ** 0.5


def test_kernels_agree_with_drawn_loops_and_blur_without_end() -> None:
    rng, count, samples, bandwidth = np.random.default_rng(23), 4000, 8, 0.4
    data = rng.standard_normal((count, samples))
    for _ in range(6):
        chosen = np.take_along_axis(data, rng.integers(0, samples, (count, samples)), axis=1)
        data = chosen + bandwidth * rng.standard_normal((count, samples))
    found = data.var(1)
    assert abs(found.mean() - families.kernel_variance(samples, bandwidth, 6)) < 4 * found.std() / count**0.5
    limit = (samples - 1) * bandwidth**2
    assert families.kernel_variance(samples, bandwidth, 1000) == pytest.approx(limit)


def test_smoothing_adds_up_and_fresh_data_bound_it() -> None:
    assert families.smoothed_variance(2.0, 0.5, 0.0, 8) == pytest.approx(2 + 8 * 0.25)
    assert families.smoothed_variance(2.0, 0.5, 0.25, 500) == pytest.approx(2 + 0.25 / 0.25)
    # Each generation trains on a of the truth and 1 - a of the last model, and adds the noise that it leaves.
    last = families.smoothed_variance(2.0, 0.5, 0.25, 3)
    assert families.smoothed_variance(2.0, 0.5, 0.25, 4) == pytest.approx(0.25 * 2 + 0.75 * last + 0.25)


@pytest.mark.parametrize("fresh", [0.0, 0.3, 1.0])
def test_the_smoothed_density_agrees_with_drawn_loops(fresh: float) -> None:
    rng, count, smoothing, generations = np.random.default_rng(24), 20_000, 0.7, 4
    data = 1.5 * rng.standard_normal(count) + smoothing * rng.standard_normal(count)
    for _ in range(generations - 1):
        real = 1.5 * rng.standard_normal(count)
        data = np.where(rng.random(count) < fresh, real, rng.permutation(data)) + smoothing * rng.standard_normal(count)
    density = [families.smoothed_density(x, 1.5**2, smoothing, fresh, generations) for x in np.linspace(-12, 12, 2401)]
    share = np.cumsum(density) * 0.01
    assert share[-1] == pytest.approx(1)
    for low, high in ((-3, -1), (-1, 1), (2, 6)):
        places = [round((bound + 12) * 100) for bound in (low, high)]
        expected = share[places[1]] - share[places[0]]
        found = ((data > low) & (data < high)).mean()
        # Four standard errors, and the rectangle rule's half step at both ends.
        assert abs(found - expected) < 4 * (expected * (1 - expected) / count) ** 0.5 + 0.01 * max(density)


def test_the_shares_of_smoothing_have_the_mean_that_the_variance_grows_by() -> None:
    shares = families.smoothing_shares(0.25, 6)
    assert sum(shares) == pytest.approx(1)
    mean = sum(times * share for times, share in enumerate(shares, start=1))
    assert families.smoothed_variance(2.0, 0.5, 0.25, 6) == pytest.approx(2 + 0.25 * mean)
    assert families.smoothing_shares(0.25, 400)[:3] == pytest.approx((0.25, 0.1875, 0.140625))


def test_refuses_what_has_no_expectation() -> None:
    with pytest.raises(UserError, match="rows is 6; it must be 7 or more"):
        families.regression_replaced(6, 5, 1)
    with pytest.raises(UserError, match=r"diversity is 1\.2"):
        families.categories_diversity(1.2, 5, 1)
    with pytest.raises(UserError, match="bandwidth is 0"):
        families.kernel_variance(5, 0.0, 1)
