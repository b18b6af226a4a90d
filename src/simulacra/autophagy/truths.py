"""Exact truths: distributions known by their formula, from which a loop may draw real samples without end."""

from abc import ABC, abstractmethod
from math import pi
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from simulacra.autophagy.drawing import Judges
from simulacra.errors import UserError, unknown
from simulacra.generators import Generator, open_generator
from simulacra.specification import Parameters, Specified, read

_REACH = 2.0
"""Distance from the centre, in standard deviations, up to which the verifier of normal samples accepts."""


class ExactTruth(Specified, ABC):
    """A distribution as a generator that has learnt it, and what a loop on it needs besides."""

    summary: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised whenever the same specification would be another distribution."""

    @abstractmethod
    def generator(self) -> Generator:
        """What draws its samples."""

    def learner(self) -> str:
        """Specification of the generator that can learn it exactly."""
        return self.generator().specification

    def modes(self) -> Tensor | None:
        """Centres of its modes, shape (K, D); None where it has one mode alone, or none."""
        return None

    def judges(self) -> Judges:
        """What curated and verified policies choose by on it."""
        return Judges()


class NormalParameters(Parameters):
    """Of the truth `normal`."""

    dimensions: int = Field(2, ge=1, description="numbers of each sample")


class Normal(ExactTruth):
    """Standard normal rows; the reward is the first number, the verifier accepts within two standard deviations."""

    family = "normal"
    summary = "standard normal rows of numbers"
    Parameters = NormalParameters
    parameters: NormalParameters

    def generator(self) -> Generator:
        """See `ExactTruth.generator`."""
        size = self.parameters.dimensions
        return open_generator("gaussian").with_state({"mean": torch.zeros(size), "covariance": torch.eye(size)})

    def judges(self) -> Judges:
        """See `ExactTruth.judges`."""
        return Judges(reward=_first, accepts=_central)


class MixtureParameters(Parameters):
    """Of the truths that are mixtures."""

    deviation: float = Field(0.05, gt=0, description="standard deviation of each mode")


class Mixture(ExactTruth):
    """Equal normal distributions around modes in the plane."""

    Parameters: ClassVar[type[MixtureParameters]]
    parameters: MixtureParameters

    @abstractmethod
    def modes(self) -> Tensor:
        """Their centres, shape (K, 2)."""

    def generator(self) -> Generator:
        """See `ExactTruth.generator`."""
        modes = self.modes()
        count, size = modes.shape
        covariance = self.parameters.deviation**2 * torch.eye(size, dtype=torch.float64)
        state = {
            "shares": torch.full((count,), 1 / count, dtype=torch.float64),
            "means": modes,
            "covariances": covariance.expand(count, size, size),
        }
        return open_generator(f"gaussian-mixture:components={count}").with_state(state)


class RingParameters(MixtureParameters):
    """Of the truth `ring`."""

    modes: int = Field(8, ge=2, description="normal distributions on the circle of radius 1")


class Ring(Mixture):
    """A mixture of equal normal distributions on a circle."""

    family = "ring"
    summary = "points in the plane around places on a circle"
    Parameters = RingParameters
    parameters: RingParameters

    def modes(self) -> Tensor:
        """See `ExactTruth.modes`."""
        angles = 2 * pi * torch.arange(self.parameters.modes, dtype=torch.float64) / self.parameters.modes
        return torch.stack([angles.cos(), angles.sin()], dim=1)


class GridParameters(MixtureParameters):
    """Of the truth `grid`."""

    side: int = Field(5, ge=2, description="normal distributions along each side of the square from -1 to 1")


class Grid(Mixture):
    """A mixture of equal normal distributions on a square grid, as in the appendix of the paper on MAD."""

    family = "grid"
    summary = "points in the plane around places on a square grid"
    Parameters = GridParameters
    parameters: GridParameters

    def modes(self) -> Tensor:
        """See `ExactTruth.modes`."""
        places = torch.linspace(-1, 1, self.parameters.side, dtype=torch.float64)
        return torch.cartesian_prod(places, places)


class CategoriesParameters(Parameters):
    """Of the truth `categories`."""

    count: int = Field(10, ge=2, description="how many")
    power: float = Field(1.0, ge=0, description="of Zipf's law: category k has a probability in proportion to k^-power")


class Categories(ExactTruth):
    """Category numbers by Zipf's law."""

    family = "categories"
    summary = "category numbers, some of them rare"
    Parameters = CategoriesParameters
    parameters: CategoriesParameters

    def generator(self) -> Generator:
        """See `ExactTruth.generator`."""
        weights = torch.arange(1, self.parameters.count + 1, dtype=torch.float64) ** -self.parameters.power
        made = open_generator(f"discrete:categories={self.parameters.count}")
        return made.with_state({"probabilities": weights / weights.sum()})


class LineParameters(Parameters):
    """Of the truth `line`."""

    dimensions: int = Field(3, ge=1, description="inputs of each sample, standard normal")
    noise: float = Field(1.0, gt=0, description="standard deviation of the labels about the line")


class Line(ExactTruth):
    """Rows of inputs and a label, which is their sum and noise."""

    family = "line"
    summary = "rows of inputs and a noisy label"
    Parameters = LineParameters
    parameters: LineParameters

    def generator(self) -> Generator:
        """See `ExactTruth.generator`."""
        size = self.parameters.dimensions
        made = open_generator(f"linear-regression:noise={self.parameters.noise},inputs=fresh")
        return made.with_state({"weights": torch.ones(size), "inputs": torch.zeros(0, size)})


TRUTHS: dict[str, type[ExactTruth]] = {each.family: each for each in (Normal, Ring, Grid, Categories, Line)}


def truth_family(name: str) -> type[ExactTruth]:
    """The class of a truth.

    Raises:
        UserError: there is none of this name.
    """
    if name not in TRUTHS:
        raise unknown("truth", name, TRUTHS)
    return TRUTHS[name]


def open_truth(text: str) -> ExactTruth:
    """A truth from `family` or `family:key=value,...`.

    Raises:
        UserError: the family or a parameter is unknown, or a value breaks its rule.
    """
    try:
        return read("truth", truth_family, text)
    except UserError as error:  # truths are listed in the documentation, by no command
        raise UserError(str(error).partition("; type simulacra truths")[0]) from error


def nearest_mode(samples: Tensor, modes: Tensor) -> Tensor:
    """Number of the mode nearest to each sample, shape (N,), int64."""
    return torch.cdist(samples.double(), modes).argmin(1)


def _first(rows: Tensor) -> Tensor:
    return rows[:, 0]


def _central(rows: Tensor) -> Tensor:
    return rows.square().sum(1) <= _REACH**2 * rows.shape[1]
