"""A run that is killed and typed again equals one that was never disturbed: every frame, every number."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = ["--copier", "moving-grid", "--control", "jpeg:quality=50", "--times", "6", "--size", "64", "--json"]


def run(picture: Path, store: Path, fault: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulacra", "copy", str(picture), *COMMAND, "--store", str(store)],
        env={**os.environ, **({"SIMULACRA_FAULT": fault} if fault else {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def undisturbed(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    done = run(portrait, tmp_path_factory.mktemp("undisturbed") / "store")
    return chains(done.stdout)


def chains(output: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(output)["chains"]
    return listed


@pytest.mark.parametrize(
    "fault", ["kill@blob-placed:3", "kill@line-written:8", "kill@line-synced:16", "kill@done-synced:1"]
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    portrait: Path, tmp_path: Path, undisturbed: list[dict[str, object]], fault: str
) -> None:
    store = tmp_path / "store"
    assert run(portrait, store, fault).returncode == -signal.SIGKILL
    again = run(portrait, store)
    assert again.returncode == 0, again.stderr
    assert chains(again.stdout) == undisturbed


def test_a_full_disk_is_a_sentence_and_loses_nothing(
    portrait: Path, tmp_path: Path, undisturbed: list[dict[str, object]]
) -> None:
    store = tmp_path / "store"
    full = run(portrait, store, "full@blob-written:4")
    assert full.returncode == 2
    assert "Traceback" not in full.stderr
    assert "the same command continues" in full.stderr.splitlines()[-1]
    assert chains(run(portrait, store).stdout) == undisturbed
