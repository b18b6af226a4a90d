"""What the tests of the run store share: the counting experiment, and a way to see a whole store at once."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulacra.runs import Run, Store, faults

SCRIPT = Path(__file__).with_name("counting.py")


@pytest.fixture(autouse=True)
def no_fault() -> Iterator[None]:
    """A fault that a test armed ends with it."""
    yield
    faults.arm(None)


@pytest.fixture(scope="session")
def count() -> Callable[..., Run]:
    """The counting experiment, in this process: `count(store folder, times)`."""
    counting: Callable[..., Run] = runpy.run_path(str(SCRIPT))["counting"]
    return counting


@pytest.fixture(scope="session")
def spawn() -> Callable[..., "subprocess.Popen[str]"]:
    """The counting experiment in a process of its own: `spawn(store folder, times, *options, fault=None)`."""

    def start(folder: Path, times: int, *options: str, fault: str | None = None, **how: Any) -> "subprocess.Popen[str]":
        environment = {**os.environ, **({faults.FAULT: fault} if fault else {})}
        words = [sys.executable, str(SCRIPT), str(folder), str(times), *options]
        pipe = subprocess.PIPE
        process: subprocess.Popen[str] = subprocess.Popen(
            words, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe, **how
        )
        return process

    return start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "runs")


@pytest.fixture
def finished(tmp_path: Path, count: Callable[..., Run]) -> Run:
    """A finished run of three steps, in a store of its own."""
    return count(tmp_path / "runs", 3)


def results(run: Run) -> dict[str, Any]:
    """Everything of a run that must not depend on what happened while it was made."""
    steps = {event["frame"]: event for event in run.events() if event["event"] == "step"}
    fields = ("step", "blob", "bytes", "machine")
    return {
        "id": run.id,
        "identity": run.spec["identity"],
        "status": run.status,
        "copies": (run.done or {}).get("copies"),
        "steps": {frame: [steps[frame][field] for field in fields] for frame in sorted(steps)},
        "data": {frame: run.store.blobs.get(event["blob"]) for frame, event in steps.items()},
    }


@pytest.fixture(scope="session", name="results")
def results_fixture() -> Callable[[Run], dict[str, Any]]:
    """`results(run)`: everything that must not depend on what happened while it was made."""
    return results
