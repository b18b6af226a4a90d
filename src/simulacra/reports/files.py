"""Files that are whole or absent: written beside their place under a temporary name, then moved there in one step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from simulacra.runs.atomic import IN_FLIGHT, writing_to


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and put what was written there into its place when the block ends well.

    Not synced to the disk: a report lost in a power cut is made again from its run.

    Raises:
        UserError: the folder cannot be written, or its disk is full.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}{IN_FLIGHT}")
    with writing_to(path.parent):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
