"""`simulacra autophagy page` and `theory`: loops seen, and the figures of the theory."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from simulacra.errors import UserError

Json = Annotated[bool, Parameter(name="--json", negative=())]


def page(
    *runs: str,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("loop.html"),
    store: Path | None = None,
    json_: Json = False,
) -> None:
    """Write the page of one or several loops: measures against their null bands, samples, what became of them.

    Nothing is trained or measured. Loops of different policies stand side by side.

    Parameters
    ----------
    runs
        Ids of experiments or of single loops, or their first letters; `simulacra runs list` shows them.
    out
        The HTML file.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print the plain answers and the file, machine-readable.
    """
    from simulacra.autophagy.read import experiment_of, records
    from simulacra.reports.loop_page import write_loop_page
    from simulacra.reports.loop_words import told
    from simulacra.runs import Store

    _check(out)
    opened = Store.open(store, create=False)
    found = records(opened, runs)
    commands = dict.fromkeys(experiment_of(opened, opened.find(run)).spec["command"] for run in runs)
    write_loop_page(found, out, commands=list(commands))
    if json_:
        print(json.dumps({"page": str(out.resolve()), "loops": told(found)}, ensure_ascii=True, allow_nan=False))
        return
    for answers in told(found).values():
        print(answers[0])
    print(out)


def theory(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("theory.html"),
    dimension: int = 100,
    replicates: int = 10,
    seed: int = 1,
    json_: Json = False,
) -> None:
    """Write the page of MAD's Gaussian figures, from closed forms and from loops that are run: about a minute.

    Parameters
    ----------
    out
        The HTML file.
    dimension
        Dimensions of the samples; the paper has 100.
    replicates
        Loops behind every point, at least 2.
    seed
        Of every draw.
    json_
        Print every number, machine-readable.
    """
    import sys

    from simulacra.reports.theory_figures import Effort
    from simulacra.reports.theory_page import lead, write_theory_page

    _check(out)
    figures = write_theory_page(
        out,
        effort=Effort(dimension, replicates, seed),
        watcher=lambda part: print(f"computing {part}", file=sys.stderr, flush=True),
    )
    if json_:
        print(json.dumps({"page": str(out.resolve()), **asdict(figures)}, allow_nan=False))
        return
    print(lead(figures))
    print(out)


def _check(out: Path) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out is {out}; the page is one HTML file, so name a .html")
