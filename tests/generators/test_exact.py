import numpy as np
import pytest
import torch

from simulacra import UserError
from simulacra.generators import Pool, open_generator
from simulacra.generators.discrete import tempered
from simulacra.generators.streams import normals

from .pools import ROWS


def test_the_gaussian_has_the_moments_of_its_pool() -> None:
    weights = torch.arange(40)
    for name, ddof in (("gaussian", 1), ("gaussian:covariance=biased", 0)):
        state = open_generator(name).fit(Pool(ROWS), seed=0).state()
        np.testing.assert_allclose(state["covariance"], np.cov(ROWS.T, ddof=ddof), rtol=1e-12)
        state = open_generator(name).fit(Pool(ROWS, weights), seed=0).state()
        np.testing.assert_allclose(state["mean"], np.average(ROWS, axis=0, weights=weights), rtol=1e-12)
        # numpy's reliability weights: the same divisor, 1 - sum of squared shares
        np.testing.assert_allclose(state["covariance"], np.cov(ROWS.T, ddof=ddof, aweights=weights), rtol=1e-12)


def test_gaussian_samples_have_its_covariance_times_lambda() -> None:
    fitted = open_generator("gaussian").fit(Pool(ROWS), seed=0)
    drawn = fitted.sample(20_000, seed=1, bias=0.25)
    expected = 0.25 * fitted.state()["covariance"].numpy()
    # Entries of a covariance of 20,000 samples scatter by at most sqrt(2 / n) of the larger variance.
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=4 * (2 / 20_000) ** 0.5 * expected.max())
    assert torch.equal(fitted.sample(2, seed=1, bias=0.0)[0], fitted.state()["mean"])


def test_a_gaussian_of_fewer_samples_than_features_stays_in_their_span() -> None:
    fitted = open_generator("gaussian").fit(Pool(ROWS[:2]), seed=0)
    line = ROWS[1] - ROWS[0]
    away = fitted.sample(5, seed=0) - ROWS[0]
    across = away - (away @ line)[:, None] / (line @ line) * line
    assert float(across.abs().max()) < 1e-6  # the roots of eigenvalues that are 0 but for rounding


def test_discrete_frequencies_and_temperature() -> None:
    fitted = open_generator("discrete:categories=3").fit(
        Pool(torch.tensor([0, 0, 2]), torch.tensor([1.0, 1, 2])), seed=0
    )
    assert fitted.state()["probabilities"].tolist() == pytest.approx([0.5, 0, 0.5])
    assert set(fitted.sample(300, seed=0).tolist()) == {0, 2}  # what it has not seen it never draws
    assert tempered(torch.tensor([0.8, 0.2]), 0.5).tolist() == pytest.approx([16 / 17, 1 / 17])
    assert tempered(torch.tensor([0.4, 0.2, 0.4]), 0.0).tolist() == [0.5, 0, 0.5]


def test_regression_recovers_labels_without_noise_and_recognises_its_inputs() -> None:
    inputs = normals(10, 2, seed=8)
    rows = torch.cat([inputs, (inputs @ torch.tensor([2.0, -1.0]).double())[:, None]], dim=1)
    fitted = open_generator("linear-regression").fit(Pool(torch.cat([rows, rows, rows])), seed=0)
    assert fitted.state()["weights"].tolist() == pytest.approx([2, -1])
    assert torch.equal(fitted.state()["inputs"], inputs)
    assert torch.equal(fitted.sample(25, seed=0)[20:, :2], inputs[:5])  # it turns to the first
    assert fitted.sample(10, seed=0, bias=0.0)[:, 2].tolist() == pytest.approx(rows[:, 2].tolist())
    with pytest.raises(UserError, match="span fewer than 2 directions"):
        open_generator("linear-regression").fit(Pool(torch.ones(9, 3).double()), seed=0)


def test_kernels_blur_the_pool() -> None:
    fitted = open_generator("kernel-density:bandwidth=0.5").fit(
        Pool(torch.tensor([[0.0], [10.0]]), torch.tensor([3, 1])), seed=0
    )
    drawn = fitted.sample(8000, seed=0)
    low = drawn[drawn < 5]
    assert abs(len(low) / 8000 - 0.75) < 4 * (0.75 * 0.25 / 8000) ** 0.5
    assert abs(float(low.var()) - 0.25) < 4 * 0.25 * (2 / len(low)) ** 0.5
    assert set(fitted.sample(50, seed=0, bias=0.0).flatten().tolist()) == {0.0, 10.0}


def test_a_mixture_finds_what_is_apart_and_keeps_the_moments_of_the_pool() -> None:
    rows = torch.cat([normals(60, 2, seed=1), 12 + normals(20, 2, seed=2)])
    fitted = open_generator("gaussian-mixture:components=2").fit(Pool(rows), seed=0)
    state = fitted.state()
    assert sorted(state["shares"].tolist()) == pytest.approx([0.25, 0.75], abs=1e-6)
    mean = state["shares"] @ state["means"]
    centred = state["means"] - mean
    covariance = (state["shares"][:, None, None] * (state["covariances"] + centred[:, :, None] * centred[:, None])).sum(
        0
    )
    np.testing.assert_allclose(mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(rows.T, ddof=0) + 1e-6 * np.eye(2), rtol=1e-10)
    modes = fitted.sample(200, seed=3, bias=0.0)
    assert len({tuple(row) for row in modes.tolist()}) == 2


def test_a_mixture_starts_warm_where_it_was() -> None:
    rows = torch.cat([normals(50, 1, seed=1), 3 + normals(50, 1, seed=2)])
    spec = open_generator("gaussian-mixture:components=2,steps=5")
    cold = spec.fit(Pool(rows), seed=0)
    longer = open_generator("gaussian-mixture:components=2,steps=10").fit(Pool(rows), seed=0)
    for name, tensor in cold.fit(Pool(rows), seed=9).state().items():  # five more steps, whatever the seed
        assert torch.allclose(tensor, longer.state()[name], rtol=1e-12)


def test_a_mixture_survives_fewer_different_samples_than_components() -> None:
    fitted = open_generator("gaussian-mixture:components=3").fit(Pool(torch.ones(5, 2)), seed=0)
    assert torch.isfinite(fitted.sample(10, seed=0)).all()


@pytest.mark.parametrize(
    ("name", "samples", "said"),
    [
        ("gaussian", torch.zeros(5, 1, 2, 2), "generator gaussian learns from rows of numbers"),
        ("gaussian", torch.zeros(1, 3), "the pool holds 1 samples; generator gaussian needs 2 or more"),
        ("discrete", torch.tensor([0, 4]), "each in 0 to 3"),
        ("linear-regression", torch.zeros(3, 1), "give 2 columns or more"),
        ("linear-regression", torch.zeros(3, 5), "needs 5 or more of this width"),
        ("kernel-density", torch.zeros(3).long(), "generator kernel-density learns from rows of numbers"),
    ],
)
def test_refuses_pools_of_another_form(name: str, samples: torch.Tensor, said: str) -> None:
    with pytest.raises(UserError, match=said):
        open_generator(name).fit(Pool(samples), seed=0)


def test_refuses_a_state_of_another_family() -> None:
    with pytest.raises(UserError, match="the state holds mean, and generator gaussian needs mean, covariance"):
        open_generator("gaussian").with_state({"mean": torch.zeros(2)})
    with pytest.raises(UserError, match=r"covariance of generator gaussian has the shape \(3, 3\)"):
        open_generator("gaussian").with_state({"mean": torch.zeros(2), "covariance": torch.eye(3)})
