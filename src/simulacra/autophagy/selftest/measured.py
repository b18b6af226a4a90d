"""Set measures on sets whose expected values are known, ties included."""

import numpy as np
import torch

from simulacra.autophagy.selftest.checks import Check, compared
from simulacra.generators import open_generator
from simulacra.generators.streams import normals
from simulacra.measures.of_sets.neighbours import Ball, precision_recall_density_coverage
from simulacra.measures.of_sets.nulls import EXPECTED_DENSITY, expected_coverage
from simulacra.seeds import derive_seed

_TIED = 5
"""Times as many replicates of the sets with ties, where what is looked for happens once in thirty."""


def measure_checks(seed: int, replicates: int) -> list[Check]:
    """The checks of set measures.

    Args:
        seed: of all draws.
        replicates: pairs of sets behind each check; more of those with ties.
    """
    return [*_continuous(seed, replicates), *tied(seed, replicates)]


def _continuous(seed: int, replicates: int) -> list[Check]:
    """Coverage and density of two sets from one continuous distribution."""
    real, generated, neighbours = 20, 30, 3
    found = np.empty((replicates, 1, 2))
    for replicate in range(replicates):
        drawn = normals(real + generated, 2, seed=derive_seed(seed, "selftest-null", replicate))
        values = precision_recall_density_coverage(real=drawn[:real], generated=drawn[real:], neighbours=neighbours)
        found[replicate, 0] = values.coverage, values.density
    targets = np.array([[expected_coverage(real=real, generated=generated, neighbours=neighbours), EXPECTED_DENSITY]])
    return compared("no loop", "set measures", ["coverage", "density"], found, targets)


def tied(seed: int, replicates: int, *, swapped: bool = False, ball: Ball = "closed") -> list[Check]:
    """Precision and recall of two sets of two categories, where nearly all pictures are duplicates.

    With one neighbour a ball of radius 0 holds its own category, so precision is the share of the generated samples
    whose category is among the N real ones: 1 - sum p (1 - p)^N on average. Recall is the same with M.
    """
    real, generated, share = 3, 8, 0.7
    replicates *= _TIED
    found = np.empty((replicates, 1, 2))
    fitted = open_generator("discrete:categories=2").with_state({"probabilities": torch.tensor([share, 1 - share])})
    for replicate in range(replicates):
        drawn = fitted.sample(real + generated, seed=derive_seed(seed, "selftest-ties", replicate)).double()[:, None]
        one, other = drawn[:real], drawn[real:]
        if swapped:
            one, other = other, one
        values = precision_recall_density_coverage(real=one, generated=other, neighbours=1, ball=ball)
        found[replicate, 0] = values.precision, values.recall
    missed = [sum(p * (1 - p) ** size for p in (share, 1 - share)) for size in (real, generated)]
    targets = np.array([[1 - missed[0], 1 - missed[1]]])
    return compared("no loop", "set measures", ["precision with ties", "recall with ties"], found, targets)
