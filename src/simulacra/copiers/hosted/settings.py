"""How calls are made, from the environment: facts about an account and a line, which change no picture."""

import os
from dataclasses import dataclass
from math import isfinite

from simulacra.errors import UserError

CALL_SECONDS = "SIMULACRA_CALL_SECONDS"
"""Environment variable: seconds after which a call without an answer is given up."""
CALLS_PER_MINUTE = "SIMULACRA_CALLS_PER_MINUTE"
"""Environment variable: calls a minute that the account may make; unset means as fast as the server lets us."""
BUDGET_USD = "SIMULACRA_BUDGET_USD"
"""Environment variable: US dollars that all hosted copiers of one command may spend together; unset means no limit."""


@dataclass(frozen=True)
class Settings:
    """How a service is called. Nothing here is part of a run's identity."""

    timeout_seconds: float = 300.0  # the slowest models take two minutes
    calls_per_minute: float | None = None  # None: as fast as the server lets us
    patience_seconds: float = 900.0  # for one copy, waiting for a server that says "too many calls"
    tries: int = 6  # for one copy, with a server that fails; waits double from 2 s, so a minute in all

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings as the environment has them now.

        Raises:
            UserError: a variable holds no positive number.
        """
        return cls(
            timeout_seconds=_positive(CALL_SECONDS, "300") or cls.timeout_seconds,
            calls_per_minute=_positive(CALLS_PER_MINUTE, "5"),
        )


def budget_usd() -> float | None:
    """The budget as the environment has it now, in US dollars; None for no limit.

    Raises:
        UserError: the variable holds no positive number.
    """
    return _positive(BUDGET_USD, "2.00")


def _positive(variable: str, example: str) -> float | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise UserError(f"{variable} is {text!r}; it must be a number above 0; type: export {variable}={example}")
    return value
