"""What equal distributions give: closed forms against simulation, permutations against their own promise."""

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.neighbours import precision_recall_density_coverage
from simulacra.measures.of_sets.nulls import EXPECTED_DENSITY, Null, expected_coverage, permutation_null


def draw(count: int, length: int, seed: int, scale: float = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, scale, size=(count, length)))


def four(real: Tensor, generated: Tensor) -> dict[str, float]:
    return vars(precision_recall_density_coverage(real=real, generated=generated, neighbours=3))


@pytest.mark.parametrize(
    ("real", "generated", "neighbours", "length"), [(60, 40, 3, 2), (50, 100, 5, 20), (30, 30, 1, 1)]
)
def test_coverage_and_density_agree_with_simulation(real: int, generated: int, neighbours: int, length: int) -> None:
    trials = 150
    values = [
        precision_recall_density_coverage(
            real=draw(real, length, 2 * t), generated=draw(generated, length, 2 * t + 1), neighbours=neighbours
        )
        for t in range(trials)
    ]
    coverage, density = np.array([each.coverage for each in values]), np.array([each.density for each in values])
    expected = expected_coverage(real=real, generated=generated, neighbours=neighbours)
    assert abs(coverage.mean() - expected) < 4 * coverage.std() / np.sqrt(trials)
    assert abs(density.mean() - EXPECTED_DENSITY) < 4 * density.std() / np.sqrt(trials)


def test_one_neighbour_of_each_kind_is_a_fair_coin() -> None:
    # two real, one generated, k = 1: the other real picture and the generated one are equally likely to be the nearer
    assert expected_coverage(real=2, generated=1, neighbours=1) == pytest.approx(1 / 2, rel=1e-15)


def test_coverage_tends_to_the_published_limit() -> None:
    limit = expected_coverage(real=1_000_000, generated=1_000_000, neighbours=5)
    assert limit == pytest.approx(1 - 2**-5, rel=1e-5)  # the next term is about k^2 / N


def test_equal_distributions_do_not_give_precision_one() -> None:
    # precision falls with the dimension, so it has no null of its counts alone; coverage has
    values = [precision_recall_density_coverage(real=draw(500, d, 1), generated=draw(500, d, 2)) for d in (2, 16, 512)]
    assert values[0].precision > 0.95 > 0.9 > values[1].precision > 0.8 > values[2].precision
    expected = expected_coverage(real=500, generated=500, neighbours=5)
    # one picture in 32 is not covered, of 500: a deviation of 0.008, and twice that for pictures that share neighbours
    assert [each.coverage for each in values] == pytest.approx([expected] * 3, abs=0.03)


def test_ties_lift_coverage_over_the_null_of_continuous_distributions() -> None:
    # Digits, collapsed sets, rounded features: closed balls hold all that tie, open ones none of them.
    real, generated = (draw(80, 3, seed).round() for seed in (1, 2))
    expected = expected_coverage(real=80, generated=80, neighbours=3)
    closed = precision_recall_density_coverage(real=real, generated=generated, neighbours=3)
    opened = precision_recall_density_coverage(real=real, generated=generated, neighbours=3, ball="open")
    assert closed.coverage > expected > opened.coverage


def test_permutations_of_equal_sets_find_nothing() -> None:
    shares = []
    for trial in range(30):
        real, generated = draw(30, 4, 2 * trial), draw(25, 4, 2 * trial + 1)
        null = permutation_null(four, real=real, generated=generated, permutations=19, seed=trial)["recall"]
        shares.append(null.share_as_low(four(real, generated)["recall"]))
    # P(share <= 0.1) is at most 0.1: three of thirty expected, nine is beyond 3 deviations
    assert sum(share <= 0.1 for share in shares) < 9


def test_permutations_find_a_collapse_and_say_in_which_value() -> None:
    real, generated = draw(60, 4, 1), draw(60, 4, 2, scale=0.2)
    null = permutation_null(four, real=real, generated=generated, permutations=39, seed=0)
    observed = four(real, generated)
    assert null["recall"].share_as_low(observed["recall"]) == 1 / 40
    assert null["precision"].share_as_high(observed["precision"]) < 0.1
    assert observed["recall"] < null["recall"].mean - 3 * null["recall"].deviation


def test_permutations_are_seeded_and_keep_the_counts() -> None:
    def counts(real: Tensor, generated: Tensor) -> dict[str, float]:
        return {"real": len(real), "generated": len(generated), "first": float(real[0, 0])}

    real, generated = draw(20, 2, 1), draw(11, 2, 2)
    null = permutation_null(counts, real=real, generated=generated, permutations=5, seed=7)
    assert set(null["real"].values) == {20} and set(null["generated"].values) == {11}
    assert null == permutation_null(counts, real=real, generated=generated, permutations=5, seed=7)
    assert null != permutation_null(counts, real=real, generated=generated, permutations=5, seed=8)


def test_a_share_is_never_nothing() -> None:
    null = Null((1.0, 2.0, 3.0))
    assert null.share_as_low(0) == 1 / 4
    assert null.share_as_high(0) == 1
    assert null.share_as_low(2) == 3 / 4


@pytest.mark.parametrize(
    ("counts", "said"), [((3, 5, 3), "real is 3"), ((9, 0, 3), "generated is 0"), ((9, 5, 0), "neigh")]
)
def test_refuses_impossible_counts(counts: tuple[int, int, int], said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}"):
        expected_coverage(real=counts[0], generated=counts[1], neighbours=counts[2])


def test_refuses_one_permutation() -> None:
    with pytest.raises(UserError, match=r"^permutations is 1; it must be 2 or more$"):
        permutation_null(four, real=draw(9, 2, 1), generated=draw(9, 2, 2), permutations=1, seed=0)
