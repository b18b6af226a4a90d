"""Precision, recall, density and coverage: whose nearest-neighbour balls hold whom."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better
from simulacra.measures.of_sets.contract import SetMeasure, checked
from simulacra.measures.of_sets.distances import Inside, inside, nearest_squared

Ball = Literal["closed", "open"]
"""Whether a picture at exactly the radius is in the ball: closed, it is, as the papers define it; open, it is not."""

_KYNKAANNIEMI = "Kynkäänniemi, Karras, Laine, Lehtinen and Aila 2019, equations 1 and 2"
_NAEEM = "Naeem, Oh, Uh, Choi and Yoo 2020, equations 4 and 5"


@dataclass(frozen=True)
class Neighbours:
    """The four values, each 0 or more; density alone may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def measures(neighbours: int, ball: Ball = "closed") -> dict[str, SetMeasure]:
    """What the four values mean for k `neighbours`, by their field's name."""
    protocol = f"k{neighbours}" if ball == "closed" else f"k{neighbours}_open"
    texts = {
        "precision": ("Share of the generated pictures that lie in the ball of a real picture.", _KYNKAANNIEMI),
        "recall": ("Share of the real pictures that lie in the ball of a generated picture.", _KYNKAANNIEMI),
        "density": ("Mean over generated pictures of the real balls they lie in, over k.", _NAEEM),
        "coverage": ("Share of the real pictures whose ball holds a generated picture.", _NAEEM),
    }
    return {
        field: SetMeasure(f"{field}_{protocol}", Better.HIGHER, definition, source)
        for field, (definition, source) in texts.items()
    }


def precision_recall_density_coverage(
    *, real: Tensor, generated: Tensor, neighbours: int = 5, ball: Ball = "closed"
) -> Neighbours:
    """How much of each set lies in the nearest-neighbour balls of the other.

    The ball of a picture reaches to its k-th nearest other picture of its own set. Distances are Euclidean and compared
    in float64, so exact ties and duplicates count as the definition says, in any order of the pictures.

    Args:
        real: features of the real pictures, shape (N, D), float32 or float64.
        generated: features of the generated pictures, shape (M, D), float32 or float64.
        neighbours: k, at least 1 and below N and M.
        ball: whether a picture at exactly the radius is inside; it matters for duplicates, whose radius may be 0.

    Returns:
        Precision, recall and coverage in [0, 1], density at least 0.

    Raises:
        UserError: a set has k pictures or fewer, k is below 1, or the features cannot be compared.

    Sources: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"; Naeem et
    al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models".
    """
    if neighbours < 1:
        raise UserError(f"neighbours is {neighbours}; it must be 1 or more")
    if ball not in ("closed", "open"):
        raise UserError(f"ball is {ball!r}; it must be closed or open")
    checked(real=real, generated=generated, least=neighbours + 1)
    held = inside(
        real=real,
        generated=generated,
        real_radii=nearest_squared(real, neighbours)[:, -1],
        generated_radii=nearest_squared(generated, neighbours)[:, -1],
        closed=ball == "closed",
    )
    return from_inside(held, neighbours)


def from_inside(held: Inside, neighbours: int) -> Neighbours:
    """The four values, from who lies in whose ball when balls reach to the k-th of the `neighbours`."""
    return Neighbours(
        precision=float(held.generated_covered.mean()),
        recall=float(held.real_covered.mean()),
        density=float(held.generated_in_ball.sum() / (neighbours * len(held.generated_covered))),
        coverage=float((held.generated_in_ball > 0).mean()),
    )
