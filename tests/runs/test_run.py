import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from simulacra.errors import UserError
from simulacra.runs import Run, RunBusy, Store
from simulacra.runs.lock import STALE_SECONDS, this_process


@pytest.fixture
def run(store: Store) -> Run:
    return store.run("counting", "counting", {"seed": 0}, {}, "count")


def _leave_note(run: Run, age_seconds: float = 0, **change: object) -> None:
    folder = run.store.folder / "locks"
    folder.mkdir(exist_ok=True)
    note = folder / f"{run.id}.lock.json"
    note.write_text(json.dumps(asdict(replace(this_process("count"), **change))))  # type: ignore[arg-type]
    then = note.stat().st_mtime - age_seconds
    os.utime(note, (then, then))


def test_an_attempt_is_journalled_with_its_environment(run: Run) -> None:
    with run.writing() as journal:
        assert run.status == "running"
        journal.finish("done")
    (attempt,) = run.events()
    assert attempt["event"] == "attempt" and attempt["command"] == "count"
    assert attempt["manifest"] == run.manifest
    assert run.status == "done"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UserError("no such weights"), "failed"),
        (ZeroDivisionError("x"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_what_ends_an_attempt_early_is_journalled_and_passed_on(run: Run, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), run.writing() as journal:
        journal.append("told")
        raise error
    assert [event["event"] for event in run.events()] == ["attempt", "told", status]
    assert run.status == status and run.done is None


def test_an_interruption_between_two_lines_of_bookkeeping_damages_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*fields: object) -> None:
        raise KeyboardInterrupt

    blob = run.store.blobs.put(b"frame")
    with pytest.raises(KeyboardInterrupt), run.writing() as journal:
        monkeypatch.setattr(journal, "_digest", type("Hash", (), {"update": interrupted})())
        journal.append("step", step="s1:a", blob=blob, bytes=5, machine=None)
    assert [event["event"] for event in run.events()] == ["attempt", "step", "interrupted"]


def test_a_block_that_just_ends_leaves_work(run: Run) -> None:
    with run.writing():
        pass
    assert run.status == "interrupted"


def test_writing_again_withdraws_done(run: Run) -> None:
    with run.writing() as journal:
        journal.finish("done")
    with run.writing():
        assert run.done is None
    assert run.done is None


def test_a_run_that_finished_as_failed_says_so(run: Run) -> None:
    with run.writing() as journal:
        journal.finish("failed", chains=1)
    assert run.status == "failed"
    assert run.done is not None and run.done["chains"] == 1


@pytest.mark.parametrize(
    ("change", "age_seconds", "status"),
    [
        ({}, 0, "running"),
        ({}, STALE_SECONDS + 5, "stalled"),
        ({"process_started": 1}, 0, "interrupted"),
        ({"boot": "an earlier boot"}, 0, "interrupted"),
        ({"host": "another-machine", "boot": "another"}, 0, "running"),
        ({"host": "another-machine", "boot": "another"}, STALE_SECONDS + 5, "stalled"),
    ],
)
def test_the_note_of_the_lock_decides_between_running_stalled_and_interrupted(
    run: Run, change: dict[str, object], age_seconds: float, status: str
) -> None:
    with run.writing():
        pass
    _leave_note(run, age_seconds, **change)
    assert run.status == status


def test_one_process_cannot_write_a_run_twice_at_a_time(run: Run) -> None:
    with run.writing(), pytest.raises(RunBusy), run.writing():
        pass


def test_a_damaged_done_is_told(finished: Run) -> None:
    (finished.folder / "done.json").write_text("{")
    with pytest.raises(UserError, match=r"done.json is damaged; delete it, and the same command writes it again"):
        finished.status  # noqa: B018


def test_a_damaged_journal_is_refused_until_it_is_cut_before_the_damage(
    finished: Run, count: Callable[..., Run], results: Callable[..., object]
) -> None:
    expected = results(finished)
    path = finished.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"frame":1', b'"frame":7', 1))
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"journal.jsonl, line 3 is damaged; restore the file from a copy"):
        count(finished.store.folder, 4)
    assert path.read_bytes() == before
    path.write_bytes(b"".join(before.splitlines(keepends=True)[:2]))
    assert results(count(finished.store.folder, 3)) == expected


def test_the_room_needs_no_torch() -> None:
    code = "import sys, simulacra.runs as runs; runs.manifest(); raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
