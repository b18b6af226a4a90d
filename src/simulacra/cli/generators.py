"""`simulacra generators`: what a loop can be run on, and with which parameters."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from simulacra.cli.listing import print_listing
from simulacra.cli.parameters import parameters, print_parameters

if TYPE_CHECKING:
    from simulacra.generators import Generator


def generators(
    name: str | None = None, *, json_: Annotated[bool, Parameter(name="--json", negative=())] = False
) -> None:
    """List the generators with origin, sampling bias and parameters.

    Parameters
    ----------
    name
        Show only this one.
    json_
        Print a machine-readable list.
    """
    from simulacra.registry import registry

    print_listing(registry("generator"), name, _facts, _print, json_=json_)


def _facts(name: str, kind: "type[Generator]") -> dict[str, Any]:
    from simulacra.registry import registry

    return {
        "summary": kind.summary,
        "state": "ready",
        "reason": None,
        "origin": kind.origin,
        "bias": kind.bias_meaning,
        "from": registry("generator").source(name),
        "parameters": parameters(kind.Parameters),
    }


def _print(facts: dict[str, Any]) -> None:
    print(facts["name"])
    print(f"  {facts['summary']}")
    print(f"  origin: {facts['origin']}; registered by {facts['from']}")
    print(f"  sampling bias: {facts['bias']}")
    print_parameters(facts["parameters"])
