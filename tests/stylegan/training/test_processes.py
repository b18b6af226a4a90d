"""Real processes: killed, and several that train together."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulacra.errors import UserError
from simulacra.runs import Store
from simulacra.stylegan.training.processes import Processes, join

SCRIPT = Path(__file__).with_name("training_script.py")
Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def spawn(noise_set: Path) -> Iterator[Spawn]:
    """Start the training script; whatever still runs at the end of the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(store: Path, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, SCRIPT, noise_set, store],
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_killed_by_the_system_it_ends_in_the_same_bits(tmp_path: Path, spawn: Spawn) -> None:
    whole = spawn(tmp_path / "whole")
    victim = spawn(tmp_path / "parts")
    assert victim.stdout is not None
    place = random.Random(20261122).randrange(4, 40)
    for line in victim.stdout:
        if line.strip().isdecimal() and int(line) >= place:
            os.kill(victim.pid, signal.SIGKILL)
            break
    assert victim.wait() == -signal.SIGKILL
    (left,) = Store.open(tmp_path / "parts").runs()
    assert left.status == "interrupted"
    first = spawn(tmp_path / "parts").communicate()[0].splitlines()
    assert int(first[0].removeprefix("began at ")) > 0
    assert first[-1] == whole.communicate()[0].splitlines()[-1]


def test_two_processes_train_one_pair_of_networks(tmp_path: Path, spawn: Spawn) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    pair = [
        spawn(tmp_path / "a", RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        for rank in (0, 1)
    ]
    ends = [process.communicate() for process in pair]
    assert [process.returncode for process in pair] == [0, 0], ends
    first, second = (out.splitlines() for out, _ in ends)
    assert first[-1].split()[:3] == second[-1].split()[:3]
    shown = [str(images) for images in range(4, 49, 4)]
    assert first[1:-1] == second[1:-1] == shown  # the batch is shared, not doubled
    (run,) = Store.open(tmp_path / "a").runs()
    assert run.status == "done"
    assert run.done["network"] == first[-1].split()[2]
    assert [event["kimg"] for event in run.events() if event["event"] == "tick"] == [0.012, 0.024, 0.036, 0.048]


def test_alone_there_is_nothing_to_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    processes, _ = join()
    assert processes == Processes(0, 1)
    assert processes.first
    assert processes.any(True, False) == (True, False)
    assert processes.decide(lambda: "decided") == "decided"


def test_a_batch_is_shared_equally_or_not_at_all() -> None:
    assert [Processes(0, world).share(12) for world in (1, 2, 3)] == [12, 6, 4]
    with pytest.raises(UserError, match="a batch of 12 cannot be shared by 5 processes; give a --batch that 5 divides"):
        Processes(0, 5).share(12)
