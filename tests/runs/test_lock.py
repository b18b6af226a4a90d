import json
import os
import socket
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from simulacra.runs import RunBusy, lock
from simulacra.runs.lock import STALE_SECONDS, Owner, RunLock, this_process

ELSEWHERE = {"host": "another-machine", "boot": "another boot"}


@pytest.fixture
def run_lock(tmp_path: Path) -> RunLock:
    return RunLock(tmp_path, "run-0123456789ab")


def _leave_note(run_lock: RunLock, folder: Path, owner: Owner, age_seconds: float = 0) -> Path:
    note = folder / "run-0123456789ab.lock.json"
    note.write_text(json.dumps(asdict(owner)))
    then = note.stat().st_mtime - age_seconds
    os.utime(note, (then, then))
    return note


def test_it_names_its_owner_while_held_and_nobody_after(run_lock: RunLock) -> None:
    with run_lock.held("count 3") as before:
        assert before is None
        owner = run_lock.owner()
        assert owner is not None and owner.here and owner.alive
        assert (owner.pid, owner.host, owner.command) == (os.getpid(), socket.gethostname(), "count 3")
    assert run_lock.owner() is None


def test_a_second_holder_is_refused_and_told_whom_to_wait_for(run_lock: RunLock, tmp_path: Path) -> None:
    with run_lock.held("count 3"):
        with (
            pytest.raises(RunBusy, match=rf"by process {os.getpid()} on .*\(count 3\); type the command again when"),
            RunLock(tmp_path, "run-0123456789ab").held("count 4"),
        ):
            pass
        assert run_lock.owner() is not None  # the refused one took nothing away


def test_an_error_inside_lets_it_go(run_lock: RunLock) -> None:
    with pytest.raises(ZeroDivisionError), run_lock.held("count 3"):
        raise ZeroDivisionError
    with run_lock.held("count 3") as before:
        assert before is None


def test_a_recycled_process_id_is_not_the_owner() -> None:
    owner = this_process("count 3")
    assert owner.alive
    assert not replace(owner, process_started=1).alive
    assert not replace(owner, boot="an earlier boot").alive


def test_a_process_that_ended_is_not_alive() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    owner = replace(this_process("count 3"), pid=child, process_started=1)
    assert not owner.alive  # a zombie, until its parent asks
    os.waitpid(child, 0)
    assert not owner.alive


def test_without_a_system_that_tells_starts_the_process_id_decides() -> None:
    owner = replace(this_process("count 3"), process_started=None)
    assert owner.alive
    assert not replace(owner, pid=2**22 + 1).alive  # above the largest id Linux gives


@pytest.mark.parametrize(
    ("change", "age_seconds", "taken"),
    [
        ({"process_started": 1}, 0, True),  # this host: the system's lock is proof that it is gone
        (ELSEWHERE, 0, False),
        (ELSEWHERE, STALE_SECONDS - 5, False),
        (ELSEWHERE, STALE_SECONDS + 5, True),
        ({"host": "another-container"}, 0, True),  # the same kernel, so the same locks
    ],
)
def test_whose_note_is_taken_over(
    run_lock: RunLock, tmp_path: Path, change: dict[str, object], age_seconds: float, taken: bool
) -> None:
    owner = replace(this_process("count 3"), **change)  # type: ignore[arg-type]
    note = _leave_note(run_lock, tmp_path, owner, age_seconds)
    if taken:
        with run_lock.held("count 4") as before:
            assert before == owner
    else:
        with pytest.raises(RunBusy, match=r"another-machine.*or if that machine is gone, in 5 minutes"):
            run_lock.held("count 4").__enter__()
        assert json.loads(note.read_text()) == asdict(owner)


def test_a_note_that_is_no_note_names_nobody(run_lock: RunLock, tmp_path: Path) -> None:
    (tmp_path / "run-0123456789ab.lock.json").write_text('{"pid": 1}')
    with run_lock.held("count 3") as before:
        assert before is None


def test_a_live_owner_touches_its_note(run_lock: RunLock, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = threading.Event()
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr(lock.os, "utime", lambda path: touched.set())
    with run_lock.held("count 3"):
        assert touched.wait(30)
    assert not any(thread.name == "run-lock-heartbeat" for thread in threading.enumerate())
