"""The text that names a copier, `family:key=value,...`, and the copier made from it."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simulacra.copiers.contract import Copier
from simulacra.errors import UserError, unknown
from simulacra.registry import registry

_SEPARATOR = re.compile(r",(?=\s*[A-Za-z][\w-]*\s*=)")
"""A comma begins the next parameter only where `key=` follows, so that a path may hold commas."""


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
    """The copier that a specification names.

    Args:
        text: `family` or `family:key=value,...`; in a key `-` and `_` are the same, and a value is all up to the next
            `,key=` or the end.

    Raises:
        UserError: the family or a parameter is unknown, a value breaks its rule, or the text has another form.
    """
    name, _, listed = text.strip().partition(":")
    kind = family(name)
    given = _split(name, listed)
    fields = kind.Parameters.model_fields
    for key in given:
        if not fields:
            raise UserError(f"copier {name} has no parameters, but is given {key}; type it alone: {name}")
        if key not in fields:
            known = (field.replace("_", "-") for field in fields)
            raise unknown(f"parameter of copier {name}", key.replace("_", "-"), known)
    try:
        return kind(kind.Parameters.model_validate(given))
    except ValidationError as error:
        raise UserError(_sentence(name, error)) from error


def refuse_separator(key: str, value: str) -> str:
    """A value as it is, for a validator of parameters that hold free text: the specification must give it again.

    Raises:
        ValueError: the value holds `,word=`, which would begin another parameter.
    """
    if match := _SEPARATOR.search(value):
        held = value[match.start() :].partition("=")[0]
        raise ValueError(f"{key} holds '{held}=', which reads as another parameter; write it another way")
    return value.strip()


def _split(name: str, listed: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in _SEPARATOR.split(listed) if listed else ():
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key or not value.strip():
            raise UserError(f"{part!r} in copier {name} is no parameter; write copier {name}:key=value,key=value")
        if key in given:
            raise UserError(f"copier {name} is given {key.replace('_', '-')} twice; give it once")
        given[key] = value.strip()
    return given


def _sentence(name: str, error: ValidationError) -> str:
    """The first complaint of a failed validation as one sentence: parameter, value, rule, what to type next."""
    first = error.errors(include_url=False)[0]
    hint = f"type simulacra copiers {name} for its parameters"
    if first["type"] == "value_error":  # raised by a validator of ours, in whole words
        return f"copier {name}: {_reason(first)}; {hint}"
    parameter = "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
    rule = first["msg"].removeprefix("Input should be ").split(", unable to")[0]
    return f"{parameter} of copier {name} is {_shown(first['input'])}; it must be {rule}; {hint}"


def _reason(complaint: Mapping[str, Any]) -> str:
    return str(complaint["ctx"]["error"])


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
