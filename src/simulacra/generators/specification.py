"""Generators by what a person types: `gaussian`, `kernel-density:bandwidth=0.3`."""

from simulacra.generators.contract import Generator
from simulacra.registry import registry
from simulacra.specification import read


def families() -> tuple[str, ...]:
    """The names of all generators, built-in and from plugins."""
    return tuple(registry("generator"))


def family(name: str) -> type[Generator]:
    """The class of a family.

    Raises:
        UserError: no generator has this name, or its plugin does not load.
    """
    made: type[Generator] = registry("generator")[name]
    return made


def open_generator(text: str) -> Generator:
    """A generator that has learnt nothing yet, from `family` or `family:key=value,...`.

    Raises:
        UserError: the family or a parameter is unknown, or a value breaks its rule.
    """
    return read("generator", family, text)
