"""`simulacra copiers`: what can copy a picture here, and with which parameters."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from simulacra.errors import MissingExtra, MissingWeights, UserError

if TYPE_CHECKING:
    from simulacra.copiers import Copier


def copiers(name: str | None = None, *, json_: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the copiers with state, licence, origin, size rule, determinism and parameters.

    Parameters
    ----------
    name
        Show only this one.
    json_
        Print a machine-readable list.
    """
    from simulacra.copiers import families

    listed = [_facts(each) for each in ([name] if name else families())]
    if json_:
        print(json.dumps(listed, ensure_ascii=False))
        return
    for facts in listed:
        _print(facts)


def _facts(name: str) -> dict[str, Any]:
    from simulacra.copiers import families, family
    from simulacra.registry import registry

    try:
        kind = family(name)
    except UserError as error:
        if name not in families():
            raise
        return {"name": name, "state": "broken", "reason": str(error)}  # a plugin that does not load hides no other
    state, reason = _state(kind)
    copier = kind()
    return {
        "name": name,
        "summary": kind.summary,
        "state": state,
        "reason": reason,
        "licence": kind.licence,
        "origin": kind.origin,
        "weights": list(copier.weight_names()),
        "extra": kind.extra,
        "sizes": str(copier.size_rule),
        "determinism": str(kind.determinism),
        "differentiable": kind.differentiable,
        "seeded": kind.seeded,
        "autonomous": kind.autonomous,
        "control": kind.control,
        "from": registry("copier").source(name),
        "parameters": [_parameter(key, schema) for key, schema in _schema(kind)["properties"].items()],
    }


def _state(kind: "type[Copier]") -> tuple[str, str | None]:
    """What would stop the first copy with the default parameters, in two words and in a sentence."""
    try:
        kind().check()
    except MissingExtra as error:
        return "needs extra", str(error)
    except MissingWeights as error:
        return "needs weights", str(error)
    except UserError as error:
        return "not available", str(error)
    return "ready", None


def _schema(kind: "type[Copier]") -> dict[str, Any]:
    return {"properties": {}} | kind.Parameters.model_json_schema()


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


_RULES = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "enum": "one of {}",
}


def _listed(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _print(facts: dict[str, Any]) -> None:
    print(f"{facts['name']}  {facts['state']}{', a control' if facts.get('control') else ''}")
    if facts["reason"]:
        print(f"  {facts['reason']}")
    if facts["state"] == "broken":
        print()
        return
    print(f"  {facts['summary']}")
    print(f"  licence: {facts['licence']}")
    print(f"  origin: {facts['origin']}; registered by {facts['from']}")
    print(f"  sizes: {facts['sizes']}; determinism: {facts['determinism']}")
    for parameter in facts["parameters"]:
        default = "" if parameter["default"] is None else f" (default {parameter['default']})"
        rule = f"; {parameter['rule']}" if parameter["rule"] else ""
        print(f"    {parameter['name']}={parameter['type'].upper()}{default}: {parameter['description']}{rule}")
    print()
