"""`simulacra benchmark`: a set of pictures by a list of copiers, on all cores, and the table of it."""

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from simulacra.cli.compare import print_table
from simulacra.cli.progress import progress


def benchmark(
    *,
    copier: Annotated[tuple[str, ...], Parameter(name=["--copier", "-c"], negative=())] = (),
    picture: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    times: Annotated[int, Parameter(name=["--times", "-n"])] = 30,
    size: int | Literal["original"] = 256,
    workers: int | None = None,
    seed: int = 0,
    channel: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    store: Path | None = None,
    out: Path = Path("benchmark"),
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Copy a fixed set of pictures by a list of copiers, on all cores, and rank the copiers by excess drift.

    The same command continues a benchmark that was stopped; one with a copier more takes the others from the store.

    Parameters
    ----------
    copier
        A copier to run, as family:key=value,...; may be given several times. Otherwise every copier that runs on this
        machine with its defaults.
    picture
        A file or a folder of pictures; may be given several times. Otherwise the eight pictures of the package.
    times
        Copies in each chain.
    size
        Longest side in pixels: larger pictures are shrunk to it first, smaller ones stay. `original` keeps all.
    workers
        Processes; otherwise one a core, at most eight.
    seed
        Of every random draw.
    channel
        A channel to measure, such as colour; may be given several times. Otherwise all but the slow ones.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    out
        Folder for the table, its pictures and a card for each copier.
    json_
        Print every number, machine-readable.
    """
    from simulacra.copying.benchmark import benchmark as run_benchmark
    from simulacra.reports.standings import write_standings

    with progress() as watcher:
        result = run_benchmark(
            copier,
            picture,
            times=times,
            size=size,
            workers=workers,
            seed=seed,
            channels=channel or None,
            store=store,
            watcher=watcher,
        )
    standings = write_standings(result, out)
    if json_:
        table = json.loads(standings.json.read_text(encoding="utf-8"))
        print(json.dumps({**table, "page": str(standings.page.resolve())}, allow_nan=False))
        return
    print_table(result.comparison)
    print(standings.page)
