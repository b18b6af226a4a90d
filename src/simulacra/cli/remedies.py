"""`simulacra remedies`: what can be tried against drift, and with which parameters."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from simulacra.cli.listing import print_listing
from simulacra.cli.parameters import parameters, print_parameters

if TYPE_CHECKING:
    from simulacra.copying.remedies.contract import Remedy


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

    print_listing(families(), name, _facts, _print, json_=json_)


def _facts(name: str, kind: "type[Remedy]") -> dict[str, Any]:
    from simulacra.registry import registry

    return {
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
    print(facts["name"])
    print(f"  {facts['summary']}")
    print(f"  origin: {facts['origin']}; registered by {facts['from']}")
    print(f"  determinism: {facts['determinism']}")
    print_parameters(facts["parameters"])
