"""The loop itself, in memory: one generation after another, each a function of what came before and of the seed.

`next_generation` is the whole step. It draws nothing that does not follow from the seed and the generation's number, so
a loop may be stopped after any generation and taken up from its `History`. A loop in the run store takes the same
steps: see `simulacra.autophagy.arm`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from simulacra.autophagy.drawing import Drawn, Judges, assemble, draw
from simulacra.autophagy.lineage import Past, Recipe, Segment, compose
from simulacra.autophagy.policy import Counts, Policy
from simulacra.autophagy.real import Held, Real, Truth
from simulacra.errors import UserError
from simulacra.generators import Budget, Diverged, Generator, Pool
from simulacra.seeds import derive_seed

__all__ = [
    "Generation",
    "Held",
    "History",
    "Judges",
    "Loop",
    "Real",
    "Truth",
    "fitted",
    "next_generation",
    "run",
]


@dataclass(frozen=True)
class Generation:
    """One round: the pool, and the generator that learnt from it."""

    number: int  # 1 for the one of real data alone
    recipe: Recipe
    pool: Pool
    model: Generator

    @property
    def counts(self) -> Counts:
        """What the pool is made of, before it is subsampled."""
        return self.recipe.counts


@dataclass(frozen=True)
class History:
    """All that a next generation depends on."""

    past: Past = field(default_factory=Past)
    models: tuple[Generator, ...] = ()  # the last first, at most as many as the policy remembers
    kept: Mapping[Segment, Drawn] = field(default_factory=dict)  # synthetic samples that stay


@dataclass(frozen=True)
class Loop:
    """A policy with the generator, the real samples and the judges it is run on."""

    policy: Policy
    generator: Generator
    real: Real
    seed: int
    judges: Judges = field(default_factory=Judges)
    budget: Budget | None = None

    def __post_init__(self) -> None:
        check_judges(self.policy, self.judges)
        check_budget(self.policy, self.budget)


def check_judges(policy: Policy, judges: Judges) -> None:
    """Refuse a policy that selects without anything to select by.

    Raises:
        UserError: the reward or the verifier is missing.
    """
    if policy.best_of > 1 and judges.reward is None:
        raise UserError(f"best-of is {policy.best_of}, and there is no reward to choose by; give a reward")
    if policy.verified and judges.accepts is None:
        raise UserError("the policy verifies its samples, and there is no verifier; give one")


def check_budget(policy: Policy, given: Budget | None) -> None:
    """Refuse a policy whose budget follows the pool where there is none to begin with.

    Raises:
        UserError: the budget is missing.
    """
    if policy.compute == "by-pool" and given is None:
        raise UserError(
            "compute is by-pool, and nothing says how long a fit to generation 1 is; give --steps, and other pools get "
            "more or fewer in proportion"
        )


def run(loop: Loop, generations: int) -> Iterator[Generation]:
    """The generations of a loop, from the first.

    Raises:
        UserError: the policy does not allow so many, the real set runs out, a verifier accepts nothing, or a generation
            diverged; those that were given before stay good.
    """
    loop.policy.check(generations)
    history = History()
    for _ in range(generations):
        generation, history = next_generation(loop, history)
        yield generation


def next_generation(loop: Loop, history: History) -> tuple[Generation, History]:
    """One generation, and what the one after it depends on.

    Raises:
        UserError: see `run`.
    """
    recipe, past = compose(loop.policy, loop.seed, history.past)
    parts = {
        segment: history.kept[segment]
        if segment in history.kept
        else draw(
            segment, real=loop.real, model=lambda made: history.models[recipe.generation - 1 - made], judges=loop.judges
        )
        for segment in recipe.segments
    }
    pool = assemble(recipe, list(parts.values()))
    warm = history.models and loop.policy.start == "warm"
    model = fitted(
        history.models[0] if warm else loop.generator.untrained(),
        pool,
        recipe,
        budget=budget(loop.policy, loop.budget, len(pool)),
    )
    kept = {segment: parts[segment] for segment in past.kept}
    models = (model, *history.models)[: loop.policy.memory]
    return Generation(recipe.generation, recipe, pool, model), History(past, models, kept)


def budget(policy: Policy, given: Budget | None, samples: int) -> Budget | None:
    """The budget of a fit to a pool of so many samples."""
    if given is None or policy.compute == "matched":
        return given
    return given.times(samples / policy.initial)


def fit_seed(recipe: Recipe) -> int:
    """The seed of the fit to a pool."""
    return derive_seed(recipe.seed, "autophagy-fit", recipe.generation)


def fitted(
    start: Generator, pool: Pool, recipe: Recipe, *, budget: Budget | None, resume: Path | None = None
) -> Generator:
    """What a generator learns from a pool.

    Args:
        start: untrained, or the last model for a warm start.
        pool: the samples of `recipe`.
        recipe: says the generation and the seed.
        budget: of the fit; None for the generator's own.
        resume: where a long fit keeps its checkpoints; None for nowhere.

    Raises:
        Diverged: it ended in numbers that are not finite.
        UserError: the generator cannot learn from this pool.
    """
    model = start.fit(pool, seed=fit_seed(recipe), budget=budget, resume=resume)
    broken = [name for name, tensor in model.state().items() if not torch.isfinite(tensor).all()]
    if broken:
        raise Diverged(
            f"generation {recipe.generation} diverged: its {broken[0]} is not finite; the generations before it are "
            "whole"
        )
    return model
