"""The user's mistakes: shown as one sentence with exit code 2, never with a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something the user gave breaks a rule; the message names it, its value, the rule and what to type next.

    Every other exception is a fault of ours and keeps its traceback.
    """


class MissingExtra(UserError):
    """An optional package is not installed; the message holds the command that installs it."""


class MissingWeights(UserError):
    """A network's weights are not on this machine; the message holds the command that gets them."""

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names  # entries of the weights table, for a caller that may offer to get them


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is in no table: says the near names, or all of them when none is near.

    Args:
        kind: what the name should have been, such as "copier".
        name: what the user typed.
        known: every name the table holds.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return UserError(f"{kind} {name!r} is unknown; did you mean {' or '.join(near)}?")
    return UserError(f"{kind} {name!r} is unknown; there is {', '.join(names) or 'none installed'}")
