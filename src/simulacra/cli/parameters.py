"""The parameters of copiers, remedies and generators, as their listings show them."""

from collections.abc import Sequence
from typing import Any

from simulacra.specification import Parameters

_RULES = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "enum": "one of {}",
}


def parameters(model: type[Parameters]) -> list[dict[str, Any]]:
    """Name, type, default, rule and description of every parameter of a family."""
    return [_parameter(key, schema) for key, schema in model.model_json_schema().get("properties", {}).items()]


def print_parameters(listed: Sequence[dict[str, Any]]) -> None:
    """Print each on a line."""
    for parameter in listed:
        default = "" if parameter["default"] is None else f" (default {parameter['default']})"
        rule = f"; {parameter['rule']}" if parameter["rule"] else ""
        print(f"    {parameter['name']}={parameter['type'].upper()}{default}: {parameter['description']}{rule}")


def _parameter(key: str, schema: dict[str, Any]) -> dict[str, Any]:
    # An optional value has its kind beside "null" in anyOf.
    kinds = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    rules = [_RULES[word].format(_listed(kind[word])) for kind in kinds for word in _RULES if word in kind]
    return {
        "name": key.replace("_", "-"),
        "type": " or ".join(kind.get("format", kind["type"]) for kind in kinds),
        "default": schema.get("default"),
        "rule": " and ".join(rules),
        "description": schema.get("description", ""),
    }


def _listed(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
