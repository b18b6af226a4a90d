"""Which classes of real pictures a generated set still has: recall by class, and how many classes it amounts to."""

from collections.abc import Sequence

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better
from simulacra.measures.of_sets.contract import SetMeasure
from simulacra.measures.of_sets.distances import Flags

CLASSES = SetMeasure(
    "classes",
    Better.HIGHER,
    "Exponential of the entropy of the shares of the classes among the generated pictures.",
    "Hill 1973, diversity of order 1; the Vendi score of pictures that are equal within a class and unlike across",
)


def recall_by_class(real_covered: Flags, labels: Tensor, classes: int) -> list[float | None]:
    """Recall of every class: the share of its real pictures that lie in the ball of a generated picture.

    The generated pictures need no class, and the mean over classes, weighted by their real pictures, is the recall.

    Args:
        real_covered: whether each real picture lies in such a ball, shape (N,); see `distances.inside`.
        labels: class of each real picture, shape (N,), int64, below `classes`.
        classes: how many.

    Returns:
        One a class; None where no real picture is of it.
    """
    covered = torch.from_numpy(real_covered).double()
    found = torch.bincount(labels, weights=covered, minlength=classes)
    counts = torch.bincount(labels, minlength=classes)
    return [float(hit / count) if count else None for hit, count in zip(found.tolist(), counts.tolist(), strict=True)]


def effective_classes(labels: Tensor) -> float:
    """How many classes a set amounts to: from 1, all of one class, to their number, all equally often.

    Args:
        labels: class of each picture, shape (M,), int64, 0 or more, M at least 1.
    """
    counts = torch.bincount(labels).double()
    shares = counts[counts > 0] / counts.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))


def checked_labels(labels: Tensor, pictures: int, names: Sequence[str] = ()) -> None:
    """Refuse labels that do not fit.

    Args:
        labels: class of each picture.
        pictures: how many there are.
        names: of the classes; empty for any number of them.

    Raises:
        UserError: there is not one whole number a picture, or one is negative or has no name.
    """
    if labels.shape != (pictures,) or labels.dtype != torch.int64:
        kind = f"{str(labels.dtype).removeprefix('torch.')} of shape {tuple(labels.shape)}"
        raise UserError(f"the labels are {kind}; give int64, one for each of the {pictures} pictures")
    low, high = (int(each) for each in labels.aminmax())
    if low < 0 or (names and high >= len(names)):
        rule = f"0 to {len(names) - 1}, as there are {len(names)} names" if names else "0 or more"
        raise UserError(f"the labels reach from {low} to {high}; they must be {rule}")
