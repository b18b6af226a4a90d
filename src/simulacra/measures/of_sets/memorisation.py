"""Does a generator repeat what it learnt from? Its samples' distances to their nearest training pictures.

A generated picture is *authentic* if it is farther from its nearest training picture than that one is from its own
nearest other training picture. Strictly: a copy of a picture that is in the training set twice is not authentic.

A new real picture often is not authentic either: it and its nearest training picture are then each other's nearest. So
an authenticity below 1 says nothing alone. In few dimensions what new real pictures score is known, 1/3 to 1/2
(`expected_authenticity`). In many dimensions a few pictures are nearest to many others, and it rises: 0.75 for 400
gaussian pictures in 30. Compare with held-out real pictures.

Sources: Alaa, van Breugel, Saveliev and van der Schaar 2022, "How Faithful is your Synthetic Data?"; Cox
1981, "Reflexive nearest neighbours", for the share among points of a uniform density.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better, Undefined, Value
from simulacra.measures.of_sets.contract import SetMeasure, checked
from simulacra.measures.of_sets.distances import Doubles, Integers, nearest_squared, squared_between

AUTHENTICITY = SetMeasure(
    "authenticity",
    Better.HIGHER,
    "Share of the generated pictures farther from their nearest training picture than that is from its own nearest.",
    "Alaa et al. 2022",
)

NEAREST = SetMeasure(
    "nearest_training",
    Better.NEITHER,
    "Median distance of a generated picture to its nearest training picture, over the median distance of a training "
    "picture to its nearest other one.",
    "the ratio of the two distances that authenticity compares",
)

EXPECTED_NEAREST = 1.0
"""The ratio for new real pictures: nearest of N pictures against nearest of N - 1 others, both of one distribution."""

_ROWS = 1024
"""Pictures whose distances to all training pictures are formed at once."""

_SLICES = 4000
"""Of a ball, for each 30 degrees: eight digits of the share."""


class Training:
    """The pictures that a generator learnt from, with each one's distance to its nearest other one."""

    def __init__(self, features: Tensor) -> None:
        """Measure them among themselves.

        Args:
            features: shape (N, D), float32 or float64, N at least 2.

        Raises:
            UserError: there are fewer than two pictures, or the features are not of this form.
        """
        checked(real=features, generated=features)
        self.features = features.detach().cpu()
        self.apart: Doubles = nearest_squared(self.features, 1)[:, 0]
        """(N,): squared distance of each to its nearest other one."""


def nearest(features: Tensor, *, among: Tensor) -> tuple[Integers, Doubles]:
    """The nearest picture of another set, for each picture of a set.

    Args:
        features: shape (M, D), float32 or float64.
        among: features of the other set, shape (N, D).

    Returns:
        Its place in the other set and the squared distance to it, both of shape (M,). Distances are exact for the
        picture found; which is found of several that are as near as rounding can tell, 1e-13 of the squared length of
        the features, is not decided.

    Raises:
        UserError: the features cannot be compared.
    """
    checked(real=among, generated=features, least=1)
    rows, others = features.detach().cpu(), among.detach().cpu()
    centre = others.double().mean(0)
    shifted = others.double() - centre
    lengths = shifted.square().sum(1)
    found = [(lengths - 2 * ((part.double() - centre) @ shifted.T)).argmin(1) for part in torch.split(rows, _ROWS)]
    places: Integers = torch.cat(found).numpy()
    return places, squared_between(rows, others, np.arange(len(rows)), places)


@dataclass(frozen=True)
class Memorisation:
    """How near the samples of a generator are to what it learnt from."""

    authenticity: float  # in [0, 1]
    nearest: Value  # 0 for copies, about 1 for new real pictures


def memorisation(*, training: Training, generated: Tensor) -> Memorisation:
    """Authenticity, and the distance to the nearest training picture.

    Args:
        training: the pictures that the generator learnt from.
        generated: features of its samples, shape (M, D), float32 or float64, M at least 1.

    Returns:
        The ratio is undefined where half of the training pictures or more are there twice.

    Raises:
        UserError: the features cannot be compared.
    """
    return from_nearest(training, *nearest(generated, among=training.features))


def from_nearest(training: Training, places: Integers, squared: Doubles) -> Memorisation:
    """The same, from what `nearest` gave."""
    usual = float(np.median(np.sqrt(training.apart)))
    ratio: Value = Undefined("half of the training pictures have an equal among them, so that the usual distance is 0")
    if usual > 0:
        ratio = float(np.median(np.sqrt(squared))) / usual
    return Memorisation(float((squared > training.apart[places]).mean()), ratio)


def expected_authenticity(dimension: int) -> float:
    """Authenticity of new real pictures that fill a space of few dimensions densely.

    A new picture is not authentic if it and its nearest training picture are each other's nearest. Among points of a
    density that is locally uniform that happens with probability V / U, V the volume of a ball and U that of two such
    balls, each with its centre on the other's surface, together:

        1 - V / U = 1 - 1 / (2 - I),   I the share of one ball that lies in the other

    Args:
        dimension: of the space that the pictures fill, 1 or more; not the number of their features. Neighbours must be
            so near that the density between them is even: within 0.02 for 400 gaussian pictures in 3 dimensions.

    Returns:
        1/3 in one dimension, 0.379 in two, 0.407 in three, towards 1/2 in many.

    Raises:
        UserError: the dimension is below 1.

    Source: Cox 1981.
    """
    if dimension < 1:
        raise UserError(f"the dimension is {dimension}; it must be 1 or more")
    # A slice of a ball at an angle from its pole has radius sin(angle); the caps of the common lens end at 60 degrees.
    angles = torch.linspace(0, torch.pi / 2, 3 * _SLICES + 1, dtype=torch.float64)
    slices = angles.sin() ** dimension
    cap = torch.trapezoid(slices[: 2 * _SLICES + 1], angles[: 2 * _SLICES + 1])
    return 1 - 1 / (2 - float(cap / torch.trapezoid(slices, angles)))
