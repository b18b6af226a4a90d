"""One arm of an experiment, planned: its recipes, and the identities that let runs share what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulacra.autophagy.data import Data, open_data
from simulacra.autophagy.lineage import Lineage, Past, Recipe, Segment, compose
from simulacra.autophagy.measuring import PROTOCOL
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.record import Arm
from simulacra.canonical import identity
from simulacra.generators import Generator
from simulacra.seeds import derive_seed


@dataclass(frozen=True)
class Leg:
    """A stretch of generations under one policy and seed; a fork has several."""

    policy: Policy
    seed: int
    until: int  # the last generation

    def to_json(self) -> dict[str, Any]:
        """As a specification holds it."""
        return {"policy": self.policy.model_dump(mode="json"), "seed": self.seed, "until": self.until}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Leg":
        """What `to_json` gave."""
        return cls(Policy.of(**value["policy"]), value["seed"], value["until"])


@dataclass(frozen=True)
class Plan:
    """An arm with one seed: a loop, or fits from scratch on the real samples of its generation 1.

    Everything here decides the results, and nothing else does. It is small and picklable: data and features are named.
    """

    arm: Arm
    legs: tuple[Leg, ...]  # of a null arm one, whose last generation is the number of restarts
    generator: str  # specification
    budget: int | None  # steps of a fit; None for the generator's own
    data: str
    label: str | None
    unconditional: bool  # classes are measured, and no generator is told them
    reference: int  # real samples that are measured against, and samples measured of each generation
    features: str | None  # None for rows of numbers

    @property
    def policy(self) -> Policy:
        """The policy it ends with."""
        return self.legs[-1].policy

    @property
    def seed(self) -> int:
        """The seed it ends with."""
        return self.legs[-1].seed

    @property
    def rounds(self) -> int:
        """Generations, or restarts."""
        return self.legs[-1].until

    @property
    def name(self) -> str:
        """What a worker does with it, in the past tense."""
        what = "restarted on real data" if self.arm == "null" else "ran the loop"
        return f"{what} with {self.generator}, seed {self.seed}"

    def real_samples(self, needed: int) -> Data:
        """Its real samples, of which it takes `needed`; see `simulacra.autophagy.data.open_data`."""
        return open_data(
            self.data,
            label=self.label,
            unconditional=self.unconditional,
            reference=self.reference,
            needed=needed,
        )

    def leg(self, generation: int) -> Leg:
        """The one that a generation belongs to."""
        return next(leg for leg in self.legs if generation <= leg.until)

    @property
    def taken(self) -> int:
        """Real samples that it takes."""
        return max(each.first + each.count for recipe in self.recipes() for each in recipe.segments if not each.model)

    def recipes(self) -> tuple[Recipe, ...]:
        """What each round learns from, in order."""
        if self.arm == "null":
            real = Segment(model=0, generation=1, first=0, count=self.policy.initial)
            return tuple(
                Recipe(generation=1, seed=derive_seed(self.seed, "autophagy-null", restart), segments=(real,))
                for restart in range(1, self.rounds + 1)
            )
        past, recipes = Past(), []
        for generation in range(1, self.rounds + 1):
            leg = self.leg(generation)
            recipe, past = compose(leg.policy, leg.seed, past)
            recipes.append(recipe)
        return tuple(recipes)

    def ancestry(self) -> tuple[float, ...]:
        """Of each round; see `Lineage.ancestry`."""
        if self.arm == "null":
            return (1.0,) * self.rounds
        lineage = Lineage(self.recipes())
        return tuple(lineage.ancestry(generation) for generation in range(1, self.rounds + 1))

    def identity(self, generator: Generator, data: Mapping[str, Any], features: str | None) -> dict[str, Any]:
        """What makes one run of an arm differ from another.

        Args:
            generator: that of the specification.
            data: identity of the real samples.
            features: identity of the features; None for rows of numbers.
        """
        if self.arm == "null":  # of the policy only what shows on real data
            policy = {"initial": self.policy.initial, "bias": self.policy.bias}
            what: dict[str, Any] = {"policy": policy, "seed": self.seed, "restarts": self.rounds}
        else:
            what = {"legs": [leg.to_json() for leg in self.legs]}
        return {
            "arm": self.arm,
            **what,
            "generator": operator(generator),
            "budget": self.budget,
            "data": dict(data),
            "measured": {"features": features, "count": self.reference, "protocol": PROTOCOL},
        }


def operator(generator: Generator) -> dict[str, Any]:
    """What decides how a generator learns and draws."""
    return {
        "family": generator.family,
        "version": generator.version,
        "parameters": generator.parameters.model_dump(mode="json"),
    }


def needed(policy: Policy, generations: int) -> int:
    """Real samples that a loop takes."""
    return policy.initial + policy.fresh * (generations - 1)


def fit_identity(
    recipe: Recipe,
    fits: Sequence[str],
    *,
    generator: Generator,
    budget: int | None,
    warm: bool,
    data: Mapping[str, Any],
) -> str:
    """The identity of a fit: equal ones give equal models, whatever run asks for them.

    Args:
        recipe: of the pool.
        fits: the identities of the fits of all earlier generations.
        generator: what learns.
        budget: steps of this fit; None for the generator's own.
        warm: whether it starts from the last model.
        data: identity of the real samples.
    """
    segments = [
        {**segment.model_dump(mode="json"), "model": fits[segment.model - 1] if segment.model else None}
        for segment in recipe.segments
    ]
    pool = {**recipe.model_dump(mode="json"), "segments": segments, "real": dict(data)}
    start = fits[-1] if warm else None
    return identity("autophagy-fit", {"pool": pool, "start": start, "budget": budget, "generator": operator(generator)})
