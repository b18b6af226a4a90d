"""The loop itself, in memory: one generation after another, each a function of what came before and of the seed.

`next_generation` is the whole step. It draws nothing that does not follow from the seed and the generation's number, so
a loop may be stopped after any generation and taken up from its `History`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from simulacra.autophagy.policy import Counts, Policy
from simulacra.errors import UserError
from simulacra.generators import Budget, Generator, Pool
from simulacra.generators.streams import uniforms
from simulacra.seeds import derive_seed

_TRIES = 1000
"""Candidates drawn for each sample that a verifier must accept, before it is held to accept none."""


class Real(Protocol):
    """Where real samples come from: an endless distribution, or a set that may run out."""

    def take(self, count: int, first: int) -> Tensor:
        """Real samples `first` to `first + count - 1`; the same place gives the same sample.

        Raises:
            UserError: the set holds fewer.
        """


@dataclass(frozen=True)
class Truth:
    """Real samples from a generator that is the truth by definition."""

    generator: Generator
    seed: int

    def take(self, count: int, first: int) -> Tensor:
        """See `Real`; endless."""
        return self.generator.sample(count, seed=self.seed, first=first)


@dataclass(frozen=True)
class Held:
    """Real samples from a set that is what it is."""

    samples: Tensor

    def take(self, count: int, first: int) -> Tensor:
        """See `Real`; in the set's own order."""
        if first + count > len(self.samples):
            raise UserError(
                f"the loop asks for real samples up to number {first + count}, and the set holds {len(self.samples)}; "
                "give a larger set, fewer fresh samples or fewer generations"
            )
        return self.samples[first : first + count]


@dataclass(frozen=True)
class Judges:
    """What a policy that selects needs from outside; None where it selects nothing of the kind."""

    reward: Callable[[Tensor], Tensor] | None = None
    """From samples (N, ...) to rewards (N,); a candidate is chosen with the softmax of its reward."""
    accepts: Callable[[Tensor], Tensor] | None = None
    """From samples (N, ...) to booleans (N,)."""


@dataclass(frozen=True)
class Generation:
    """One round: the pool, and the generator that learnt from it."""

    number: int  # 1 for the one of real data alone
    counts: Counts
    pool: Pool
    model: Generator


@dataclass(frozen=True)
class History:
    """All that a next generation depends on."""

    generations: int = 0
    models: tuple[Generator, ...] = ()  # the last first, at most as many as the policy remembers
    kept: Tensor | None = None  # synthetic samples that stay


@dataclass(frozen=True)
class Loop:
    """A policy with the generator, the real samples and the judges it is run on."""

    policy: Policy
    generator: Generator
    real: Real
    seed: int
    judges: Judges = Judges()
    budget: Budget | None = None

    def __post_init__(self) -> None:
        if self.policy.best_of > 1 and self.judges.reward is None:
            raise UserError(f"best-of is {self.policy.best_of}, and there is no reward to choose by; give a reward")
        if self.policy.verified and self.judges.accepts is None:
            raise UserError("the policy verifies its samples, and there is no verifier; give one")


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
    policy, number = loop.policy, history.generations + 1
    counts = policy.counts(number)
    fresh_from = policy.initial + (number - 2) * policy.fresh  # after all that earlier generations saw
    parts = [loop.real.take(counts.fixed, 0)]
    if counts.fresh:
        parts.append(loop.real.take(counts.fresh, fresh_from))
    reals = sum(map(len, parts))
    kept = history.kept
    if counts.synthetic:
        drawn = _synthetic(loop, history, number)
        parts += [drawn] if kept is None else [kept, drawn]
        if policy.keep:
            kept = drawn if kept is None else torch.cat([kept, drawn])
    pool = _pool(policy, torch.cat(parts), reals, derive_seed(loop.seed, "autophagy-subsample", number))
    model = _fitted(loop, history, number, pool)
    return Generation(number, counts, pool, model), replace(
        history, generations=number, models=(model, *history.models)[: policy.memory], kept=kept
    )


