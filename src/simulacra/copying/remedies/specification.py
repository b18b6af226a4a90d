"""Remedies by name, alone or several in turn."""

import re
from collections.abc import Mapping

from simulacra.copying.remedies.contract import Remedy
from simulacra.copying.remedies.in_turn import InTurn
from simulacra.registry import registry
from simulacra.specification import read

_NEXT = re.compile(r"\+(?=[a-z][a-z-]*(?:[:+]|$))")
"""A plus begins the next remedy only where a whole name follows, so that a path or a prompt may hold one."""


def families() -> Mapping[str, type[Remedy]]:
    """Every remedy class by family, built-in and third-party; a class is imported when it is looked up."""
    return registry("remedy")


def make(text: str) -> Remedy:
    """The remedy that a specification names: `family`, `family:key=value,...`, or several of these with `+` between.

    Raises:
        UserError: a family or a parameter is unknown, a value breaks its rule, or the text has another form.
    """
    remedies = [read("remedy", lambda name: families()[name], part) for part in _NEXT.split(text.strip())]
    return remedies[0] if len(remedies) == 1 else InTurn(remedies)
