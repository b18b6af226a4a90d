"""Copiers with known behaviour, small enough to run a hundred copies in a moment."""

from collections.abc import Sequence

import torch
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Parameters, Receipt


class Darken(Copier):
    """Takes one 8-bit level off every pixel: settles at black after exactly as many copies as the brightest level."""

    family = "darken"
    summary = licence = origin = "A toy."
    determinism = Determinism.EXACT

    def __init__(self, parameters: Parameters | None = None) -> None:
        super().__init__(parameters)
        self.calls = 0

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        self.calls += 1
        return (pictures - 1 / 255).clamp(0, 1), [Receipt(0.0) for _ in seeds]


class Invert(Darken):
    """A cycle of period 2."""

    family = "invert"

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        return 1 - pictures, [Receipt(0.0) for _ in seeds]


class Blink(Invert):
    """Does nothing at odd steps and inverts at even ones: a step of no change is no fixed point."""

    family = "blink"
    autonomous = False

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        return (pictures if step % 2 else 1 - pictures), [Receipt(0.0) for _ in seeds]


class Noise(Darken):
    """Adds noise from the seed alone."""

    family = "noise"
    seeded = True

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        drawn = [torch.randn(pictures.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return (pictures + 0.02 * torch.stack(drawn)).clamp(0, 1), [Receipt(0.0) for _ in seeds]


class Moody(Darken):
    """Refuses the fourth copy until told to behave."""

    family = "moody"
    willing = False

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        if step == 4 and not self.willing:
            return pictures, [Receipt(0.0, refusal="not this one") for _ in seeds]
        return super().copy(pictures, seeds, step)


class Broken(Darken):
    """Returns what is no picture from the third copy on."""

    family = "broken"

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        copies, receipts = super().copy(pictures, seeds, step)
        return (copies / 0 - copies / 0 if step == 3 else copies), receipts


class Elsewhere(Darken):
    """A copier whose bits depend on the machine."""

    family = "elsewhere"
    determinism = Determinism.SAME_MACHINE


class Remote(Darken):
    """A service: nobody can make its copy again."""

    family = "remote"
    determinism = Determinism.NEVER
