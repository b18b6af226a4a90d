"""Recall by class adds up to recall; classes that are gone are counted as gone."""

import numpy as np
import pytest
import torch

from simulacra.errors import UserError
from simulacra.measures.of_sets.classes import checked_labels, effective_classes, recall_by_class
from simulacra.measures.of_sets.distances import inside, nearest_squared


def test_recall_by_class_by_hand() -> None:
    covered = np.array([True, False, True, True, False])
    assert recall_by_class(covered, torch.tensor([0, 0, 0, 2, 2]), 4) == [pytest.approx(2 / 3), None, 0.5, None]


def test_classes_weighted_by_their_pictures_are_the_recall() -> None:
    lines = np.random.default_rng(1)
    labels = torch.from_numpy(lines.integers(0, 5, 200))
    covered = lines.random(200) < 0.6
    counts = torch.bincount(labels, minlength=5).double()
    values = torch.tensor(recall_by_class(covered, labels, 5), dtype=torch.float64)
    assert float((values * counts).sum() / 200) == pytest.approx(covered.mean(), rel=1e-12)


def test_a_lost_mode_has_no_recall_and_the_others_keep_theirs() -> None:
    lines = np.random.default_rng(2)
    centres = torch.tensor([[0.0, 0], [20, 0], [0, 20]])
    labels = torch.from_numpy(lines.integers(0, 3, 300))
    real = centres[labels] + torch.from_numpy(lines.normal(size=(300, 2)))
    kept = torch.from_numpy(lines.integers(0, 2, 300))
    made = centres[kept] + torch.from_numpy(lines.normal(size=(300, 2)))
    held = inside(
        real=real,
        generated=made,
        real_radii=nearest_squared(real, 5)[:, -1],
        generated_radii=nearest_squared(made, 5)[:, -1],
        closed=True,
    )
    first, second, lost = recall_by_class(held.real_covered, labels, 3)
    assert lost == 0
    assert first is not None and second is not None and min(first, second) > 0.9


def test_effective_classes_have_the_ends_of_an_entropy() -> None:
    assert effective_classes(torch.tensor([3, 3, 3])) == 1
    assert effective_classes(torch.arange(10).repeat(7)) == pytest.approx(10, rel=1e-12)
    shares = np.array([0.5, 0.25, 0.25])
    assert effective_classes(torch.tensor([0, 0, 1, 2])) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        (
            torch.tensor([0, 1]),
            (),
            r"^the labels are int64 of shape \(2,\); give int64, one for each of the 3 pictures$",
        ),
        (torch.zeros(3), (), "^the labels are float32 of shape"),
        (torch.tensor([0, -1, 2]), (), "^the labels reach from -1 to 2; they must be 0 or more$"),
        (
            torch.tensor([0, 1, 2]),
            ("a", "b"),
            "^the labels reach from 0 to 2; they must be 0 to 1, as there are 2 names$",
        ),
    ],
)
def test_refuses_labels_that_do_not_fit(labels: torch.Tensor, names: tuple[str, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked_labels(labels, 3, names)
