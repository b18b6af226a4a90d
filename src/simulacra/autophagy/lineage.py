"""Where the samples of a pool come from: a few segments, each a stretch of real samples or of one model's stream.

Sample k of a model is a function of the model, the seed and k. So a pool of any size is described by a handful of
numbers, and the description, its *recipe*, gives it again bit for bit. Recipes alone also say what a pool is worth:
see `Lineage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from pydantic import BaseModel, ConfigDict, Field

from simulacra.autophagy.policy import Counts, Policy


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Segment(_Frozen):
    """Samples of a pool with one origin."""

    model: int = Field(ge=0, description="generation of the model that drew them; 0 for real samples")
    generation: int = Field(ge=1, description="the first whose pool holds them")
    first: int = Field(
        ge=0, description="place of the first: among all real samples, or among those drawn for its generation"
    )
    count: int = Field(ge=1)
    seed: int | None = Field(default=None, description="of the loop that drew them; None for real samples")
    bias: float = Field(default=1.0, description="sampling bias lambda")
    best_of: int = Field(default=1, description="candidates that curation chose each from")
    verified: bool = Field(default=False, description="whether a verifier accepted each")
    correction: float = Field(default=0.0, description="strength gamma of the ideal correction")

    @property
    def selected(self) -> bool:
        """Whether they were chosen among others, so that the model's stream alone does not say which they are."""
        return self.best_of > 1 or self.verified

    @property
    def moved(self) -> float:
        """Share of them that an ideal correction replaced by real samples of their own."""
        return self.correction / (1 + self.correction)


class Recipe(_Frozen):
    """A pool, as what it is made of: real samples first, then kept synthetic ones, then new ones."""

    generation: int = Field(ge=1)
    seed: int = Field(description="of the loop")
    segments: tuple[Segment, ...]
    subsample: int | None = Field(default=None, description="samples drawn from all of these; None: all")
    real_weight: float | None = Field(default=None, description="share of the training weight of the real samples")

    @property
    def counts(self) -> Counts:
        """What the pool is made of, before it is subsampled."""
        real = [segment for segment in self.segments if not segment.model]
        made = [segment for segment in self.segments if segment.model]
        return Counts(
            fixed=sum(each.count for each in real if each.generation == 1),
            fresh=sum(each.count for each in real if each.generation > 1),
            synthetic=sum(each.count for each in made if each.generation == self.generation),
            kept=sum(each.count for each in made if each.generation < self.generation),
        )

    @property
    def size(self) -> int:
        """Samples in the pool."""
        return self.counts.total if self.subsample is None else min(self.subsample, self.counts.total)

    @property
    def models(self) -> tuple[int, ...]:
        """Generations of the models that its samples came from."""
        return tuple(sorted({segment.model for segment in self.segments} - {0}))

    def weights(self) -> list[float]:
        """Share of the training weight of each segment; together 1."""
        counts = self.counts
        reals = counts.fixed + counts.fresh
        if self.real_weight is None or reals == counts.total:
            return [segment.count / counts.total for segment in self.segments]
        made = counts.total - reals
        return [
            (1 - self.real_weight) * segment.count / made if segment.model else self.real_weight * segment.count / reals
            for segment in self.segments
        ]


@dataclass(frozen=True)
class Past:
    """What the recipe of a next generation depends on."""

    generations: int = 0
    reals: int = 0  # real samples that were taken so far
    kept: tuple[Segment, ...] = ()  # synthetic ones that stay


def compose(policy: Policy, seed: int, past: Past) -> tuple[Recipe, Past]:
    """The recipe of the next generation, and the past of the one after it."""
    number = past.generations + 1
    counts, reals, kept = policy.counts(number), past.reals, past.kept if policy.keep else ()
    segments = []
    if counts.fixed:
        segments.append(Segment(model=0, generation=1, first=0, count=counts.fixed))
        reals = max(reals, counts.fixed)
    if counts.fresh:
        segments.append(Segment(model=0, generation=number, first=reals, count=counts.fresh))
        reals += counts.fresh
    drawn: list[Segment] = []
    for back, count in enumerate(policy.per_model(number) if counts.synthetic else ()):
        if count:
            made = Segment(
                model=number - 1 - back,
                generation=number,
                first=sum(each.count for each in drawn),
                count=count,
                seed=seed,
                bias=policy.bias,
                best_of=policy.best_of,
                verified=policy.verified,
                correction=policy.correction,
            )
            drawn.append(made)
    weighted = policy.real_weight if number > 1 else None
    whole = (*segments, *kept, *drawn)
    total = sum(segment.count for segment in whole)
    recipe = Recipe(
        generation=number,
        seed=seed,
        segments=whole,
        subsample=policy.subsample if policy.subsample is not None and policy.subsample < total else None,
        real_weight=weighted,
    )
    return recipe, Past(number, reals, (*kept, *drawn) if policy.keep else ())


