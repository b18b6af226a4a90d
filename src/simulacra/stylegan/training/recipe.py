"""A recipe: everything that decides what a training ends in, apart from the pictures and the seed."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulacra.errors import UserError, unknown
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.augment import GROUPS

Loss = Literal["logistic", "wgan-gp"]


class Recipe(BaseModel):
    """How a pair of networks is trained. Lengths are counted in kimg, thousands of real pictures shown.

    Make one with `preset` or `from_json`, whose messages are sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    description: Description = Field(description="the networks")
    kimg: float = Field(gt=0, description="length of the training")
    loss: Loss = Field("logistic", description="logistic (non-saturating) or wgan-gp")
    r1_gamma: float = Field(10.0, ge=0, description="weight of R1: gamma / 2 times the squared gradient; 0 for none")
    r1_every: int = Field(1, ge=1, description="steps from one R1 to the next, each then as many times as strong")
    path_weight: float = Field(0.0, ge=0, description="weight of path length regularisation; 0 for none")
    path_every: int = Field(4, ge=1, description="steps from one path length regularisation to the next")
    batch: dict[int, int] = Field(description="pictures a step, by resolution: that of the next lower one listed")
    rate: dict[int, float] = Field(description="learning rate of both networks, by resolution likewise")
    ema_kimg: float = Field(10.0, gt=0, description="half-life of the averaged generator")
    ema_ramp: float | None = Field(None, gt=0, description="half-life at most this share of the pictures seen so far")
    grow_from: int = Field(8, ge=4, description="resolution at which a growing pair starts")
    stable_kimg: float = Field(600.0, ge=0, description="at each resolution before the next is faded in")
    fade_kimg: float = Field(600.0, gt=0, description="that a fade takes")
    mirror: bool = Field(False, description="show every picture flipped half of the time")
    augment: tuple[str, ...] = Field((), description="groups of transforms that real and made pictures go through")
    augment_share: float | None = Field(None, ge=0, le=1, description="their probability; None adapts it to the set")
    augment_target: float = Field(0.6, gt=0, lt=1, description="what the adaptation holds E[sign D(real)] at")
    augment_kimg: float = Field(500.0, gt=0, description="in which the probability can go from 0 to 1")

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Recipe":
        """The recipe with these fields; the inverse of `to_json`.

        Raises:
            UserError: no field has this name, or a value breaks its rule.
        """
        for name in fields:
            if name not in cls.model_fields:
                raise unknown(
                    "field of a recipe", name.replace("_", "-"), (f.replace("_", "-") for f in cls.model_fields)
                )
        given = dict(fields)
        if isinstance(given.get("description"), Mapping):
            given["description"] = Description.from_json(given["description"])
        try:
            made = cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            rule = cls.model_fields[name].description
            raise UserError(
                f"{name.replace('_', '-')} is {first['input']!r}: {first['msg'].lower()} ({rule})"
            ) from error
        made._check()
        return made

    def to_json(self) -> dict[str, Any]:
        """Every field by name, fit for canonical JSON."""
        return self.model_dump(mode="json")

    def changed(self, **changes: Any) -> "Recipe":
        """This recipe with other values in some fields.

        Raises:
            UserError: no field has this name, or a value breaks its rule.
        """
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return self.from_json({**kept, **changes})

    @property
    def images(self) -> int:
        """Length of the training in pictures."""
        return round(1000 * self.kimg)

    def _check(self) -> None:
        if self.description.progressive and self.grow_from not in self.description.resolutions:
            known = ", ".join(map(str, self.description.resolutions))
            raise UserError(f"grow-from is {self.grow_from}; it must be a resolution of the networks: {known}")
        for name in ("batch", "rate"):
            table = getattr(self, name)
            if not table or min(table.values()) <= 0:
                raise UserError(f"{name} is {table}; give at least one resolution with a number above 0")
        if self.loss == "wgan-gp" and self.r1_gamma:
            raise UserError(f"r1-gamma is {self.r1_gamma:g}; wgan-gp has a gradient penalty of its own: give 0")
        for name in self.augment:
            if name not in GROUPS:
                raise unknown("augmentation", name, GROUPS)
        if self.path_weight and self.description.family != "stylegan2":
            raise UserError(f"path-weight is {self.path_weight:g}; only stylegan2 is trained with it: 0")


def by_resolution(table: Mapping[int, Any], resolution: int) -> Any:
    """The entry of the largest resolution that is not above this one; of the smallest where all are above."""
    return table[max((side for side in table if side <= resolution), default=min(table))]
