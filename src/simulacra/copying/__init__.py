"""The copying experiment: one picture, copied from copy to copy, with its controls and its measures."""

from simulacra.copying.experiment import copy
from simulacra.copying.read import read_run
from simulacra.copying.result import Chain, CopyResult, Ended, Ending, Frame, Reference
from simulacra.runs.progress import Silent, Watcher

__all__ = [
    "Chain",
    "CopyResult",
    "Ended",
    "Ending",
    "Frame",
    "Reference",
    "Silent",
    "Watcher",
    "copy",
    "read_run",
]
