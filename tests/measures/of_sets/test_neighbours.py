"""Precision, recall, density, coverage: worked by hand, against prdc, and where tools have gone wrong."""

from math import sqrt

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.neighbours import Neighbours, measures, precision_recall_density_coverage


def draw(count: int, length: int, seed: int, scale: float = 1, mean: float = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(mean, scale, size=(count, length)).astype(np.float32))


def line(*places: float) -> Tensor:
    return torch.tensor(places, dtype=torch.float32)[:, None]


def test_on_a_line_by_hand() -> None:
    # k = 1. Real at 0, 1, 3: radii 1, 1, 2, balls [-1, 1], [0, 2], [1, 5]. Generated at 0.5, 1.75, 9: radii 1.25, 1.25,
    # 7.25, balls [-0.75, 1.75], [0.5, 3], [1.75, 16.25].
    values = precision_recall_density_coverage(real=line(0, 1, 3), generated=line(0.5, 1.75, 9), neighbours=1)
    assert values == Neighbours(
        precision=2 / 3,  # 9 lies in no real ball
        recall=1,  # 0 in the first, 1 in the first two, 3 in the third and, at exactly its radius, in the second
        density=pytest.approx(4 / 3),  # 0.5 in two real balls, 1.75 in two, 9 in none
        coverage=1,  # [-1, 1] and [0, 2] hold 0.5, [1, 5] holds 1.75
    )


@pytest.mark.parametrize(("length", "neighbours", "shift"), [(2, 1, 0), (16, 3, 0.5), (64, 5, 0), (256, 10, 0.1)])
def test_equals_prdc(length: int, neighbours: int, shift: float) -> None:
    real, generated = draw(300, length, 1), draw(350, length, 2, mean=shift, scale=0.9)
    ours = precision_recall_density_coverage(real=real, generated=generated, neighbours=neighbours)
    # float64, because prdc rounds distances to the features' own precision and then ties what differs
    theirs = compute_prdc(real.double().numpy(), generated.double().numpy(), neighbours)
    assert vars(ours) == pytest.approx(theirs, abs=1e-12)  # equal counts; the means divide in another order


def test_a_collapsed_generator_is_precise_and_recalls_nothing() -> None:
    # The mirror image of it was published for years: precision 0, recall 1.
    real, collapsed = draw(400, 8, 3), draw(400, 8, 4, scale=0.01)
    values = precision_recall_density_coverage(real=real, generated=collapsed)
    assert values.precision == 1
    assert values.recall == 0
    assert values.density > 2
    assert values.coverage < 0.2
    swapped = precision_recall_density_coverage(real=collapsed, generated=real)
    assert (swapped.precision, swapped.recall) == (values.recall, values.precision)


def test_a_noisy_generator_recalls_all_and_is_not_precise() -> None:
    real, noisy = draw(400, 8, 3), draw(400, 8, 4, scale=4)
    values = precision_recall_density_coverage(real=real, generated=noisy)
    assert values.precision < 0.1
    assert values.recall > 0.9


def test_which_set_is_real_cannot_be_left_to_the_order() -> None:
    with pytest.raises(TypeError):
        precision_recall_density_coverage(draw(10, 2, 0), draw(10, 2, 1))  # type: ignore[misc]


def test_a_closed_ball_holds_its_border_and_an_open_one_does_not() -> None:
    # Real 0, 1, 3, k = 1: the ball around 0 has radius 1. The generated pictures lie at exactly 1 from 0 and from 1.
    generated = line(-1, -1, 2)
    closed = precision_recall_density_coverage(real=line(0, 1, 3), generated=generated, neighbours=1)
    opened = precision_recall_density_coverage(real=line(0, 1, 3), generated=generated, neighbours=1, ball="open")
    assert closed.precision == 1
    assert opened.precision == pytest.approx(1 / 3)  # 2 alone, inside the ball of radius 2 around 3


def test_duplicates_have_balls_of_radius_nothing() -> None:
    # A generator that returns one training picture again and again: closed balls hold that picture, open ones nothing.
    real = draw(50, 4, 5)
    copies = real[:1].repeat(30, 1)
    closed = precision_recall_density_coverage(real=real, generated=copies, neighbours=3)
    opened = precision_recall_density_coverage(real=real, generated=copies, neighbours=3, ball="open")
    assert closed.recall == 1 / 50
    assert opened.recall == 0
    assert closed.precision == opened.precision == 1


def test_a_set_against_itself_is_perfect_because_each_picture_meets_its_copy() -> None:
    real = draw(200, 32, 6)
    values = precision_recall_density_coverage(real=real, generated=real.clone(), neighbours=3)
    assert (values.precision, values.recall, values.coverage) == (1, 1, 1)
    # each closed ball holds its centre's copy and k neighbours, the last at exactly the radius
    assert values.density == pytest.approx((3 + 1) / 3)


def test_order_of_the_pictures_does_not_matter() -> None:
    real, generated = draw(300, 16, 7), draw(200, 16, 8)
    shuffled = generated[torch.randperm(200, generator=torch.Generator().manual_seed(2))]
    straight = precision_recall_density_coverage(real=real, generated=generated)
    assert precision_recall_density_coverage(real=real.flip(0), generated=shuffled) == straight


def test_units_and_rotations_do_not_matter() -> None:
    real, generated = draw(200, 3, 9), draw(200, 3, 10)
    turn = torch.tensor([[1, -1, 0], [1, 1, 0], [0, 0, sqrt(2)]], dtype=torch.float64) * 7
    straight = precision_recall_density_coverage(real=real.double(), generated=generated.double())
    assert precision_recall_density_coverage(real=real.double() @ turn, generated=generated.double() @ turn) == straight


def test_names_state_the_protocol() -> None:
    assert measures(5)["recall"].stem == "recall_k5"
    assert measures(3, "open")["coverage"].stem == "coverage_k3_open"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"neighbours": 0}, "^neighbours is 0; it must be 1 or more$"),
        ({"ball": "round"}, "^ball is 'round'; it must be closed or open$"),
        ({"real": draw(5, 4, 1)}, "^the real set has 5 pictures; this measure needs 6 or more$"),
        ({"generated": draw(9, 3, 1)}, "^the real features have 4 numbers a picture and the generated ones 3"),
        ({"generated": draw(9, 4, 1).half()}, "^the generated features are float16 of shape"),
        ({"generated": torch.full((9, 4), torch.nan)}, "^the generated features of 9 pictures are not finite"),
    ],
)
def test_refuses_what_cannot_be_measured(change: dict[str, object], said: str) -> None:
    given = {"real": draw(9, 4, 0), "generated": draw(9, 4, 1)} | change
    with pytest.raises(UserError, match=said):
        precision_recall_density_coverage(**given)  # type: ignore[arg-type]
