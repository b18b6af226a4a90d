"""`simulacra report`: write what a person sees of a run again, from the store alone."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(
    run: str,
    *,
    mp4: bool | None = None,
    burn_in: Annotated[bool, Parameter(negative=())] = False,
    store: Path | None = None,
) -> None:
    """Write the page, the films and the tables of a stored run again, without copying or measuring anything.

    Parameters
    ----------
    run
        Id of the run, or its first letters.
    mp4
        Write the film as MP4 too; without a word, where the extra `video` is installed.
    burn_in
        Write the drift beside the frame number into the films.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    """
    from simulacra.copying import read_run
    from simulacra.reports import write_report

    written = write_report(read_run(run, store), mp4=mp4, burn_in=burn_in)
    print(written.headline)
    print(written.page)
