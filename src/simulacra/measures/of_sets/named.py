"""Features by what a person types: `effnetlite0`, `pixels:32`, `inception:FILE`, `dinov2:FOLDER`."""

from simulacra.errors import UserError, unknown
from simulacra.measures.of_sets.features import Features
from simulacra.registry import registry


def names() -> tuple[str, ...]:
    """The names of all features, built-in and from plugins."""
    return tuple(registry("feature"))


def open_features(text: str) -> Features:
    """The features that a name and its argument stand for.

    Args:
        text: a name, or a name, a colon and its argument.

    Raises:
        UserError: the name is unknown, its plugin does not load, or its argument is missing or wrong.
    """
    name, _, argument = text.strip().partition(":")
    known = registry("feature")
    if name not in known:
        raise unknown("features", name, known)
    made: type[Features] = known[name]
    if not (isinstance(made, type) and issubclass(made, Features)):
        raise UserError(f"the features {name} of {known.source(name)} are no subclass of Features; mend that package")
    return made.opened(argument)
