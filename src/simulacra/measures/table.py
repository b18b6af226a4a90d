"""The tables of docs/measures.md, written from the measures themselves so that the page cannot drift from the code.

`python -m simulacra.measures.table docs/measures.md` brings the page up to date.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from simulacra.measures.contract import Against, Better, Measure
from simulacra.registry import registry

_ABOUT = {Against.NOTHING: "frame", Against.REFERENCE: "pair"}
_SIGN = {Better.LOWER: "lower", Better.HIGHER: "higher", Better.NEITHER: ""}
_MARKED = re.compile(r"(<!-- measures: (?P<channel>[a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(measures: Iterable[Measure]) -> str:
    """A Markdown table of measures, one a row."""
    rows = [
        f"| `{m.name}` | {m.unit} | {_ABOUT[m.against]} | {_SIGN[m.better]} | {m.definition} | {m.source} |"
        for m in measures
    ]
    head = ["| measure | unit | of | better | definition | source |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join(head + rows) + "\n"


def filled(page: str) -> str:
    """A page whose tables, each between `<!-- measures: CHANNEL -->` and `<!-- end -->`, are those of the channels.

    Raises:
        UserError: the page names a channel that does not exist.
    """
    return _MARKED.sub(lambda at: at[1] + table(registry("measure")[at["channel"]].measures) + at[3], page)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
