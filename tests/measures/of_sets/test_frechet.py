"""The Fréchet distance: closed forms, scipy's matrix square root, singular covariances, its floor."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.measures.of_sets import frechet
from simulacra.measures.of_sets.frechet import (
    expected_frechet,
    frechet_distance,
    frechet_from_moments,
    frechet_infinity,
    given_moments,
    moments,
)


def draw(count: int, length: int, seed: int, deviations: object = 1.0, mean: float = 0) -> Tensor:
    values = np.random.default_rng(seed).normal(size=(count, length))
    return torch.from_numpy(mean + values * np.asarray(deviations))


def by_square_root(real: Tensor, generated: Tensor) -> float:
    """The formula as it is written, by scipy."""
    one, other = real.double().numpy(), generated.double().numpy()
    covariances = np.atleast_2d(np.cov(one.T)), np.atleast_2d(np.cov(other.T))
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    apart = np.square(one.mean(0) - other.mean(0)).sum()
    return float(apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root))


@pytest.mark.parametrize("length", [1, 2, 20, 200])
def test_equals_scipys_square_root(length: int) -> None:
    real = draw(600, length, 1, np.linspace(0.1, 2, length))
    generated = draw(500, length, 2, np.linspace(1, 0.5, length), mean=0.2)
    # sqrtm itself is good to about 1e-10 here
    assert frechet_distance(real=real, generated=generated) == pytest.approx(by_square_root(real, generated), rel=1e-8)


def test_of_diagonal_gaussians_in_closed_form() -> None:
    one, other = torch.tensor([1.0, 4, 9], dtype=torch.float64), torch.tensor([4.0, 4, 1], dtype=torch.float64)
    mean = torch.tensor([0.0, 3, 0], dtype=torch.float64)
    distance = frechet_from_moments(given_moments(mean, one.diag()), given_moments(-mean, other.diag()))
    assert distance == pytest.approx(36 + 1 + 0 + 4, rel=1e-14)


def test_of_one_dimension_is_two_squares() -> None:
    real, generated = draw(50, 1, 1), draw(70, 1, 2, 3, mean=5)
    squares = (real.mean() - generated.mean()) ** 2 + (real.std() - generated.std()) ** 2
    assert frechet_distance(real=real, generated=generated) == pytest.approx(float(squares), rel=1e-12)


def test_features_that_never_move_change_nothing() -> None:
    # A dead feature makes both covariances singular, where iterations for the root fail or drift.
    real, generated = draw(300, 12, 1), draw(300, 12, 2, 1.5)
    dead = torch.zeros(300, 5, dtype=torch.float64)
    alive = frechet_distance(real=real, generated=generated)
    padded = frechet_distance(real=torch.cat([real, dead], 1), generated=torch.cat([generated, dead], 1))
    assert padded == pytest.approx(alive, rel=1e-12)


def test_repeated_features_count_twice() -> None:
    real, generated = draw(300, 12, 1), draw(300, 12, 2, 1.5)
    once = frechet_distance(real=real, generated=generated)
    twice = frechet_distance(real=real.repeat(1, 2), generated=generated.repeat(1, 2))
    # rank 12 in 24 dimensions: directions without variance are dropped at 24 eps of the largest variance
    assert twice == pytest.approx(2 * once, rel=1e-10)


def test_with_fewer_pictures_than_features_is_exact() -> None:
    # Two pictures a side: rank one, so that the trace of the root is the length of one product.
    one = torch.tensor([[0.0, 0, 0, 0], [2, 0, 0, 0]], dtype=torch.float64)
    other = torch.tensor([[0.0, 0, 0, 0], [0, 2, 0, 0]], dtype=torch.float64)
    # means (1, 0..) and (0, 1..): 2 apart; both traces 2; the variances share no direction
    assert frechet_distance(real=one, generated=other) == pytest.approx(2 + 2 + 2, rel=1e-14)
    turned = torch.tensor([[0.0, 0, 0, 0], [2**0.5, 2**0.5, 0, 0]], dtype=torch.float64)
    expected = (1 - 0.5**0.5) ** 2 + 0.5 + 2 + 2 - 2 * 2 * 0.5**0.5
    assert frechet_distance(real=one, generated=turned) == pytest.approx(expected, rel=1e-14)


def test_few_and_many_pictures_meet_in_one_number() -> None:
    real, generated = draw(30, 40, 1), draw(400, 40, 2)
    full = given_moments(real.mean(0), real.T.cov())
    mixed = frechet_distance(real=real, generated=generated)
    # the full matrix has eleven eigenvalues of rounding where the factor has none
    assert frechet_from_moments(full, moments(generated)) == pytest.approx(mixed, rel=1e-7)


def test_badly_conditioned_covariances_take_the_slower_way(monkeypatch: pytest.MonkeyPatch) -> None:
    deviations = np.logspace(0, -7, 40)
    real, generated = moments(draw(500, 40, 1, deviations)), moments(draw(500, 40, 2, deviations))
    calls = []
    monkeypatch.setattr(frechet.torch.linalg, "svdvals", lambda x: calls.append(x) or torch.linalg.svd(x).S)
    distance = frechet_from_moments(real, generated)
    assert calls
    alike = frechet_from_moments(moments(draw(500, 10, 1)), moments(draw(500, 10, 2)))
    assert len(calls) == 1 and distance >= 0 and alike > 0


def test_a_set_is_at_no_distance_from_itself_and_sides_may_swap() -> None:
    real, generated = draw(300, 20, 1), draw(200, 20, 2)
    assert frechet_distance(real=real, generated=real) == pytest.approx(0, abs=1e-11)  # traces of 20 cancel
    there, back = frechet_distance(real=real, generated=generated), frechet_distance(real=generated, generated=real)
    assert there == pytest.approx(back, rel=1e-12)


def test_order_does_not_show_and_float32_features_are_enough() -> None:
    real, generated = draw(300, 20, 1), draw(300, 20, 2)
    distance = frechet_distance(real=real, generated=generated)
    # sums in another order
    assert frechet_distance(real=real.flip(0), generated=generated) == pytest.approx(distance, rel=1e-12)
    # 2^-24 a feature, against a distance that is a fiftieth of the traces
    assert frechet_distance(real=real.float(), generated=generated.float()) == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("spectrum", [np.ones(12), np.linspace(0.2, 2, 12)])
@pytest.mark.parametrize(("real", "generated"), [(400, 400), (300, 900)])
def test_the_floor_is_what_two_samples_of_one_gaussian_give(spectrum: np.ndarray, real: int, generated: int) -> None:
    trials = 200
    values = [
        frechet_distance(real=draw(real, 12, 2 * t, spectrum), generated=draw(generated, 12, 2 * t + 1, spectrum))
        for t in range(trials)
    ]
    truth = given_moments(torch.zeros(12), torch.from_numpy(np.diag(spectrum**2)))
    floor = expected_frechet(truth, real=real, generated=generated)
    error = np.std(values) / np.sqrt(trials)
    # first order in 1/N: the next term is about D/N of it, 4 % for 300
    assert abs(np.mean(values) - floor) < 4 * error + 0.04 * floor


def test_the_isotropic_floor_is_the_published_fraction() -> None:
    truth = given_moments(torch.zeros(30), torch.eye(30))
    floor = expected_frechet(truth, real=1000, generated=1000)
    assert floor == pytest.approx(2 * 30 * (30 + 5) / (4 * 1000), rel=1e-12)


def test_the_floor_falls_with_the_count_so_counts_must_be_equal() -> None:
    # The trap of comparing values of different counts: the same generator, fewer pictures, a larger distance.
    real = draw(2000, 16, 1)
    few, many = (frechet_distance(real=real[:count], generated=draw(count, 16, 2)) for count in (100, 2000))
    assert few > 5 * many


def test_no_floor_is_claimed_with_fewer_pictures_than_features() -> None:
    assert isinstance(expected_frechet(moments(draw(20, 30, 1)), real=20, generated=2000), Undefined)


def test_the_line_in_one_over_the_count_reaches_the_limit() -> None:
    real, generated = draw(4000, 8, 1), draw(4000, 8, 2, mean=0.1)
    line = frechet_infinity(real=real, generated=generated, seed=3)
    # Slope: tr S + F = 8 * 13 / 4 for one side. Limit: 8 * 0.1^2 and the real side's own bias, 26 / 4000.
    assert line.slope == pytest.approx(26, rel=0.2)  # subsets of at least 400 pictures, 15 of them
    assert line.limit == pytest.approx(8 * 0.1**2 + 26 / 4000, abs=0.05)  # 4 deviations of 2 x 0.1 sum of means
    assert line.counts[0] == 400 and line.counts[-1] == 4000 and len(line.distances) == 15
    assert line == frechet_infinity(real=real, generated=generated, seed=3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: frechet_distance(real=draw(5, 3, 1), generated=draw(5, 4, 1)),
            "3 numbers a picture and the generated",
        ),
        (lambda: frechet_distance(real=draw(1, 3, 1), generated=draw(5, 3, 1)), "^the real set has 1 pictures"),
        (lambda: given_moments(torch.zeros(3), torch.eye(4)), "shapes \\(3,\\) and \\(4, 4\\); they must be"),
        (lambda: given_moments(torch.zeros(2), torch.tensor([[1.0, 2], [0, 1]])), "not symmetric"),
        (lambda: given_moments(torch.full((2,), torch.nan), torch.eye(2)), "not finite"),
        (
            lambda: frechet_from_moments(moments(draw(9, 2, 1)), moments(draw(9, 3, 1))),
            "^one mean has 2 numbers and the other 3",
        ),
        (lambda: frechet_infinity(real=draw(9, 20, 1), generated=draw(9, 20, 1), seed=0), "of 21 to 9 generated"),
    ],
)
def test_refuses_what_cannot_be_compared(call: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        call()  # type: ignore[operator]
