"""What every number of these files comes as: a value with its interval, its rate and the method that gave it."""

from dataclasses import dataclass
from math import inf, isfinite

from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value

LEVEL = 0.95
"""The rate at which intervals hold the truth unless another is asked for."""


@dataclass(frozen=True)
class Interval:
    """Where the truth lies at the stated rate. An end that the data does not bound is infinite, never left out."""

    low: float
    high: float
    level: float  # the rate, such as 0.95
    method: str  # how it was made, in a few words

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return isfinite(self.low) and isfinite(self.high)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if self.bounded:
            return f"{self.low:.3g} to {self.high:.3g}"
        if isfinite(self.low):
            return f"above {self.low:.3g}"
        if isfinite(self.high):
            return f"below {self.high:.3g}"
        return "anywhere"


@dataclass(frozen=True)
class Estimate:
    """One number with its interval; either may be undefined, and then says why."""

    value: Value
    interval: Interval | Undefined

    def __str__(self) -> str:
        value = f"undefined ({self.value.reason})" if isinstance(self.value, Undefined) else f"{self.value:.3g}"
        if isinstance(self.interval, Undefined):
            return f"{value} (no interval: {self.interval.reason})"
        return f"{value} ({100 * self.interval.level:.3g} %: {self.interval})"


def exactly(value: float, level: float, method: str) -> Estimate:
    """A value without error, as of a chain that follows its rule to the last digit."""
    return Estimate(value, Interval(value, value, level, method))


def everywhere(level: float, method: str) -> Interval:
    """The interval that excludes nothing."""
    return Interval(-inf, inf, level, method)


def check_level(level: float) -> None:
    """Refuse a rate that is none.

    Raises:
        UserError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UserError(f"level is {level}; it must lie between 0 and 1, such as 0.95")