def _synthetic(loop: Loop, history: History, number: int) -> Tensor:
    parts = []
    for back, count in enumerate(loop.policy.per_model(number)):
        seed = derive_seed(loop.seed, "autophagy-synthetic", number, back)
        parts.append(_selected(loop, history.models[back], count, seed))
    drawn = torch.cat(parts)
    if loop.policy.correction:
        # Ideal: (p + gamma p_data) / (1 + gamma), by putting a real sample in the place of that share of the others.
        seed = derive_seed(loop.seed, "autophagy-correction", number)
        corrected = uniforms(len(drawn), 1, seed=seed)[:, 0] < loop.policy.correction / (1 + loop.policy.correction)
        drawn[corrected] = _apart(loop, number).take(len(drawn), 0)[corrected]
    return drawn


def _apart(loop: Loop, number: int) -> Real:
    """Real samples that are no part of any pool but through correction."""
    if not isinstance(loop.real, Truth):
        raise UserError(
            "an ideal correction draws from the true distribution, and a set of samples is not one; "
            "run this policy on an exact family"
        )
    return Truth(loop.real.generator, derive_seed(loop.seed, "autophagy-corrected", number))


def _selected(loop: Loop, model: Generator, count: int, seed: int) -> Tensor:
    """Samples of one model as curation and verification let them through."""
    if loop.judges.accepts is None or not loop.policy.verified:
        return _curated(loop, model, count, seed, 0)
    accepted: list[Tensor] = []
    found = tried = 0
    while found < count:
        if tried >= _TRIES * count:
            raise UserError(
                f"the verifier accepted {found} of {tried} samples, and {count} are needed; it is too strict for this "
                "generator: loosen it"
            )
        batch = _curated(loop, model, count, seed, tried)
        accepted.append(batch[loop.judges.accepts(batch)])
        found, tried = found + len(accepted[-1]), tried + count
    return torch.cat(accepted)[:count]


def _curated(loop: Loop, model: Generator, count: int, seed: int, first: int) -> Tensor:
    candidates = loop.policy.best_of
    drawn = model.sample(count * candidates, seed=seed, bias=loop.policy.bias, first=first * candidates)
    if candidates == 1 or loop.judges.reward is None:
        return drawn
    rewards = loop.judges.reward(drawn).double().reshape(count, candidates)
    ends = rewards.softmax(1).cumsum(1)
    place = uniforms(count, 1, seed=derive_seed(seed, "curation"), first=first) * ends[:, -1:]
    chosen = torch.searchsorted(ends, place)[:, 0].clamp(max=candidates - 1)
    return drawn[torch.arange(count) * candidates + chosen]


def _pool(policy: Policy, samples: Tensor, reals: int, seed: int) -> Pool:
    """The samples to train on: the real ones first, then the synthetic ones, subsampled or weighted."""
    if policy.subsample is not None and len(samples) > policy.subsample:
        order = uniforms(len(samples), 1, seed=seed)[:, 0].argsort()
        return Pool(samples[order[: policy.subsample].sort().values])
    if policy.real_weight is None or reals == len(samples):
        return Pool(samples)
    made = len(samples) - reals
    weights = torch.full((len(samples),), (1 - policy.real_weight) / made, dtype=torch.float64)
    weights[:reals] = policy.real_weight / reals
    return Pool(samples, weights)


def _fitted(loop: Loop, history: History, number: int, pool: Pool) -> Generator:
    start = history.models[0] if history.models and loop.policy.start == "warm" else loop.generator.untrained()
    budget = loop.budget
    if budget is not None and loop.policy.compute == "by-pool":
        budget = budget.times(len(pool) / loop.policy.initial)
    model = start.fit(pool, seed=derive_seed(loop.seed, "autophagy-fit", number), budget=budget)
    broken = [name for name, tensor in model.state().items() if not torch.isfinite(tensor).all()]
    if broken:
        raise UserError(
            f"generation {number} diverged: its {broken[0]} is not finite; the generations before it are whole"
        )
    return model
