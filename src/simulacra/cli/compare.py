"""`simulacra compare`: runs side by side, ranked by how far they drift beyond their baselines."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.copying.compare import Comparison


def compare(
    *runs: str,
    out: Path = Path("comparison.html"),
    store: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Lay runs side by side and rank their copiers by how far they drift beyond their baselines.

    Runs are compared on what they share: pictures, copies and measures; what is left out is told. Runs of one copier on
    different pictures count as one, and every remedy competes beside the copier it was tried on.

    Parameters
    ----------
    runs
        Ids of runs, or their first letters.
    out
        The page to write, one HTML file.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print every number, machine-readable.
    """
    from simulacra.copying import read_run
    from simulacra.copying.compare import compare as lay_side_by_side
    from simulacra.reports.comparison import write_comparison
    from simulacra.reports.standings import comparison_json

    if not runs:
        raise UserError("no run was given to compare; simulacra runs list shows those there are")
    results = {result.identity: result for result in (read_run(run, store) for run in runs)}
    comparison = lay_side_by_side(list(results.values()))
    if len(comparison.contenders) < 2:
        only = comparison.contenders[0].label
        raise UserError(f"{only} is all that these runs hold; name runs of two copiers or more, or one with a remedy")
    names = [result.folder.name for result in results.values()]
    write_comparison(comparison, out, command=shlex.join(["simulacra", "compare", *names]))
    if json_:
        print(json.dumps({**comparison_json(comparison), "page": str(out.resolve())}, allow_nan=False))
        return
    print_table(comparison)
    print(out)


def print_table(comparison: "Comparison") -> None:
    """The table on the terminal: headline, a line a copier, and what was left out."""
    from simulacra.reports.comparison_words import ONE_PICTURE, headline, heads, rows

    print(headline(comparison))
    print()
    _print_columns([heads(comparison), *rows(comparison)])
    several = len(comparison.pictures) > 1
    print("place: mean beyond the baseline (95 % interval over pictures)" if several else ONE_PICTURE)
    for sentence in comparison.told:
        print(sentence)


def _print_columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
