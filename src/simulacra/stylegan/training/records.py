"""What a training leaves in its run: the names of its folders, and its journal by kind of event."""

from collections.abc import Iterator
from typing import Any

from simulacra.runs import Run

EXPERIMENT = "stylegan"
CHECKPOINTS = "checkpoints"
NETWORKS = "networks"
SAMPLES = "samples"


def events(run: Run, kind: str) -> Iterator[dict[str, Any]]:
    """The journalled events of one kind, in order; what was trained twice after a stop stands there twice.

    Args:
        run: a training.
        kind: "machine", how it computes and what was forecast; "tick", a line of numbers; "finding", what the doctor
            says; "rolled-back"; "snapshot"; "checkpoint".
    """
    return (event for event in run.events() if event["event"] == kind)
