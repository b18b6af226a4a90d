"""The run store: specifications, journals, blobs, locks and an index. It knows nothing of pictures."""

from simulacra.runs.atomic import StoreFull
from simulacra.runs.blobs import Blobs, CorruptBlob
from simulacra.runs.diff import Difference, diff
from simulacra.runs.export import export
from simulacra.runs.journal import DamagedJournal, Journal
from simulacra.runs.lock import RunBusy
from simulacra.runs.manifest import machine_digest, manifest
from simulacra.runs.run import Run, Status
from simulacra.runs.store import STORE, StepRecord, Store
from simulacra.runs.sweep import Sweep, gc
from simulacra.runs.verify import Verification, verify

__all__ = [
    "STORE",
    "Blobs",
    "CorruptBlob",
    "DamagedJournal",
    "Difference",
    "Journal",
    "Run",
    "RunBusy",
    "Status",
    "StepRecord",
    "Store",
    "StoreFull",
    "Sweep",
    "Verification",
    "diff",
    "export",
    "gc",
    "machine_digest",
    "manifest",
    "verify",
]
