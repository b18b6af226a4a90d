"""Kill, full disk, torn lines, races: whatever happens, the same command ends with the same bytes."""

import json
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulacra.errors import UserError
from simulacra.runs import Run, Store, StoreFull, faults, verify
from simulacra.runs.atomic import IN_FLIGHT
from simulacra.runs.journal import JOURNAL

TIMES = 3


def _fresh(folder: Path, count: Callable[..., Run]) -> None:
    """Nothing is there yet."""


def _extended(folder: Path, count: Callable[..., Run]) -> None:
    """One step is done and journalled as all there is, and a later line was torn."""
    run = count(folder, 1)
    with (run.folder / JOURNAL).open("ab") as journal:
        journal.write(b'{"sequence":')


SCENARIOS = (_fresh, _extended)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, count: Callable[..., Run], results: Callable[..., Any]) -> Any:
    """What an uninterrupted run leaves."""
    return results(count(tmp_path_factory.mktemp("expected"), TIMES))


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, count: Callable[..., Run]) -> dict[Any, dict[str, int]]:
    """How often each scenario reaches each write point."""
    found = {}
    for scenario in SCENARIOS:
        folder = tmp_path_factory.mktemp("reached") / "runs"
        scenario(folder, count)
        faults.arm(None)
        count(folder, TIMES)
        found[scenario] = dict(faults.reached)
    return found


