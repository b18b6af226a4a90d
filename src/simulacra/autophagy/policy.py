"""The loop algebra: what each generation of a loop trains on, as a few frozen numbers.

    pool of generation 1 = `initial` real samples
    pool of generation t = fixed real + fresh real + synthetic

The fixed real samples are the first ones of generation 1. The synthetic ones are drawn evenly from the last `memory`
models, and stay in all later pools if the loop keeps them. What the papers do are values of these numbers: see
`simulacra.autophagy.presets`.
"""

from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulacra.errors import UserError, unknown

MOST_SAMPLES = 10**9
"""In a pool."""


class Counts(NamedTuple):
    """What a pool is made of, before it is subsampled."""

    fixed: int  # real samples of generation 1 that are used again
    fresh: int  # real samples that no generation saw before
    synthetic: int  # samples drawn for this generation
    kept: int  # synthetic samples of earlier generations

    @property
    def total(self) -> int:
        """Samples in the pool."""
        return sum(self)


class Policy(BaseModel):
    """What each generation trains on, and how its synthetic samples are drawn and chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    initial: int = Field(ge=1, description="real samples of generation 1")
    fixed: int = Field(0, ge=0, description="of these, how many every later generation uses again")
    fresh: int = Field(0, ge=0, description="new real samples in every later generation")
    synthetic: int = Field(0, ge=0, description="samples of earlier models in every later generation")
    growth: float = Field(
        0.0, ge=0, le=10, description="power of the generation by which the synthetic samples grow in number"
    )
    memory: int = Field(1, ge=1, description="models, from the last one back, that synthetic samples come from evenly")
    keep: bool = Field(False, description="whether synthetic samples stay in all later pools")
    subsample: int | None = Field(None, ge=1, description="samples drawn from the pool to train on; all when not given")
    real_weight: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of the training weight that real samples have; their number's when not given",
    )
    bias: float = Field(1.0, ge=0, le=1, description="sampling bias lambda: 1 unbiased, 0 modes only")
    best_of: int = Field(
        1, ge=1, description="candidates that curation chooses each synthetic sample from, by a reward"
    )
    verified: bool = Field(False, description="whether a verifier must accept each synthetic sample")
    correction: float = Field(0.0, ge=0, description="strength gamma of an ideal correction towards the real samples")
    start: Literal["scratch", "warm"] = Field("scratch", description="where a fit starts: anew, or at the last model")
    compute: Literal["matched", "by-pool"] = Field(
        "matched", description="budget of a fit: the same in every generation, or in proportion to its pool"
    )

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A policy of values that a person typed.

        Raises:
            UserError: a name is unknown, a value breaks its rule, or the whole is impossible.
        """
        for name in values:
            if name not in cls.model_fields:
                raise unknown("setting of a policy", name, cls.model_fields)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError(_sentence(error)) from error

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.fixed > self.initial:
            raise ValueError(
                f"fixed is {self.fixed} and initial {self.initial}; the fixed real samples are those of generation 1, "
                "so fixed must be at most initial"
            )
        if self.fixed + self.fresh + self.synthetic == 0:
            raise ValueError(
                "fixed, fresh and synthetic are all 0; a generation after the first needs data, so give one of them"
            )
        if self.real_weight is not None and not (self.fixed + self.fresh and self.synthetic):
            raise ValueError(
                f"real-weight is {self.real_weight:g} without both real and synthetic samples to weigh; "
                "give fixed or fresh, and synthetic"
            )
        if self.real_weight is not None and self.subsample is not None:
            raise ValueError("real-weight and subsample are both given; a subsample is unweighted, so give one of them")
        if not self.synthetic:
            idle = [name for name, field in _OF_SYNTHETIC.items() if getattr(self, name) != field]
            if idle:
                raise ValueError(
                    f"{idle[0].replace('_', '-')} is given without synthetic samples to act on; give synthetic"
                )
        if self.subsample is not None and self.subsample > self.counts(2).total:
            raise ValueError(
                f"subsample is {self.subsample} and the pool of generation 2 holds {self.counts(2).total}; "
                "it must be at most that"
            )
        return self

    def counts(self, generation: int) -> Counts:
        """What the pool of a generation is made of.

        Args:
            generation: t, 1 for the first.
        """
        if generation == 1:
            return Counts(fixed=self.initial, fresh=0, synthetic=0, kept=0)
        kept = sum(self._drawn(earlier) for earlier in range(2, generation)) if self.keep else 0
        return Counts(fixed=self.fixed, fresh=self.fresh, synthetic=self._drawn(generation), kept=kept)

    def per_model(self, generation: int) -> tuple[int, ...]:
        """How many synthetic samples each model gives to a generation, the last model first.

        What does not divide evenly comes from the later models.
        """
        models = min(self.memory, generation - 1)
        whole, rest = divmod(self._drawn(generation), models)
        return tuple(whole + (back < rest) for back in range(models))

    def check(self, generations: int) -> None:
        """Refuse a loop of so many generations under this policy.

        Raises:
            UserError: there is no generation, or the memory is longer than the history.
        """
        if generations < 1:
            raise UserError(f"generations is {generations}; it must be 1 or more")
        if self.memory > max(1, generations - 1):
            raise UserError(
                f"memory is {self.memory} models, and a loop of {generations} generations has at most "
                f"{max(1, generations - 1)} to draw from; it must be at most that"
            )
        if (size := self.counts(generations).total) > MOST_SAMPLES:
            raise UserError(
                f"the pool of generation {generations} would hold {size} samples; the most is {MOST_SAMPLES}, so give "
                "fewer generations, fewer samples or less growth"
            )

    def _drawn(self, generation: int) -> int:
        return round(float(self.synthetic * generation**self.growth))


_OF_SYNTHETIC: dict[str, Any] = {
    name: Policy.model_fields[name].default
    for name in ("growth", "memory", "keep", "bias", "best_of", "verified", "correction")
}
"""Settings that do something to synthetic samples only -> their value when they do nothing."""


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    name = str(first["loc"][0]).replace("_", "-")
    if first["type"] == "missing":
        return f"{name} of the policy is missing; give it"
    rule = first["msg"].removeprefix("Input should be ").split(", unable to")[0]
    return f"{name} of the policy is {first['input']}; it must be {rule}"