class Lineage:
    """Ancestry through all parents: which real samples a pool goes back to, and how many it is worth.

    A synthetic sample counts as the child of one sample of its model's pool, drawn by the training weights. So every
    sample has one real ancestor. A pool of which two draws have the same ancestor with probability F is worth 1/F
    real samples: as many give a mean of the same variance. For unbiased sampling that is exact for every family whose
    samples have the mean and the (biased) variance of its pool. Weights, memory, subsampling and ideal corrections are
    in it; curation and verification count as if they chose at random, and a sampling bias below 1 as if it were 1.

    Source: Wright 1931, "Evolution in Mendelian Populations", the effective number; the variance of the mean is that
    of `simulacra.autophagy.moments`.
    """

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        self._recipes = {recipe.generation: recipe for recipe in recipes}
        self._same: dict[tuple[int, int], float] = {}
        self._relations: dict[tuple[Segment, int], float] = {}

    def worth(self, generation: int) -> float:
        """Real samples that the pool of a generation is worth.

        Args:
            generation: one that has a recipe, as have all before it.
        """
        for earlier in range(1, generation):  # in order, so that no answer needs a deep descent
            self._kinship(earlier, earlier)
        return 1 / self._kinship(generation, generation)

    def ancestry(self, generation: int) -> float:
        """What the pool of a generation is worth over what generation 1's was, at most 1."""
        return min(1.0, self.worth(generation) / self.worth(1))

    def _kinship(self, one: int, other: int) -> float:
        """Probability that a draw from each of two pools, or two from one, has the same ancestor."""
        key = (min(one, other), max(one, other))
        if key not in self._same:
            first, second = self._recipes[one], self._recipes[other]
            same = sum(
                weight * beside * self._between(segment, another)
                for segment, weight in zip(first.segments, first.weights(), strict=True)
                for another, beside in zip(second.segments, second.weights(), strict=True)
            )
            if one == other and first.subsample is not None:
                total, size = first.counts.total, first.subsample
                # Any two samples of the draw are any two of the pool.
                same = 1 / size + (1 - 1 / size) * (same * total - 1) / (total - 1)
            self._same[key] = same
        return self._same[key]

    def _between(self, one: Segment, other: Segment) -> float:
        """The same of a random sample of each of two segments."""
        if not one.model and not other.model:
            return _shared(one, other) / (one.count * other.count)
        if one == other:
            return 1 / one.count + (1 - 1 / one.count) * (1 - one.moved) ** 2 * self._kinship(one.model, one.model)
        first, second = sorted((one, other), key=lambda segment: (segment.generation, segment.model))
        if not second.model:
            return 0.0  # real samples that are newer than the others
        if first.generation <= second.model:  # which may have learnt from the first
            return (1 - second.moved) * self._related(first, second.model)
        if not first.model:
            return 0.0
        return (1 - first.moved) * (1 - second.moved) * self._kinship(first.model, second.model)

    def _related(self, segment: Segment, model: int) -> float:
        """The same of a given one of these samples, and a draw from the pool of a later generation."""
        key = (segment, model)
        if key not in self._relations:
            recipe = self._recipes[model]
            self._relations[key] = sum(
                weight * self._between(segment, other)
                for other, weight in zip(recipe.segments, recipe.weights(), strict=True)
            )
        return self._relations[key]


def half_life(ancestry: Sequence[float]) -> float:
    """Generations until the ancestry of generation 1 has halved; infinite where it does not in these.

    Args:
        ancestry: of generation 1, 2, ..., as `Lineage.ancestry` gives it.
    """
    return next((float(after) for after, share in enumerate(ancestry) if share <= ancestry[0] / 2), inf)


def _shared(one: Segment, other: Segment) -> int:
    """Real samples that two segments have in common."""
    return max(0, min(one.first + one.count, other.first + other.count) - max(one.first, other.first))
