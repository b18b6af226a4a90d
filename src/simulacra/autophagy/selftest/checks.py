"""What all checks of the self-test have in common: a mean over replicates of drawn loops against its expectation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.autophagy.drawing import Judges
from simulacra.autophagy.loop import Generation, Loop, Truth, run
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.truths import open_truth
from simulacra.generators import Generator, open_generator
from simulacra.seeds import derive_seed

LIMIT = 4.0
"""A larger |z| is a failure. Of 1,900 true checks one is as large by chance in 11 % of all seeds, were they normal."""

SAMPLES, GENERATIONS = 24, 8
BIAS = 0.7
"""Lambda, where it is not 1."""
PROBABILITIES = (0.5, 0.3, 0.15, 0.05)
"""Of the categories."""
BANDWIDTH = 0.3
"""Of the kernel."""
MIXTURE = "gaussian-mixture:components=2,steps=3,floor=1e-9"
"""Few steps suffice: mean and variance of the pool are kept after every one."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """One mean over replicates against its expectation."""

    policy: str
    family: str
    quantity: str
    generation: int
    expected: float
    found: float
    z: float


@dataclass(frozen=True)
class Caught:
    """Something deliberately wrong, and by how much it was found out."""

    wrong: str
    largest: float

    @property
    def caught(self) -> bool:
        """Whether a check failed, as one should."""
        return self.largest > LIMIT


def standard(axes: int) -> Generator:
    """The truth of the loops over rows of numbers: standard normal."""
    return open_truth(f"normal:dimensions={axes}").generator()


def categories() -> Generator:
    """The truth of the loops over category numbers."""
    return open_generator("discrete:categories=4").with_state({"probabilities": torch.tensor(PROBABILITIES)})


def loops(
    label: str,
    policy: Policy,
    generator: Generator,
    truth: Generator | Callable[[int], Generator],
    read: Callable[[Generation], Tensor],
    seed: int,
    replicates: int,
    judges: Judges = Judges(),  # noqa: B008 - frozen
) -> Array:
    """What `read` gives, (replicates, generations, quantities)."""
    found = []
    for replicate in range(replicates):
        own = truth if isinstance(truth, Generator) else truth(replicate)
        real = Truth(own, derive_seed(seed, f"selftest-real {label}", replicate))
        loop = Loop(policy, generator, real, derive_seed(seed, f"selftest-loop {label}", replicate), judges)
        found.append(torch.stack([read(generation) for generation in run(loop, GENERATIONS)]))
    return torch.stack(found).double().numpy()


def compared(name: str, family: str, quantities: Sequence[str], found: Array, targets: Array) -> list[Check]:
    """A check of each quantity at each generation.

    Args:
        name: of the policy.
        family: of the generator.
        quantities: names.
        found: shape (replicates, generations, quantities).
        targets: shape (generations, quantities), what their means must be.
    """
    means, errors = found.mean(0), found.std(0, ddof=1) / sqrt(len(found))
    return [
        Check(name, family, quantity, at + 1, float(target), float(mean), _z(float(mean - target), float(error)))
        for at in range(len(targets))
        for quantity, target, mean, error in zip(quantities, targets[at], means[at], errors[at], strict=True)
    ]


def _z(difference: float, error: float) -> float:
    if not (isfinite(difference) and isfinite(error)):
        return inf  # what is no number passes no check
    # Where nothing scatters, the value must be the expected one but for rounding.
    if error < 1e-12:
        return 0.0 if abs(difference) < 1e-9 else inf
    return difference / error
