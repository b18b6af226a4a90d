"""Copiers by name: every family there is, and the copier that a specification makes."""

from collections.abc import Mapping

from simulacra.copiers.contract import Copier
from simulacra.registry import registry
from simulacra.specification import read


def families() -> Mapping[str, type[Copier]]:
    """Every copier class by family, built-in and third-party; a class is imported when it is looked up."""
    return registry("copier")


def family(name: str) -> type[Copier]:
    """The class of a family.

    Raises:
        UserError: no copier has this name; the message holds the near ones.
    """
    return families()[name]


def make(text: str) -> Copier:
    """The copier that a specification names; `simulacra.specification.read` has the form of the text.

    Raises:
        UserError: the family or a parameter is unknown, a value breaks its rule, or the text has another form.
    """
    return read("copier", family, text)
