"""The contract of features: what turns a picture into the numbers that sets are compared by."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Self

import torch
from torch import Tensor

from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.workers import Workers


class Features(ABC):
    """A map from one picture to D numbers, with the digest of everything that decides them.

    Pictures go through it one at a time, each on one core, so a picture's numbers do not depend on its neighbours.
    """

    name: str
    """Its part of a value's name, such as "effnetlite0"."""
    length: int
    """D, the numbers a picture."""
    version: int = 1
    """Raised whenever the same pictures would get other numbers."""
    resizing: str
    """How a picture is brought to the side that the network reads, such as "224 px, bicubic, antialiased"."""
    classes: tuple[str, ...] = ()
    """Names of the classes that `probabilities` tells apart; empty where the features come with no classifier."""

    @classmethod
    def opened(cls, argument: str) -> Self:
        """The features with what a person typed after their name and a colon; empty where nothing was.

        Raises:
            UserError: the argument is missing or wrong, or there should be none.
        """
        if argument:
            raise UserError(f"the features {cls.name} take no argument, and {argument!r} was given; type: {cls.name}")
        return cls()

    @abstractmethod
    def embed(self, picture: Tensor) -> Tensor:
        """The numbers of one picture.

        Args:
            picture: shape (1, 3, H, W), float32, sRGB in [0, 1].

        Returns:
            Shape (D,), float32 or float64.
        """

    def probabilities(self, features: Tensor) -> Tensor:
        """How likely each of `classes` is, for features that `extract` gave.

        Args:
            features: shape (N, D), float32 or float64.

        Returns:
            Shape (N, classes), float64, rows sum to 1.

        Raises:
            UserError: these features come with no classifier.
        """
        raise UserError(f"the features {self.name} come with no classifier; type digits for one of handwritten digits")

    def weights(self) -> dict[str, str]:
        """Digest (SHA-256, hex) of each weight file; empty without networks."""
        return {}

    def prepare(self) -> None:  # noqa: B027  # most features have nothing to load
        """Load what `embed` needs, once and before threads ask for it."""

    @property
    def identity(self) -> str:
        """One text for everything that decides the numbers; equal identities mean comparable values."""
        protocol = {"name": self.name, "version": self.version, "resizing": self.resizing, "weights": self.weights()}
        return identity("features", protocol)

    def extract(self, pictures: Tensor) -> Tensor:
        """The numbers of many pictures, on every core that torch may use.

        Args:
            pictures: shape (N, 3, H, W), float32, sRGB in [0, 1].

        Returns:
            Shape (N, D), float32.

        Raises:
            UserError: the pictures are not of this form, or lie outside [0, 1].
            MissingWeights: the network is not on this machine.
        """
        if pictures.ndim != 4 or pictures.shape[1] != 3 or pictures.dtype != torch.float32:
            kind = f"{str(pictures.dtype).removeprefix('torch.')} of shape {tuple(pictures.shape)}"
            raise UserError(f"the pictures are {kind}; features need float32 of shape (N, 3, H, W)")
        if not len(pictures):
            return torch.empty(0, self.length)
        low, high = (float(value) for value in pictures.aminmax())
        if not (low >= 0 and high <= 1):
            raise UserError(f"the pictures reach from {low:g} to {high:g}; features need sRGB in [0, 1]")
        self.prepare()
        with Workers() as workers:
            numbers = workers.run(partial(self.embed, picture) for picture in torch.split(pictures, 1))
        return torch.stack(numbers).float()
