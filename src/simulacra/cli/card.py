"""`simulacra card`: write the attractor card of a copier from its stored runs."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def card(
    *runs: str,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    store: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Say where a copier takes a picture, how fast and how surely, and write it as one HTML file.

    All runs must be of one copier. Six pictures are the fewest that can speak for it; with fewer the card is one of
    these pictures. Nothing is copied or measured.

    Parameters
    ----------
    runs
        Ids of runs of one copier, or their first letters.
    out
        The HTML file; otherwise card.html in the folder of the first run.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print the card as JSON, with every interval.
    """
    from simulacra.copying import read_run
    from simulacra.copying.attractor import attractor
    from simulacra.reports.card import card_json, card_markdown, write_card

    results = [read_run(run, store) for run in runs]
    found = attractor(results)
    path = out or results[0].folder / "card.html"
    write_card(found, results, path)
    if json_:
        print(json.dumps({**card_json(found), "page": str(path.resolve())}, ensure_ascii=True, allow_nan=False))
        return
    print(card_markdown(found), end="")
    print(path)
