"""`simulacra copiers`: what can copy a picture here, and with which parameters."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from simulacra.cli.listing import print_listing
from simulacra.cli.parameters import parameters, print_parameters
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

    print_listing(families(), name, _facts, _print, json_=json_)


def _facts(name: str, kind: "type[Copier]") -> dict[str, Any]:
    from simulacra.registry import registry

    state, reason = _state(kind)
    copier = kind()
    return {
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
        "parameters": parameters(kind.Parameters),
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


def _print(facts: dict[str, Any]) -> None:
    print(f"{facts['name']}  {facts['state']}{', a control' if facts['control'] else ''}")
    if facts["reason"]:
        print(f"  {facts['reason']}")
    print(f"  {facts['summary']}")
    print(f"  licence: {facts['licence']}")
    print(f"  origin: {facts['origin']}; registered by {facts['from']}")
    print(f"  sizes: {facts['sizes']}; determinism: {facts['determinism']}")
    print_parameters(facts["parameters"])
