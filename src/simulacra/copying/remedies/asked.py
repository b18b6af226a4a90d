"""What the remedies that only change the question share: the same copier, asked with other parameters."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simulacra.copiers.contract import Copier
from simulacra.errors import UserError


def asked_with(copier: Copier, remedy: str, values: Mapping[str, Any]) -> Copier:
    """The copier with some of its parameters changed.

    Args:
        copier: stays as it is.
        remedy: whose change it is, for the message.
        values: by field of the copier's parameters.

    Raises:
        UserError: the copier's own rules forbid these values together.
    """
    try:
        parameters = copier.Parameters.model_validate({**copier.parameters.model_dump(), **values})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = str(first.get("ctx", {}).get("error", first["msg"]))
        raise UserError(f"remedy {remedy} cannot treat copier {copier.specification}: {reason}") from error
    return type(copier)(parameters)
