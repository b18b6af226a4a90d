"""File names in sentences: printable, whatever bytes the name is made of."""

import os
from pathlib import Path


def printable(path: Path | str) -> str:
    r"""A path as text that any terminal, log or page takes.

    A name that is not valid UTF-8 reaches Python with lone surrogates, which no stream can print; each such byte is
    written as `\xff`. A control character, such as a newline or an escape sequence, is written the same way, so that a
    name cannot forge a line of output.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
