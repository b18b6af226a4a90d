"""`simulacra remedies`: what can be tried against drift, and with which parameters."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from simulacra.cli.parameters import parameters, print_parameters
from simulacra.errors import UserError


def remedies(name: str | None = None, *, json_: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the remedies with origin, determinism and parameters.

    Parameters
    ----------
    name
        Show only this one.
    json_
        Print a machine-readable list.
    """
    from simulacra.copying.remedies import families

    listed = [_facts(each) for each in ([name] if name else families())]
    if json_:
        print(json.dumps(listed, ensure_ascii=False))
        return
    for facts in listed:
        _print(facts)


def _facts(name: str) -> dict[str, Any]:
    from simulacra.copying.remedies import families
    from simulacra.registry import registry

    try:
        kind = families()[name]
    except UserError as error:
        if name not in families():
            raise
        return {"name": name, "state": "broken", "reason": str(error)}  # a plugin that does not load hides no other
    return {
        "name": name,
        "summary": kind.summary,
        "state": "ready",
        "reason": None,
        "origin": kind.origin,
        "determinism": str(kind.determinism),
        "autonomous": kind.autonomous,
        "from": registry("remedy").source(name),
        "parameters": parameters(kind.Parameters),
    }


def _print(facts: dict[str, Any]) -> None:
    if facts["state"] == "broken":
        print(f"{facts['name']}  broken\n  {facts['reason']}\n")
        return
    print(facts["name"])
    print(f"  {facts['summary']}")
    print(f"  origin: {facts['origin']}; registered by {facts['from']}")
    print(f"  determinism: {facts['determinism']}")
    print_parameters(facts["parameters"])
    print()
