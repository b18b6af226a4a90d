"""Named write points of the run store, where a test can kill the process, fill the disk or take the permission away."""

import errno
import os
import signal
from collections import Counter

from simulacra.errors import UserError

FAULT = "SIMULACRA_FAULT"
"""Environment variable `ACTION@POINT:N`: act when POINT is reached for the Nth time, such as `kill@blob-placed:3`."""

_PLACED = ("store", "spec", "lock", "manifest", "blob", "done")
_STAGES = ("opened", "written", "synced", "placed")

POINTS = (
    *(f"{file}-{stage}" for file in _PLACED for stage in _STAGES),
    "run-made",
    "lock-taken",
    "done-withdrawn",
    "journal-repaired",
    "line-written",
    "line-synced",
    "index-changed",
    "index-committed",
    "lock-released",
)
"""Every write point. The crash tests run over this table, so a new point is tested as soon as it is named."""

ERRNOS = {"full": errno.ENOSPC, "deny": errno.EACCES}
"""The actions besides `kill`, and the error the file system answers with."""

reached: Counter[str] = Counter()
"""How often each point was reached since the fault was armed."""

_armed: tuple[str, str, int] | None = None


def arm(text: str | None) -> None:
    """Set the one fault of this process from `ACTION@POINT:N`; None sets none. Counting starts anew.

    Raises:
        UserError: the text is not of that form.
    """
    global _armed
    reached.clear()
    _armed = None
    if text is None:
        return
    action, _, place = text.partition("@")
    point, _, count = place.partition(":")
    if (action != "kill" and action not in ERRNOS) or point not in POINTS or not count.isdecimal():
        raise UserError(f"{FAULT} is {text!r}; it must be ACTION@POINT:N, such as kill@blob-placed:3")
    _armed = (action, point, int(count))


def reach(point: str) -> None:
    """Say that a write point is reached; does nothing unless a fault is armed for it.

    Raises:
        OSError: the armed action is an error of the file system.
    """
    reached[point] += 1
    if _armed is None or _armed[1:] != (point, reached[point]):
        return
    if _armed[0] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    code = ERRNOS[_armed[0]]
    raise OSError(code, os.strerror(code))


arm(os.environ.get(FAULT))
