"""Copiers whose dynamics are known in closed form."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Receipt


class Toy(Copier):
    """Any differentiable map of pictures as a copier."""

    family = "toy"
    summary = licence = origin = "A toy."
    determinism = Determinism.EXACT
    differentiable = True

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        return self.function(pictures), [Receipt(0.0) for _ in seeds]


class Forgetful(Toy):
    determinism = Determinism.NEVER
    differentiable = False


class Noisy(Toy):
    """Adds to the map noise from the seed alone, equal for equal seeds."""

    seeded = True

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        drawn = [torch.randn(pictures.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return self.function(pictures) + 0.01 * torch.stack(drawn), [Receipt(0.0) for _ in seeds]


def linear(matrix: Tensor) -> Callable[[Tensor], Tensor]:
    """The map that turns what a picture of 48 values differs from middle grey by with a matrix."""
    return lambda pictures: (0.5 + (pictures.flatten(1) - 0.5) @ matrix.T).reshape(pictures.shape)


def rotated(diagonal: Tensor) -> Tensor:
    """The same matrix in a drawn orthonormal basis."""
    basis, _ = torch.linalg.qr(torch.randn(len(diagonal), len(diagonal), generator=torch.Generator().manual_seed(3)))
    return basis @ diagonal @ basis.T


GREY = torch.full((1, 3, 4, 4), 0.5)
