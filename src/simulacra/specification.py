"""The text that names a thing with its parameters, `family:key=value,...`, and the thing made from it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from simulacra.errors import UserError, unknown
from simulacra.registry import plural

_SEPARATOR = re.compile(r",(?=\s*[A-Za-z][\w-]*\s*=)")
"""A comma begins the next parameter only where `key=` follows, so that a path may hold commas."""


class Parameters(BaseModel):
    """Parameters of one family: frozen, unknown fields refused; each field's description is its documentation.

    Every field has a default, or the family says in its message which one to give.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_Model = Parameters  # inside Specified the plain name means its attribute


class Specified:
    """What a specification makes: a family with its parameters."""

    family: ClassVar[str]
    """The registered name, which is also the first word of its specification, `family:key=value,...`."""
    Parameters: ClassVar[type[Parameters]] = Parameters
    """The model of its parameters; a subclass names its own here and annotates `parameters` with it."""
    parameters: _Model

    def __init__(self, parameters: _Model | None = None) -> None:
        self.parameters = self.Parameters() if parameters is None else parameters

    @property
    def specification(self) -> str:
        """The text that makes this again: `family:key=value,...` with the parameters that are not defaults."""
        given = self.parameters.model_dump(mode="json", exclude_defaults=True)
        listed = ",".join(f"{key.replace('_', '-')}={_text(value)}" for key, value in given.items())
        return f"{self.family}:{listed}" if listed else self.family


_Made = TypeVar("_Made", bound=Specified)


def read(kind: str, look_up: Callable[[str], type[_Made]], text: str) -> _Made:
    """The object that a specification names.

    Args:
        kind: what messages call it, such as "copier".
        look_up: gives the class of a family, or raises `UserError`.
        text: `family` or `family:key=value,...`; in a key `-` and `_` are the same, and a value is all up to the next
            `,key=` or the end.

    Raises:
        UserError: the family or a parameter is unknown, a value breaks its rule, or the text has another form.
    """
    name, _, listed = text.strip().partition(":")
    made = look_up(name)
    given = split(kind, name, listed)
    fields = made.Parameters.model_fields
    for key in given:
        if not fields:
            raise UserError(f"{kind} {name} has no parameters, but is given {key}; type it alone: {name}")
        if key not in fields:
            known = (field.replace("_", "-") for field in fields)
            raise unknown(f"parameter of {kind} {name}", key.replace("_", "-"), known)
    try:
        return made(made.Parameters.model_validate(given))
    except ValidationError as error:
        raise UserError(_sentence(kind, name, error)) from error


def split(kind: str, name: str, listed: str) -> dict[str, str]:
    """The parameters in `key=value,...`, keys with `_` in place of `-`.

    Raises:
        UserError: a part is no `key=value`, or a key is given twice.
    """
    given: dict[str, str] = {}
    for part in _SEPARATOR.split(listed) if listed else ():
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key or not value.strip():
            raise UserError(f"{part!r} in {kind} {name} is no parameter; write {kind} {name}:key=value,key=value")
        if key in given:
            raise UserError(f"{kind} {name} is given {key.replace('_', '-')} twice; give it once")
        given[key] = value.strip()
    return given


def refuse_separator(key: str, value: str) -> str:
    """A value as it is, for a validator of parameters that hold free text: the specification must give it again.

    Raises:
        ValueError: the value holds `,word=`, which would begin another parameter.
    """
    if match := _SEPARATOR.search(value):
        held = value[match.start() :].partition("=")[0]
        raise ValueError(f"{key} holds '{held}=', which reads as another parameter; write it another way")
    return value.strip()


def _sentence(kind: str, name: str, error: ValidationError) -> str:
    """The first complaint of a failed validation as one sentence: parameter, value, rule, what to type next."""
    first = error.errors(include_url=False)[0]
    hint = f"type simulacra {plural(kind)} {name} for its parameters"
    if first["type"] == "value_error":  # raised by a validator of ours, in whole words
        return f"{kind} {name}: {_reason(first)}; {hint}"
    parameter = "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
    rule = first["msg"].removeprefix("Input should be ").split(", unable to")[0]
    return f"{parameter} of {kind} {name} is {_shown(first['input'])}; it must be {rule}; {hint}"


def _reason(complaint: Mapping[str, Any]) -> str:
    return str(complaint["ctx"]["error"])


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