@pytest.mark.parametrize("point", faults.POINTS)
def test_killed_at_any_write_point_it_resumes_to_the_same_bytes(
    point: str,
    tmp_path: Path,
    reached: dict[Any, dict[str, int]],
    expected: Any,
    count: Callable[..., Run],
    spawn: Callable[..., Any],
    results: Callable[..., Any],
) -> None:
    victims = {}
    for scenario in SCENARIOS:
        times = reached[scenario].get(point, 0)
        for nth in {1, (times + 1) // 2, times} if times else ():  # the first, one midway, the last
            folder = tmp_path / f"{scenario.__name__}-{nth}"
            scenario(folder, count)
            victims[folder] = spawn(folder, TIMES, fault=f"kill@{point}:{nth}")
    assert victims, f"no scenario reaches {point}"
    for folder, victim in victims.items():
        victim.communicate()
        assert victim.returncode == -signal.SIGKILL
        assert verify(Store.open(folder)).problems == []
        run = count(folder, TIMES)
        assert results(run) == expected
        assert verify(run.store).problems == []


@pytest.mark.parametrize("point", faults.POINTS)
def test_full_disk_at_any_write_point_is_told_and_leaves_nothing_half_written(
    point: str,
    tmp_path: Path,
    reached: dict[Any, dict[str, int]],
    expected: Any,
    count: Callable[..., Run],
    results: Callable[..., Any],
) -> None:
    for scenario in SCENARIOS:
        for nth in range(1, reached[scenario].get(point, 0) + 1):
            folder = tmp_path / f"{scenario.__name__}-{nth}"
            scenario(folder, count)
            faults.arm(f"full@{point}:{nth}")
            if point.startswith(("index", "lock-released")):
                count(folder, TIMES)  # neither is worth a run: the journals say all that the index does
            else:
                with pytest.raises(StoreFull, match=f"the disk of {folder}.* is full.*the same command continues"):
                    count(folder, TIMES)
            faults.arm(None)
            assert [path for path in folder.rglob("*") if path.name.endswith(IN_FLIGHT)] == []
            assert all(json.loads(path.read_text()) for path in folder.rglob("*.json"))
            run = count(folder, TIMES)
            assert results(run) == expected
            assert verify(run.store).problems == []


def test_a_limit_of_the_real_system_is_told_too(
    tmp_path: Path, spawn: Callable[..., Any], count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    limit = 40_000  # bytes a file: the blobs are larger, everything else is smaller
    process = spawn(
        tmp_path / "runs",
        TIMES,
        "--bytes",
        "64000",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, said = process.communicate()
    assert process.returncode == 2
    assert "is full" in said and "the same command continues" in said and "Traceback" not in said
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(IN_FLIGHT)] == []
    (there,) = Store.open(tmp_path / "runs").runs()
    assert there.status == "failed"
    assert results(count(tmp_path / "runs", TIMES, 64000)) == results(count(tmp_path / "other", TIMES, 64000))


def test_without_permission_it_says_so(tmp_path: Path, count: Callable[..., Run]) -> None:
    faults.arm("deny@store-opened:1")
    with pytest.raises(UserError, match=r"cannot be written .*; make it writable, or name another folder"):
        count(tmp_path / "runs", TIMES)


def test_torn_at_every_byte_of_its_last_line_a_journal_continues(
    tmp_path: Path, expected: Any, count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    whole = count(tmp_path / "whole", TIMES)
    journal = whole.folder / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    cut = next(number for number, line in enumerate(lines) if b'"frame":2' in line)  # the last step
    before, last = b"".join(lines[:cut]), lines[cut]
    (whole.folder / "done.json").unlink()
    for length in range(len(last)):
        journal.write_bytes(before + last[:length])
        events = list(Run(Store.open(tmp_path / "whole"), whole.folder).events())
        assert [event["sequence"] for event in events] == list(range(1, cut + 1))
        # Writing durably takes milliseconds each: resume at every seventh byte, and at both ends.
        if length % 7 == 0 or length == len(last) - 1:
            assert results(count(tmp_path / "whole", TIMES)) == expected
            (whole.folder / "done.json").unlink()


def test_the_second_process_on_a_run_is_refused_and_nothing_is_lost(
    tmp_path: Path, spawn: Callable[..., Any], expected: Any, count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    folder = tmp_path / "runs"
    first = spawn(folder, TIMES, "--hold")
    assert first.stdout.readline() == "holding\n"
    second = spawn(folder, TIMES)
    _, said = second.communicate()
    assert second.returncode == 2
    assert f"is being written by process {first.pid} on " in said and "count 3" in said and "Traceback" not in said
    (run,) = Store.open(folder, readonly=True).runs()
    assert run.status == "running"
    first.communicate("go on\n")
    assert first.returncode == 0
    assert results(run) == expected
    assert [event["event"] for event in run.events()].count("attempt") == 1


def test_processes_that_race_for_one_run_leave_it_whole(
    tmp_path: Path, spawn: Callable[..., Any], expected: Any, count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    racers = [spawn(tmp_path / "runs", TIMES) for _ in range(3)]
    for racer in racers:
        racer.communicate()
    assert {racer.returncode for racer in racers} <= {0, 2}
    assert 0 in {racer.returncode for racer in racers}
    run = count(tmp_path / "runs", TIMES)
    assert results(run) == expected
    assert verify(run.store).problems == []


def test_processes_that_write_different_runs_do_not_disturb_each_other(
    tmp_path: Path, spawn: Callable[..., Any]
) -> None:
    writers = [spawn(tmp_path / "runs", TIMES, "--bytes", str(size)) for size in (64, 96, 128)]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    store = Store.open(tmp_path / "runs")
    assert [run.status for run in store.runs()] == ["done"] * 3
    assert len(store.index.rows()) == 3 * TIMES
    assert verify(store).problems == []


def test_a_dead_owner_is_taken_over_and_the_journal_says_so(
    tmp_path: Path, spawn: Callable[..., Any], count: Callable[..., Run]
) -> None:
    victim = spawn(tmp_path / "runs", TIMES, fault="kill@blob-written:2")
    victim.communicate()
    (run,) = Store.open(tmp_path / "runs").runs()
    assert run.status == "interrupted"
    count(tmp_path / "runs", TIMES)
    (takeover,) = [event for event in run.events() if event["event"] == "takeover"]
    assert takeover["owner"].startswith(f"process {victim.pid} on ")


def test_a_stopped_process_loses_at_most_the_step_in_flight(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    victim = spawn(tmp_path / "runs", TIMES, fault="kill@blob-placed:3")
    victim.communicate()
    (run,) = Store.open(tmp_path / "runs").runs()
    assert [event["frame"] for event in run.events() if event["event"] == "step"] == [0, 1]


def test_a_store_moved_elsewhere_reads_and_continues(
    tmp_path: Path, expected: Any, count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    count(tmp_path / "here", 2)
    shutil.move(tmp_path / "here", tmp_path / "deep" / "there")
    store = Store.open(tmp_path / "deep" / "there")
    assert verify(store).problems == []
    first = next(event for event in store.runs()[0].events() if event["event"] == "step")
    assert store.step(first["step"], None) is not None
    assert results(count(store.folder, TIMES)) == expected


def test_an_armed_fault_must_name_a_write_point() -> None:
    with pytest.raises(UserError, match="must be ACTION@POINT:N"):
        faults.arm("kill@nowhere:1")


def test_the_counting_script_reports_what_it_reached(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    process = spawn(tmp_path / "runs", TIMES)
    printed, _ = process.communicate()
    assert json.loads(printed)["blob-placed"] == TIMES
