"""What all figures share: settings that a record keeps, the check against a network, and drawing."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulacra.errors import UserError, unknown
from simulacra.images.names import printable
from simulacra.stylegan.networks import Description
from simulacra.stylegan.use.maker import Maker, NoiseChoice
from simulacra.stylegan.use.sheet import Canvas


class Figure(BaseModel, ABC):
    """A drawing that follows from its settings and a network, bit for bit on one machine.

    Make one with `of`, whose messages are sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: ClassVar[str]
    """What a record calls it."""

    noise: NoiseChoice = Field("stored", description="seed, stored, none, or a noise seed for all pictures")
    label: int | None = Field(
        None, ge=0, description="class of all pictures; None: drawn by seed, if there are classes"
    )

    @classmethod
    def of(cls, **settings: Any) -> Self:
        """The figure with these settings; those left out have their defaults.

        Raises:
            UserError: no setting has this name, or a value breaks its rule.
        """
        for name in settings:
            if name not in cls.model_fields:
                raise unknown(f"setting of the figure {cls.name}", name, cls.model_fields)
        try:
            return cls(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            rule = cls.model_fields[name].description
            given = printable(repr(settings.get(name)))
            raise UserError(f"{name} is {given}: {first['msg'].lower()} ({rule})") from error

    def check(self, description: Description) -> None:
        """Refuse a network that the settings do not fit.

        Raises:
            UserError: says which setting, its value and what the network has.
        """
        check_label(description, self.label)

    @abstractmethod
    def drawn(self, maker: Maker) -> Canvas:
        """The figure, made as its bands are asked for.

        Raises:
            UserError: the settings do not fit the network.
        """


def check_label(description: Description, label: int | None) -> None:
    """Refuse a class that the network does not have.

    Raises:
        UserError: the network has no such class, or none at all.
    """
    if label is None or label < description.labels:
        return
    if not description.labels:
        raise UserError(f"class {label} was asked for, and this network has no classes; leave --class out")
    raise UserError(f"class {label} was asked for; this network has the classes 0 to {description.labels - 1}")


def check_cutoff(description: Description, cutoff: int | None) -> None:
    """Refuse a cutoff outside the layers.

    Raises:
        UserError: it is below 0 or above the number of layers.
    """
    count = len(description.layers)
    if cutoff is not None and not 0 <= cutoff <= count:
        raise UserError(f"--cutoff is {cutoff}; it must be 0 to {count}, the layers of this network")
