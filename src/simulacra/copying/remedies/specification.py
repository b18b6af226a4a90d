"""Remedies by name, alone or one after the other."""

from collections.abc import Mapping

from simulacra.copying.remedies.contract import Remedy
from simulacra.registry import registry
from simulacra.specification import read


def families() -> Mapping[str, type[Remedy]]:
    """Every remedy class by family, built-in and third-party; a class is imported when it is looked up."""
    return registry("remedy")


def make(text: str) -> Remedy:
    """The remedy that a specification names, `family` or `family:key=value,...`.

    Raises:
        UserError: the family or a parameter is unknown, a value breaks its rule, or the text has another form.
    """
    return read("remedy", lambda name: families()[name], text)
