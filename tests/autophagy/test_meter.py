import pytest
import torch

from simulacra import UserError
from simulacra.autophagy.meter import measured_bias
from simulacra.autophagy.theory.selecting import filter_bias
from simulacra.generators import open_generator
from simulacra.generators.streams import normals


def test_measures_the_knob_of_a_gaussian() -> None:
    generator = open_generator("gaussian").with_state(
        {"mean": torch.ones(3), "covariance": torch.diag(torch.tensor([4.0, 1, 1]))}
    )
    unbiased = generator.sample(2000, seed=1)
    found = measured_bias(biased=generator.sample(2000, seed=2, bias=0.6), unbiased=unbiased, seed=0)
    assert found.low < 0.6 < found.high
    assert found.high / found.low < 1.3  # and it says something
    assert found.biased == found.unbiased == 2000


def test_measures_a_filter_as_theory_says() -> None:
    drawn = normals(6000, 4, seed=3)
    radius = drawn.square().sum(1)
    kept = drawn[radius <= radius.quantile(0.7)]
    found = measured_bias(biased=kept, unbiased=drawn, seed=0)
    assert found.low < filter_bias(0.7, 4) < found.high


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    trials, held = 60, 0
    for trial in range(trials):
        one, other = normals(40, 2, seed=100 + trial), 2 * normals(60, 2, seed=900 + trial)
        found = measured_bias(biased=one, unbiased=other, seed=trial)
        held += found.low <= 0.25 <= found.high
    assert held >= 48  # of 60 at 95 %: fewer has a chance below 1e-4; bootstrap intervals hold about 93 %


def test_a_point_has_no_spread_and_nothing_else_is_changed_by_a_shift() -> None:
    drawn = normals(50, 2, seed=1)
    assert measured_bias(biased=torch.ones(5, 2).double(), unbiased=drawn, seed=0).value == 0
    assert measured_bias(biased=drawn + 1000, unbiased=drawn, seed=0).value == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(
    ("biased", "unbiased", "said"),
    [
        (torch.zeros(1, 2), torch.zeros(5, 2), "two samples or more"),
        (torch.zeros(5, 2), torch.zeros(5, 3), "have 2 numbers a sample and the unbiased ones 3"),
        (torch.zeros(5, 2), torch.ones(5, 2), "the unbiased samples are all equal"),
        (torch.full((5, 2), torch.nan), torch.ones(5, 2), "the biased features hold numbers that are not finite"),
    ],
)
def test_refuses_what_cannot_be_measured(biased: torch.Tensor, unbiased: torch.Tensor, said: str) -> None:
    with pytest.raises(UserError, match=said):
        measured_bias(biased=biased, unbiased=unbiased, seed=0)
    with pytest.raises(UserError, match="level is 1"):
        measured_bias(biased=torch.eye(2), unbiased=torch.eye(2), seed=0, level=1)
