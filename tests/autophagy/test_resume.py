"""A loop that is killed and typed again equals one that was never disturbed: every model, every number."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulacra.autophagy.experiment import Asked, run_experiment
from simulacra.autophagy.read import records
from simulacra.autophagy.record import Round

ASKED = Asked(("accumulate",), data="ring:modes=3", samples=30, reference=24, generations=3, seeds=1, restarts=2)


def attempt(store: Path, fault: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with a fault."""
    return subprocess.run(
        [sys.executable, "-m", *ASKED.command().split(), "--processes", "1", "--store", str(store)],
        env={**os.environ, "SIMULACRA_FAULT": fault},
        capture_output=True,
        text=True,
        check=False,
    )


def rounds(store: Path) -> list[list[Round]]:
    """Every round of every arm, made or read; without the seconds, which alone may differ."""
    made = run_experiment(ASKED, processes=1, store=store)
    found = records(made.run.store, [made.run.id])
    return [[each.model_copy(update={"seconds": {}}) for each in record.rounds] for record in found]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[list[Round]]:
    return rounds(tmp_path_factory.mktemp("undisturbed") / "store")


@pytest.mark.parametrize("fault", ["kill@blob-placed:2", "kill@line-written:5", "kill@line-synced:9"])
def test_a_killed_loop_ends_as_if_it_had_not_been(tmp_path: Path, undisturbed: list[list[Round]], fault: str) -> None:
    store = tmp_path / "store"
    killed = attempt(store, fault)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert rounds(store) == undisturbed


def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path: Path, undisturbed: list[list[Round]]) -> None:
    store = tmp_path / "store"
    full = attempt(store, "full@blob-written:3")
    assert full.returncode == 2
    assert "Traceback" not in full.stderr
    assert "the same command continues" in full.stderr.splitlines()[-1]
    assert rounds(store) == undisturbed
