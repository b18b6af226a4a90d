"""Policies that do not choose by value: the error of the mean and the variance have exact expectations at any time."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from simulacra.autophagy.loop import Generation
from simulacra.autophagy.moments import expected
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS
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
from simulacra.autophagy.theory import families
from simulacra.generators import Generator, open_generator
from simulacra.generators.streams import normals
from simulacra.seeds import derive_seed

_AXES = 4
"""Dimensions of real samples: averages over several axes are less skewed, and their z-scores nearer to normal."""
_SLOWER = 4
"""Times as long as others takes the fit of a mixture; so there are fewer loops of it by as much."""
_OF_AXES = ("error of the mean", "variance", "mean")
"""Each averaged over the axes."""


def linear_checks(seed: int, replicates: int) -> list[Check]:
    """Every policy of the kind on every exact family, without sampling bias and with one where it has an expectation.

    Args:
        seed: of all draws.
        replicates: loops behind each check; a quarter of it, and 30 at least, for mixtures.
    """
    families_of_loops = (_gaussian, _discrete, _kernel, _mixture, _regression)
    return [check for each in families_of_loops for check in each(seed, replicates)]


def gaussian_checks(
    name: str, stated: Policy, done: Policy, seed: int, replicates: int, family: str = "gaussian"
) -> list[Check]:
    """Gaussian loops under the policy that is done, held against the one that is stated."""
    above = torch.triu_indices(_AXES, _AXES, 1)

    def read(generation: Generation) -> Tensor:
        mean, covariance = (generation.model.state()[key] for key in ("mean", "covariance"))
        across = covariance[above[0], above[1]].mean()
        return torch.stack([mean.square().mean(), covariance.diagonal().mean(), mean.mean(), across])

    found = loops(f"gaussian {name}", done, open_generator(family), standard(_AXES), read, seed, replicates)
    path = expected(stated, GENERATIONS)
    quantities = [*_OF_AXES, "covariance"]
    targets = np.array([[*each, *[0.0] * (len(quantities) - 2)] for each in path])
    return compared(name, "gaussian", quantities, found, targets)


def _policies(*biases: float) -> Iterator[tuple[str, Policy]]:
    """Those that do not choose by value, with each sampling bias."""
    for bias in biases:
        for name, each in PRESETS.items():
            policy = each.policy(SAMPLES, bias=bias)
            if policy.best_of == 1 and not policy.verified:
                yield name if bias == 1 else f"{name}, lambda {bias:g}", policy


def _gaussian(seed: int, replicates: int) -> list[Check]:
    return [
        check
        for name, policy in _policies(1, BIAS)
        for check in gaussian_checks(name, policy, policy, seed, replicates)
    ]


def _discrete(seed: int, replicates: int) -> list[Check]:
    truth = categories()
    diversity = 1 - sum(p * p for p in PROBABILITIES)

    def read(generation: Generation) -> Tensor:
        found = generation.model.state()["probabilities"]
        return torch.cat([(1 - found.square().sum())[None], found])

    checks = []
    for name, policy in _policies(1):
        path = expected(policy, GENERATIONS, estimator="biased")
        # A category is a corner of a simplex: one sample has variance 1 - sum p^2, and so has the model.
        targets = np.array([[diversity * each.variance, *PROBABILITIES] for each in path])
        found = loops(f"discrete {name}", policy, truth.untrained(), truth, read, seed, replicates)
        checks += compared(name, "discrete", ["diversity", *["frequency"] * 4], found, targets)
    return checks


def _kernel(seed: int, replicates: int) -> list[Check]:
    generator = open_generator(f"kernel-density:bandwidth={BANDWIDTH}")

    def read(generation: Generation) -> Tensor:
        pool, shares = generation.pool.samples, generation.pool.shares()
        mean = shares @ pool
        variance = shares @ (pool - mean).square()
        return torch.stack([mean.square().mean(), variance.mean(), mean.mean()])

    checks = []
    for name, policy in _policies(1, BIAS):
        # The bias narrows the kernel alone: to resample is not biased.
        unbiased = policy.model_copy(update={"bias": 1.0})
        path = expected(unbiased, GENERATIONS, estimator="biased", added=policy.bias * BANDWIDTH**2)
        found = loops(f"kernel {name}", policy, generator, standard(_AXES), read, seed, replicates)
        targets = np.array([[*each, 0.0] for each in path])
        checks += compared(name, "kernel-density", _OF_AXES, found, targets)
    return checks


def _mixture(seed: int, replicates: int) -> list[Check]:
    """Whatever its components do, a mixture keeps the mean and the biased variance of its pool."""
    generator = open_generator(MIXTURE)

    def read(generation: Generation) -> Tensor:
        state = generation.model.state()
        mean = state["shares"] @ state["means"]
        around = state["covariances"].diagonal(dim1=1, dim2=2) + (state["means"] - mean).square()
        return torch.stack([mean.square().mean(), (state["shares"] @ around).mean(), mean.mean()])

    checks = []
    for name, policy in _policies(1):
        path = expected(policy, GENERATIONS, estimator="biased")
        found = loops(f"mixture {name}", policy, generator, standard(_AXES), read, seed, max(30, replicates // _SLOWER))
        targets = np.array([[*each, 0.0] for each in path])
        checks += compared(name, "gaussian-mixture", _OF_AXES, found, targets)
    return checks


def _regression(seed: int, replicates: int) -> list[Check]:
    features = 8

    def read(generation: Generation) -> Tensor:
        return generation.model.state()["weights"].square().sum()[None]

    def truth(replicate: int) -> Generator:
        inputs = normals(SAMPLES, features, seed=derive_seed(seed, "selftest-inputs", replicate))
        return open_generator("linear-regression").with_state({"weights": torch.zeros(features), "inputs": inputs})

    checks = []
    formulas = {"fully-synthetic": families.regression_replaced, "accumulate": families.regression_accumulated}
    for name, policy in _policies(1, BIAS):
        formula = formulas.get(name.partition(",")[0])
        if formula is None:
            continue
        errors = [formula(SAMPLES, features, number) for number in range(1, GENERATIONS + 1)]
        # Only synthetic labels have the biased noise, and errors of independent labels add up.
        targets = np.array([[errors[0] + policy.bias * (error - errors[0])] for error in errors])
        generator = open_generator("linear-regression")
        found = loops(f"regression {name}", policy, generator, truth, read, seed, replicates)
        checks += compared(name, "linear-regression", ["error of the weights"], found, targets)
    return checks
