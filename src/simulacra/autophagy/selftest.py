"""The laboratory tries itself: every policy on the exact families against what must come out, as z-scores.

Each check compares the mean over replicates with its exact expectation. Linear policies have theirs from
`simulacra.autophagy.moments`. Curation and verification are checked one generation at a time, where the expectation
given the last model is exact. Set measures are checked on sets whose expected values are known, ties included.

A test that cannot fail says nothing, so wrong policies and measures are run as well, and each must be caught.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import erfc, inf, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.autophagy.loop import Generation, Judges, Loop, Truth, run
from simulacra.autophagy.moments import expected
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS, preset
from simulacra.autophagy.theory import families, selecting
from simulacra.autophagy.theory.arguments import check_count
from simulacra.generators import Generator, open_generator
from simulacra.generators.streams import normals
from simulacra.measures.of_sets.neighbours import Ball, precision_recall_density_coverage
from simulacra.measures.of_sets.nulls import EXPECTED_DENSITY, expected_coverage
from simulacra.seeds import derive_seed

LIMIT = 4.0
"""A larger |z| is a failure. A thousand true checks have one by chance in 6 % of all seeds."""

SAMPLES, GENERATIONS = 24, 8
_PROBABILITIES = (0.5, 0.3, 0.15, 0.05)
_REWARDS = (0.0, 0.5, 1.0, 1.5)
_BANDWIDTH = 0.3
_TIED = 5
"""Times as many replicates of the sets with ties, where what is looked for happens once in thirty."""
_AXES = 4
"""Dimensions of real samples: averages over several axes are less skewed, and their z-scores nearer to normal."""
_OF_AXES = ("error of the mean", "variance", "mean")
"""Each averaged over the axes."""

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


@dataclass(frozen=True)
class Report:
    """All checks, and what was tried to slip past them."""

    checks: tuple[Check, ...]
    wrong: tuple[Caught, ...]

    @property
    def largest(self) -> float:
        """The largest |z| of the checks."""
        return max(abs(check.z) for check in self.checks)

    @property
    def chance(self) -> float:
        """Of a |z| as large as that, were the checks independent and normal."""
        return float(-np.expm1(len(self.checks) * np.log1p(-erfc(self.largest / sqrt(2)))))

    @property
    def passed(self) -> bool:
        """Whether every check holds and everything wrong is caught."""
        return self.largest <= LIMIT and all(each.caught for each in self.wrong)


def selftest(*, seed: int = 1, replicates: int = 200, watcher: Callable[[str], None] | None = None) -> Report:
    """Run every policy on the exact families.

    Args:
        seed: of all draws.
        replicates: loops behind each check, 30 or more, or z-scores mean little.
        watcher: told what is tried, before it is.

    Raises:
        UserError: there are too few replicates.
    """
    check_count("replicates", replicates, 30)
    checks: list[Check] = []
    for name, part in _PARTS:
        if watcher is not None:
            watcher(name)
        checks += part(seed, replicates)
    if watcher is not None:
        watcher("what is wrong")
    return Report(tuple(checks), tuple(_wrong(seed, replicates)))


def _linear() -> Iterator[tuple[str, Policy]]:
    for name, each in PRESETS.items():
        policy = each.policy(SAMPLES)
        if policy.best_of == 1 and not policy.verified:
            yield name, policy


def _standard(axes: int = _AXES) -> Generator:
    """The truth of the loops over rows of numbers: standard normal."""
    return open_generator("gaussian").with_state({"mean": torch.zeros(axes), "covariance": torch.eye(axes)})


def _gaussian(seed: int, replicates: int) -> list[Check]:
    policies = list(_linear())
    policies += [
        (f"{name}, lambda 0.7", preset(name).policy(SAMPLES, bias=0.7))
        for name in ("fully-synthetic", "augmentation", "fresh-data")
    ]
    return [check for name, policy in policies for check in _gaussian_checks(name, policy, policy, seed, replicates)]


def _gaussian_checks(
    name: str, stated: Policy, done: Policy, seed: int, replicates: int, family: str = "gaussian"
) -> list[Check]:
    """Loops under the policy that is done, held against the one that is stated."""
    above = torch.triu_indices(_AXES, _AXES, 1)

    def read(generation: Generation) -> Tensor:
        mean, covariance = (generation.model.state()[key] for key in ("mean", "covariance"))
        across = covariance[above[0], above[1]].mean()
        return torch.stack([mean.square().mean(), covariance.diagonal().mean(), mean.mean(), across])

    found = _loops(f"gaussian {name}", done, open_generator(family), _standard(), read, seed, replicates)
    path = expected(stated, GENERATIONS)
    quantities = [*_OF_AXES, "covariance"]
    targets = np.array([[*each, *[0.0] * (len(quantities) - 2)] for each in path])
    return _compared(name, "gaussian", quantities, found, targets)


def _discrete(seed: int, replicates: int) -> list[Check]:
    truth = open_generator("discrete:categories=4").with_state({"probabilities": torch.tensor(_PROBABILITIES)})
    diversity = 1 - sum(p * p for p in _PROBABILITIES)

    def read(generation: Generation) -> Tensor:
        found = generation.model.state()["probabilities"]
        return torch.cat([(1 - found.square().sum())[None], found])

    checks = []
    for name, policy in _linear():
        path = expected(policy, GENERATIONS, estimator="biased")
        # A category is a corner of a simplex: one sample has variance 1 - sum p^2, and so has the model.
        targets = np.array([[diversity * each.variance, *_PROBABILITIES] for each in path])
        found = _loops(f"discrete {name}", policy, truth.untrained(), truth, read, seed, replicates)
        checks += _compared(name, "discrete", ["diversity", *["frequency"] * 4], found, targets)
    return checks


def _kernel(seed: int, replicates: int) -> list[Check]:
    generator = open_generator(f"kernel-density:bandwidth={_BANDWIDTH}")

    def read(generation: Generation) -> Tensor:
        pool, shares = generation.pool.samples, generation.pool.shares()
        mean = shares @ pool
        variance = shares @ (pool - mean).square()
        return torch.stack([mean.square().mean(), variance.mean(), mean.mean()])

    checks = []
    for name, policy in _linear():
        path = expected(policy, GENERATIONS, estimator="biased", added=_BANDWIDTH**2)
        found = _loops(f"kernel {name}", policy, generator, _standard(), read, seed, replicates)
        targets = np.array([[*each, 0.0] for each in path])
        checks += _compared(name, "kernel-density", _OF_AXES, found, targets)
    return checks


def _mixture(seed: int, replicates: int) -> list[Check]:
    """Whatever its components do, a mixture keeps the mean and the biased variance of its pool."""
    generator = open_generator("gaussian-mixture:components=2,steps=3,floor=1e-9")

    def read(generation: Generation) -> Tensor:
        state = generation.model.state()
        mean = state["shares"] @ state["means"]
        around = state["covariances"].diagonal(dim1=1, dim2=2) + (state["means"] - mean).square()
        return torch.stack([mean.square().mean(), (state["shares"] @ around).mean(), mean.mean()])

    checks = []
    for name, policy in _linear():
        path = expected(policy, 6, estimator="biased")
        found = _loops(
            f"mixture {name}", policy, generator, _standard(), read, seed, max(30, replicates // 4), generations=6
        )
        targets = np.array([[*each, 0.0] for each in path])
        checks += _compared(name, "gaussian-mixture", _OF_AXES, found, targets)
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
    for name, formula in formulas.items():
        found = _loops(
            f"regression {name}",
            preset(name).policy(SAMPLES),
            open_generator("linear-regression"),
            truth,
            read,
            seed,
            replicates,
        )
        targets = np.array([[formula(SAMPLES, features, number)] for number in range(1, GENERATIONS + 1)])
        checks += _compared(name, "linear-regression", ["error of the weights"], found, targets)
    return checks


def _curated(seed: int, replicates: int) -> list[Check]:
    truth = open_generator("discrete:categories=4").with_state({"probabilities": torch.tensor(_PROBABILITIES)})
    judges = Judges(reward=lambda samples: torch.tensor(_REWARDS)[samples])
    last: list[float] = []

    def read(generation: Generation) -> Tensor:
        # given the last model, the pool is drawn from its curated probabilities
        found = generation.model.state()["probabilities"]
        target = selecting.curated_pair(last, _REWARDS) if generation.number > 1 else _PROBABILITIES
        last[:] = found.tolist()
        return found - torch.tensor(target)

    found = _loops(
        "curated", preset("curated").policy(SAMPLES), truth.untrained(), truth, read, seed, replicates, judges
    )
    return _compared("curated", "discrete", ["frequency less expected"] * 4, found, np.zeros((GENERATIONS, 4)))


def _verified(seed: int, replicates: int) -> list[Check]:
    low, high = -0.5, 2.0
    judges = Judges(accepts=lambda samples: (samples[:, 0] >= low) & (samples[:, 0] <= high))
    last: list[float] = []

    def read(generation: Generation) -> Tensor:
        # given the last model, the pool is drawn from it truncated
        mean, variance = (float(generation.model.state()[key].squeeze()) for key in ("mean", "covariance"))
        target = selecting.truncated(selecting.Normal(*last), low, high) if generation.number > 1 else (0.0, 1.0)
        last[:] = mean, variance
        return torch.tensor([mean - target[0], variance - target[1]], dtype=torch.float64)

    found = _loops(
        "verified",
        preset("verified").policy(SAMPLES),
        open_generator("gaussian"),
        _standard(1),
        read,
        seed,
        replicates,
        judges,
    )
    quantities = ["mean less expected", "variance less expected"]
    return _compared("verified", "gaussian", quantities, found, np.zeros((GENERATIONS, 2)))


def _measures(seed: int, replicates: int) -> list[Check]:
    return [*_measured(seed, replicates), *_tied(seed, _TIED * replicates)]


def _measured(seed: int, replicates: int) -> list[Check]:
    """Coverage and density of two sets from one continuous distribution."""
    real, generated, neighbours = 20, 30, 3
    found = np.empty((replicates, 1, 2))
    for replicate in range(replicates):
        drawn = normals(real + generated, 2, seed=derive_seed(seed, "selftest-null", replicate))
        values = precision_recall_density_coverage(real=drawn[:real], generated=drawn[real:], neighbours=neighbours)
        found[replicate, 0] = values.coverage, values.density
    targets = np.array([[expected_coverage(real=real, generated=generated, neighbours=neighbours), EXPECTED_DENSITY]])
    return _compared("no loop", "set measures", ["coverage", "density"], found, targets)


def _tied(seed: int, replicates: int, *, swapped: bool = False, ball: Ball = "closed") -> list[Check]:
    """Precision and recall of two sets of two categories, where nearly all pictures are duplicates.

    With one neighbour a ball of radius 0 holds its own category, so precision is the share of the generated samples
    whose category is among the N real ones: 1 - sum p (1 - p)^N on average. Recall is the same with M.
    """
    real, generated, share = 3, 8, 0.7
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
    return _compared("no loop", "set measures", ["precision with ties", "recall with ties"], found, targets)


def _wrong(seed: int, replicates: int) -> Iterator[Caught]:
    replicates = max(100, replicates)
    synthetic = preset("fully-synthetic").policy(SAMPLES)
    half = SAMPLES // 2
    fresh = Policy.of(initial=SAMPLES, fresh=half, synthetic=half)
    fixed = Policy.of(initial=SAMPLES, fixed=half, synthetic=half)
    attempts = {
        "a biased covariance where an unbiased one is stated": _gaussian_checks(
            "biased", synthetic, synthetic, seed, replicates, "gaussian:covariance=biased"
        ),
        "fixed real samples where fresh ones are stated": _gaussian_checks("fixed", fresh, fixed, seed, replicates),
        "real and generated swapped in precision": _tied(seed, _TIED * replicates, swapped=True),
        "an open ball where the null assumes a closed one": _tied(seed, _TIED * replicates, ball="open"),
    }
    for wrong, checks in attempts.items():
        yield Caught(wrong, max(abs(check.z) for check in checks))


_PARTS: Sequence[tuple[str, Callable[[int, int], list[Check]]]] = (
    ("gaussian", _gaussian),
    ("discrete", _discrete),
    ("kernel-density", _kernel),
    ("gaussian-mixture", _mixture),
    ("linear-regression", _regression),
    ("curated", _curated),
    ("verified", _verified),
    ("set measures", _measures),
)


def _loops(
    label: str,
    policy: Policy,
    generator: Generator,
    truth: Generator | Callable[[int], Generator],
    read: Callable[[Generation], Tensor],
    seed: int,
    replicates: int,
    judges: Judges = Judges(),  # noqa: B008 - frozen
    generations: int = GENERATIONS,
) -> Array:
    """What `read` gives, (replicates, generations, quantities)."""
    found = []
    for replicate in range(replicates):
        own = truth if isinstance(truth, Generator) else truth(replicate)
        real = Truth(own, derive_seed(seed, f"selftest-real {label}", replicate))
        loop = Loop(policy, generator, real, derive_seed(seed, f"selftest-loop {label}", replicate), judges)
        found.append(torch.stack([read(generation) for generation in run(loop, generations)]))
    return torch.stack(found).double().numpy()


def _compared(name: str, family: str, quantities: Sequence[str], found: Array, targets: Array) -> list[Check]:
    means, errors = found.mean(0), found.std(0, ddof=1) / sqrt(len(found))
    return [
        Check(name, family, quantity, at + 1, float(target), float(mean), _z(float(mean - target), float(error)))
        for at in range(len(targets))
        for quantity, target, mean, error in zip(quantities, targets[at], means[at], errors[at], strict=True)
    ]


def _z(difference: float, error: float) -> float:
    # Where nothing scatters, the value must be the expected one but for rounding.
    if error < 1e-12:
        return 0.0 if abs(difference) < 1e-9 else inf
    return difference / error
