import shutil
from collections.abc import Callable

import pytest

from simulacra.errors import UserError
from simulacra.runs import Run, RunBusy, Store, gc, verify
from simulacra.runs import store as store_module


def _files(store: Store) -> set[str]:
    return {str(path) for path in store.folder.rglob("*") if path.is_file()}


def test_only_what_no_journal_names_is_removed(finished: Run) -> None:
    store = finished.store
    unneeded = store.blobs.put(b"nobody needs this")
    with finished.writing() as journal:
        journal.append("page", blobs=[store.blobs.put(b"a page"), store.blobs.put(b"a film")])
        journal.append("told", blob=store.blobs.put(b"a strip"))
        journal.finish("done")
    swept = gc(store, dry=False)
    assert swept.blobs == (unneeded,)
    assert (swept.bytes, swept.kept, swept.dry) == (17, 6, False)
    assert not store.blobs.has(unneeded)
    assert verify(store).problems == []


def test_dry_it_only_says_so(finished: Run) -> None:
    finished.store.blobs.put(b"nobody needs this")
    (finished.folder / ".done.json.00000000.in-flight").write_text("half")
    before = _files(finished.store)
    swept = gc(finished.store)
    assert (len(swept.blobs), len(swept.leftovers), swept.bytes, swept.dry) == (1, 1, 21, True)
    assert _files(finished.store) == before
    assert gc(finished.store, dry=False).blobs == swept.blobs
    assert gc(finished.store).bytes == 0


def test_frames_two_runs_share_stay_until_both_are_deleted(store: Store) -> None:
    runs = [store.run("counting", "counting", {"seed": seed}, {}, "count") for seed in (0, 1)]
    for run in runs:
        with run.writing() as journal:
            journal.append("step", step="s1:a", blob=store.blobs.put(b"frame"), bytes=5, machine=None)
    shutil.rmtree(runs[0].folder)
    assert gc(store, dry=False).blobs == ()
    shutil.rmtree(runs[1].folder)
    assert len(gc(store, dry=False).blobs) == 1


def test_a_run_whose_specification_is_lost_keeps_its_frames(finished: Run) -> None:
    (finished.folder / "spec.json").unlink()
    assert gc(finished.store, dry=False).blobs == ()


def test_while_a_run_is_written_nothing_is_swept(finished: Run) -> None:
    with finished.writing():
        fresh = finished.store.blobs.put(b"made, and about to be journalled")
        with pytest.raises(RunBusy, match=finished.id):
            gc(finished.store, dry=False)
        assert finished.store.blobs.has(fresh)


def test_while_a_sweep_goes_on_no_run_is_written_and_no_other_sweep_begins(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_SWEEP_WAIT_SECONDS", 0)
    with finished.store.sweep_lock(timeout=0):
        with pytest.raises(UserError, match="is being swept by runs gc"), finished.writing():
            pass
        with pytest.raises(UserError, match="is being swept already"):
            gc(finished.store, dry=False)
    with finished.writing():
        pass


def test_a_damaged_journal_stops_it_before_anything_is_removed(finished: Run, count: Callable[..., Run]) -> None:
    path = finished.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"frame":1', b'"frame":7', 1))
    before = _files(finished.store)
    with pytest.raises(UserError, match="line 3 is damaged"):
        gc(finished.store, dry=False)
    assert _files(finished.store) == before | {str(finished.store.folder / "locks" / "gc.lock")}


def test_a_store_opened_for_reading_is_not_swept(finished: Run) -> None:
    with pytest.raises(UserError, match="opened for reading"):
        gc(Store.open(finished.store.folder, readonly=True), dry=False)
