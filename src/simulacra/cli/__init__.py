"""The command line: parse, call the library, print. A command is imported when it is typed, so help needs no torch."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from simulacra.errors import UserError

app = App(
    name="simulacra",
    help="A laboratory for image models that eat their own output.",
    version=lambda: version("simulacra"),
    help_format="plaintext",  # the Markdown renderer would take a quarter of the time that help may take
    help_on_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.command(
    "simulacra.cli.copy:copy", name="copy", help="Copy a picture 101 times, each copy made from the one before."
)
app.command(
    "simulacra.cli.report:report", name="report", help="Write the page, the films and the tables of a run again."
)
app.command("simulacra.cli.card:card", name="card", help="Say where a copier takes a picture, over all its runs.")
app.command("simulacra.cli.probe:probe", name="probe", help="Ask what one copy does: bias, noise, twins, basin.")
app.command(
    "simulacra.cli.compare:compare",
    name="compare",
    help="Lay runs side by side, ranked by drift beyond their baselines.",
)
app.command(
    "simulacra.cli.benchmark:benchmark", name="benchmark", help="Rank copiers on a fixed set of pictures, on all cores."
)
app.command("simulacra.cli.runs:app", name="runs", help="List, show, check, clean, export and compare stored runs.")
app.command(
    "simulacra.cli.copiers:copiers", name="copiers", help="List the copiers, with their state, licence and parameters."
)
app.command(
    "simulacra.cli.remedies:remedies", name="remedies", help="List what can be tried against drift, with parameters."
)
app.command(
    "simulacra.cli.measures:measures", name="measures", help="List the measures, with their definition and source."
)
app.command(
    "simulacra.cli.generators:generators",
    name="generators",
    help="List the generators that a loop can be run on, with their parameters.",
)
app.command("simulacra.cli.data:app", name="data", help="Build sets of pictures, and see what is in one.")
app.command(
    "simulacra.cli.stylegan:app", name="stylegan", help="Style-based generators: pictures, figures, films, and replays."
)
app.command(
    "simulacra.cli.autophagy:app",
    name="autophagy",
    help="A generator trained on its own samples: loops, their ledgers, a test against exact theory.",
)
app.command(
    "simulacra.cli.weights:app",
    name="weights",
    help="List, get and verify the trained weights that copiers and measures use.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code: 0 done, 2 bad input, 130 interrupted; our faults: a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # file names need not be UTF-8
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _leave(2, " ".join(str(error).split()))
    except UserError as error:
        _leave(2, str(error))
    except KeyboardInterrupt:
        _leave(130, "interrupted; the same command continues where it stopped")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains while closing
        raise SystemExit(1) from None


def _leave(code: int, sentence: str) -> None:
    print(f"simulacra: {sentence}", file=sys.stderr)
    raise SystemExit(code)
