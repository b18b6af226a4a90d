"""Spectra, planes and histograms against oracles."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from simulacra.autophagy.shapes import SHOWN, Axes, Bins, spectrum
from simulacra.measures.of_sets.frechet import moments


def draw(count: int, length: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, length)) * np.arange(1, length + 1))


@pytest.mark.parametrize(("count", "length"), [(200, 6), (8, 30), (300, 150)])
def test_spectrum_is_that_of_the_covariance(count: int, length: int) -> None:
    rows = draw(count, length, 1)
    values = np.linalg.eigvalsh(np.cov(rows.numpy().T))[::-1][: min(100, count)]
    found = spectrum(moments(rows))
    # six digits are kept
    assert found == pytest.approx(values[: len(found)], rel=1e-5, abs=1e-9)
    assert len(found) == min(100, count, length)


@pytest.mark.parametrize(("count", "length"), [(100, 5), (20, 40)])
def test_the_plane_is_that_of_the_first_two_principal_axes(count: int, length: int) -> None:
    reference, samples = draw(count, length, 2), draw(30, length, 3)
    oracle = PCA(2).fit(reference.numpy())
    found = np.array(Axes.of(reference).places(samples))
    signs = np.sign(oracle.components_[range(2), np.abs(oracle.components_).argmax(1)])
    # six digits are kept
    assert found == pytest.approx(oracle.transform(samples.numpy()) * signs, rel=1e-4, abs=1e-4)


def test_points_of_a_plane_stay_where_they_are_and_numbers_have_no_plane() -> None:
    samples = torch.tensor([[0.5, -0.25], [3, 4]])
    assert Axes.of(draw(50, 2, 1)).places(samples) == ((0.5, -0.25), (3, 4))
    assert Axes.of(draw(50, 1, 1)).places(samples[:, :1]) == ()


def test_no_more_samples_are_shown_than_a_page_draws() -> None:
    assert len(Axes.of(draw(50, 3, 1)).places(draw(1000, 3, 2))) == SHOWN


def test_density_is_over_all_samples_also_those_beyond_the_bins() -> None:
    reference = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    bins = Bins.of(reference)
    assert (bins.edges[0], bins.edges[-1]) == (-0.25, 1.25)
    width = bins.edges[1] - bins.edges[0]
    assert sum(bins.density(reference)) * width == pytest.approx(1)
    moved = torch.cat([reference, reference + 100])
    assert sum(bins.density(moved)) * width == pytest.approx(0.5)
    assert Bins.of(draw(20, 2, 1)) == Bins(()) and Bins(()).density(draw(20, 2, 1)) == ()
