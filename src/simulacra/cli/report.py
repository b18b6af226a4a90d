"""`simulacra report`: write what a person sees of a run again, from the store alone."""

from pathlib import Path


def report(run: str, *, store: Path | None = None) -> None:
    """Write the page, the films and the tables of a stored run again, without copying or measuring anything.

    Parameters
    ----------
    run
        Id of the run, or its first letters.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    """
    from simulacra.copying import read_run
    from simulacra.reports import write_report

    written = write_report(read_run(run, store))
    print(written.headline)
    print(written.page)
