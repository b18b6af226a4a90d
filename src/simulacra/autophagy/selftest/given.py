"""One generation at a time: given the last model, the next pool's distribution is known even where samples are chosen.

What is found less what is expected, given the last model, has mean zero in every generation: a martingale difference.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from simulacra.autophagy.drawing import Judges
from simulacra.autophagy.loop import Generation
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import preset
from simulacra.autophagy.selftest.checks import (
    BANDWIDTH,
    BIAS,
    GENERATIONS,
    MIXTURE,
    PROBABILITIES,
    SAMPLES,
    Check,
    categories,
    compared,
    loops,
    standard,
)
from simulacra.autophagy.theory.selecting import Mixture, Normal, curated_pair, larger_of_two, moments, truncated
from simulacra.generators import open_generator

_REWARDS = (0.0, 0.5, 1.0, 1.5)
"""Of the categories."""
_ACCEPTED = (True, False, True, True)
"""Of the categories."""
_LOW, _HIGH = -0.5, 2.0
"""What the verifier of numbers accepts."""
_STEEP = 1e6
"""A reward that rises so fast chooses the larger of two, but for pairs closer than a millionth."""


class _OfNumbers(NamedTuple):
    """A loop over numbers, and the mean and variance of a sample of its pool, from the last model."""

    policy: Policy
    judges: Judges
    expected: Callable[[Mixture], Normal]
    families: tuple[str, ...]


class _OfCategories(NamedTuple):
    """A loop over categories, and the frequencies expected in its pool, from those of the first pool and the last."""

    policy: Policy
    judges: Judges
    expected: Callable[[Tensor, Tensor], Tensor]


def given_checks(seed: int, replicates: int) -> list[Check]:
    """Curation, verification and sampling bias, on families whose models are categories or normal components.

    Args:
        seed: of all draws.
        replicates: loops behind each check.
    """
    checks = []
    for name, numbers in _numbers().items():
        for family in numbers.families:
            checks += _numbers_checks(name, numbers, family, seed, replicates)
    for name, each in _categories().items():
        checks += _categories_checks(name, each, seed, replicates)
    return checks


def turned_checks(seed: int, replicates: int) -> list[Check]:
    """Curation that chooses the smaller of two, held against the larger: wrong on purpose."""
    return _numbers_checks("curated", _curated(-_STEEP), "gaussian", seed, replicates)


def _numbers() -> dict[str, _OfNumbers]:
    return {
        "curated": _curated(_STEEP),
        "verified": _OfNumbers(
            preset("verified").policy(SAMPLES),
            Judges(accepts=lambda rows: (rows[:, 0] >= _LOW) & (rows[:, 0] <= _HIGH)),
            lambda model: truncated(model, _LOW, _HIGH),
            tuple(_COMPONENTS),
        ),
        f"fully-synthetic, lambda {BIAS}": _OfNumbers(
            preset("fully-synthetic").policy(SAMPLES, bias=BIAS),
            Judges(),
            lambda model: moments(model._replace(variances=BIAS * model.variances)),
            (MIXTURE,),  # the others keep moments, and are checked as linear policies
        ),
    }


def _curated(steepness: float) -> _OfNumbers:
    """Curation by a steep reward, held against the larger of two."""
    judges = Judges(reward=lambda rows: steepness * rows[:, 0])
    return _OfNumbers(preset("curated").policy(SAMPLES), judges, larger_of_two, tuple(_COMPONENTS))


def _categories() -> dict[str, _OfCategories]:
    truth, accepted = torch.tensor(PROBABILITIES, dtype=torch.float64), torch.tensor(_ACCEPTED)
    synthetic, augmented, fresh = (
        preset(name).policy(SAMPLES, bias=BIAS) for name in ("fully-synthetic", "augmentation", "fresh-data")
    )

    def tempered(last: Tensor) -> Tensor:
        raised = last ** (1 / BIAS)
        return raised / raised.sum()

    def mixed(real: int, frequencies: Tensor, synthetic: int, last: Tensor) -> Tensor:
        return (real * frequencies + synthetic * tempered(last)) / (real + synthetic)

    return {
        "curated": _OfCategories(
            preset("curated").policy(SAMPLES),
            Judges(reward=lambda samples: torch.tensor(_REWARDS)[samples]),
            lambda _, last: torch.tensor(curated_pair(last.tolist(), _REWARDS)),
        ),
        "verified": _OfCategories(
            preset("verified").policy(SAMPLES),
            Judges(accepts=lambda samples: accepted[samples]),
            lambda _, last: last * accepted / last[accepted].sum(),
        ),
        f"fully-synthetic, lambda {BIAS}": _OfCategories(synthetic, Judges(), lambda _, last: tempered(last)),
        f"augmentation, lambda {BIAS}": _OfCategories(
            augmented, Judges(), lambda first, last: mixed(augmented.fixed, first, augmented.synthetic, last)
        ),
        f"fresh-data, lambda {BIAS}": _OfCategories(
            fresh, Judges(), lambda _, last: mixed(fresh.fresh, truth, fresh.synthetic, last)
        ),
    }


def _gaussian(state: Mapping[str, Tensor]) -> Mixture:
    return Mixture(torch.ones(1, dtype=torch.float64), state["mean"], state["covariance"][0])


def _kernels(state: Mapping[str, Tensor]) -> Mixture:
    centres = state["samples"][:, 0]
    return Mixture(torch.full_like(centres, 1 / len(centres)), centres, torch.full_like(centres, BANDWIDTH**2))


def _mixture(state: Mapping[str, Tensor]) -> Mixture:
    return Mixture(state["shares"], state["means"][:, 0], state["covariances"][:, 0, 0])


_COMPONENTS: dict[str, Callable[[Mapping[str, Tensor]], Mixture]] = {
    "gaussian": _gaussian,
    f"kernel-density:bandwidth={BANDWIDTH}": _kernels,
    MIXTURE: _mixture,
}
"""The normal components of a model in one dimension, by its generator."""


def _numbers_checks(
    name: str,
    rule: _OfNumbers,
    generator: str,
    seed: int,
    replicates: int,
) -> list[Check]:
    components = _COMPONENTS[generator]
    last: list[Mixture] = []

    def read(generation: Generation) -> Tensor:
        pool = generation.pool.samples[:, 0]
        target = rule.expected(last[0]) if generation.number > 1 else Normal(0.0, 1.0)
        last[:] = [components(generation.model.state())]
        return torch.stack([pool.mean() - target.mean, pool.var() - target.variance])

    family = generator.partition(":")[0]
    label = f"given {family} {name}"
    found = loops(label, rule.policy, open_generator(generator), standard(1), read, seed, replicates, rule.judges)
    quantities = ["mean less expected", "variance less expected"]
    return compared(name, family, quantities, found, np.zeros((GENERATIONS, len(quantities))))


def _categories_checks(name: str, rule: _OfCategories, seed: int, replicates: int) -> list[Check]:
    truth = categories()
    known: list[Tensor] = []  # frequencies of the first pool and the last

    def read(generation: Generation) -> Tensor:
        found: Tensor = generation.model.state()["probabilities"]
        target = rule.expected(*known) if generation.number > 1 else torch.tensor(PROBABILITIES)
        known[:] = [found if generation.number == 1 else known[0], found]
        return found - target

    label = f"given discrete {name}"
    found = loops(label, rule.policy, truth.untrained(), truth, read, seed, replicates, rule.judges)
    quantities = ["frequency less expected"] * len(PROBABILITIES)
    return compared(name, "discrete", quantities, found, np.zeros((GENERATIONS, len(quantities))))
