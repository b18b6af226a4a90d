"""Authenticity: the definition written out, copies, ties, and what new real pictures score."""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.measures.of_sets import memorisation as subject
from simulacra.measures.of_sets.memorisation import (
    EXPECTED_NEAREST,
    Training,
    expected_authenticity,
    memorisation,
    nearest,
)


def draw(count: int, length: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, length)))


def test_two_training_pictures_by_hand() -> None:
    # 0 and 4 are 4 apart; 1 is 1 from 0, -5 is 5 from 0, 7 is 3 from 4: only -5 is authentic
    training = Training(torch.tensor([[0.0], [4]]))
    made = memorisation(training=training, generated=torch.tensor([[1.0], [-5], [7]]))
    assert made.authenticity == pytest.approx(1 / 3)
    assert made.nearest == pytest.approx(3 / 4)  # median distance 3, usual distance 4


@pytest.mark.parametrize("rows", [7, 1024])
def test_nearest_is_the_oracles(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_ROWS", rows)
    features, among = draw(90, 6, 1) + 100, draw(70, 6, 2) + 100
    places, squared = nearest(features, among=among)
    distances, expected = NearestNeighbors(n_neighbors=1).fit(among.numpy()).kneighbors(features.numpy())
    assert np.array_equal(places, expected[:, 0])
    # the oracle rounds |x|^2 - 2xy + |y|^2 of numbers near 100
    assert squared == pytest.approx(distances[:, 0] ** 2, rel=1e-8)


def test_agrees_with_the_definition() -> None:
    real, generated = draw(80, 3, 3), draw(60, 3, 4)
    across = torch.cdist(generated, real)
    among = torch.cdist(real, real).fill_diagonal_(torch.inf).amin(1)
    expected = (across.amin(1) > among[across.argmin(1)]).double().mean()
    made = memorisation(training=Training(real), generated=generated)
    assert made.authenticity == pytest.approx(float(expected))
    assert made.nearest == pytest.approx(float(np.median(across.amin(1)) / np.median(among)), rel=1e-9)


def test_copies_are_not_authentic_even_of_a_picture_that_is_there_twice() -> None:
    real = draw(50, 4, 5)
    copied = memorisation(training=Training(real), generated=real[:20])
    assert (copied.authenticity, copied.nearest) == (0, 0)
    twice = memorisation(training=Training(torch.cat([real, real])), generated=real[:20])
    assert twice.authenticity == 0  # a distance of 0 is not farther than one of 0
    assert isinstance(twice.nearest, Undefined)


def test_one_dimension_two_and_three_have_the_published_shares() -> None:
    published = [2 / 3, 6 * pi / (8 * pi + 3 * sqrt(3)), 16 / 27]  # of points that are each other's nearest
    # the integrals have eight digits
    assert [1 - expected_authenticity(d) for d in (1, 2, 3)] == pytest.approx(published, rel=1e-7)
    assert expected_authenticity(1000) == pytest.approx(1 / 2, rel=1e-7)


@pytest.mark.parametrize("length", [1, 2])
def test_new_real_pictures_score_what_is_expected(length: int) -> None:
    values = [
        memorisation(training=Training(draw(300, length, 2 * seed)), generated=draw(300, length, 2 * seed + 1))
        for seed in range(30)
    ]
    authenticity, ratio = (np.array(each) for each in zip(*((v.authenticity, v.nearest) for v in values), strict=True))
    # the density is not even between 300 points, which moves the share by less than 0.01
    assert authenticity.mean() == pytest.approx(
        expected_authenticity(length), abs=0.01 + 3 * authenticity.std() / sqrt(30)
    )
    assert ratio.mean() == pytest.approx(EXPECTED_NEAREST, abs=4 * ratio.std() / sqrt(30))


def test_many_dimensions_have_hubs_and_are_no_case_for_the_closed_form() -> None:
    made = memorisation(training=Training(draw(400, 30, 0)), generated=draw(400, 30, 1))
    assert made.authenticity > 0.65 > expected_authenticity(30)


def test_refuses_what_cannot_be_compared() -> None:
    with pytest.raises(UserError, match=r"^the real set has 1 pictures; this measure needs 2 or more"):
        Training(torch.zeros(1, 2))
    with pytest.raises(UserError, match=r"^the real features have 2 numbers a picture and the generated ones 3"):
        memorisation(training=Training(torch.zeros(3, 2)), generated=torch.zeros(3, 3))
    with pytest.raises(UserError, match=r"^the dimension is 0; it must be 1 or more$"):
        expected_authenticity(0)
