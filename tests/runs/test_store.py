import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulacra.errors import UserError
from simulacra.runs import Run, Store, verify
from simulacra.runs.spec import spec_identity


def _run(store: Store, seed: int = 0, label: str = "counting") -> Run:
    return store.run("counting", label, {"seed": seed}, {"path": "here"}, f"count --seed {seed}")


def _tree(folder: Path) -> dict[str, Any]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in [folder, *folder.rglob("*")]
    }


def test_the_identity_of_a_fixed_specification_never_changes() -> None:
    # Computed with sha256sum, outside Python. Where it must change, canonical.SCHEME must change with it.
    decides = {"pictures": ["p1:00"], "seed": 7, "strength": 0.1, "legs": [{"copies": 101, "name": "café"}]}
    assert spec_identity("copy", decides) == "s1:24f512f291a871404af6871be57ae845ab6f4d89461e95e0df122a858cec7da6"


def test_a_new_store_says_what_it_is(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "deep" / "runs")
    assert json.loads((store.folder / "store.json").read_text()) == {"format": "simulacra-store", "version": 1}
    assert Store.open(tmp_path / "deep" / "runs").folder == store.folder


def test_its_folder_comes_from_the_argument_then_the_environment_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMULACRA_STORE", str(tmp_path / "from-environment"))
    assert Store.open(Path("given")).folder == tmp_path / "given"
    assert Store.open().folder == tmp_path / "from-environment"
    monkeypatch.delenv("SIMULACRA_STORE")
    assert Store.open().folder == tmp_path / "runs"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder.write_text("a file"), "a file is in the way"),
        (lambda folder: (folder.mkdir(), (folder / "holiday.jpg").write_text("x")), "is not empty and no run store"),
        (lambda folder: _marked(folder, '{"format": "simulacra-store", "version": 2}'), "install a newer one"),
        (lambda folder: _marked(folder, '{"format": "another", "version": 1}'), "is a store of format another 1"),
        (lambda folder: _marked(folder, '{"format": "simul'), "store.json is damaged"),
        (lambda folder: _marked(folder, "[]"), "store.json is damaged"),
    ],
)
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, make: Callable[[Path], Any], said: str) -> None:
    folder = tmp_path / "runs"
    make(folder)
    before = _tree(tmp_path)
    for readonly in (False, True):
        with pytest.raises(UserError, match=re.escape(said)):
            Store.open(folder, readonly=readonly)
    assert _tree(tmp_path) == before


def _marked(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "store.json").write_text(text)


@pytest.mark.parametrize("how", [{"create": False}, {"readonly": True}])
def test_a_missing_store_is_not_made_where_only_reading_is_asked(tmp_path: Path, how: dict[str, bool]) -> None:
    with pytest.raises(UserError, match=r"there is no run store in .*; name one with --store"):
        Store.open(tmp_path / "runs", **how)
    assert not (tmp_path / "runs").exists()


def test_a_run_is_named_by_label_and_identity(store: Store) -> None:
    run = _run(store)
    assert run.identity == spec_identity("counting", {"seed": 0})
    assert run.id == f"counting-{run.identity[3:15]}" == run.folder.name
    assert run.spec["settings"] == {"path": "here"} and run.spec["command"] == "count --seed 0"
    assert run.status == "queued" and run.done is None and run.manifest == {} and list(run.events()) == []


@pytest.mark.parametrize(
    ("label", "begins"),
    [("Real ESRGAN/x4", "real-esrgan-x4-"), ("../..", "run-"), ("é", "run-"), ("x" * 300, "x" * 60 + "-")],
)
def test_any_label_becomes_a_plain_folder_name(store: Store, label: str, begins: str) -> None:
    run = _run(store, label=label)
    assert run.id == begins + run.identity[3:15]
    assert run.folder.parent == store.folder
    assert store.find(run.id).identity == run.identity


def test_the_same_identity_is_the_same_run_whatever_its_label_and_settings(store: Store) -> None:
    run = _run(store)
    spec = (run.folder / "spec.json").read_bytes()
    again = store.run("counting", "renamed", {"seed": 0}, {"path": "elsewhere"}, "count")
    assert again.folder == run.folder
    assert (run.folder / "spec.json").read_bytes() == spec
    with again.writing():
        pass
    assert [(event["settings"], event["command"]) for event in run.events()] == [({"path": "elsewhere"}, "count")]


def test_two_experiments_never_share_a_run(store: Store) -> None:
    assert _run(store).identity != store.run("other", "counting", {"seed": 0}, {}, "").identity


@pytest.mark.parametrize("part", ["identity", "id", "experiment", "version", "cut"])
def test_a_changed_specification_is_refused(store: Store, part: str) -> None:
    run = _run(store)
    path = run.folder / "spec.json"
    spec = json.loads(path.read_text())
    changed = {
        "identity": {**spec, "identity": {"seed": 1}},
        "id": {**spec, "id": spec_identity("counting", {"seed": 1}), "identity": {"seed": 1}},
        "experiment": {**spec, "experiment": "other"},
        "version": {**spec, "version": 2},
        "cut": spec,
    }[part]
    path.write_text(json.dumps(changed)[: 40 if part == "cut" else None])
    with pytest.raises(UserError, match=f"{path} (was changed|is of version|is damaged)"):
        _run(store)
    with pytest.raises(UserError), store.find(run.id).writing():
        pass
    assert not (run.folder / "journal.jsonl").exists()


def test_runs_are_found_by_every_unique_beginning(store: Store) -> None:
    runs = [_run(store, seed, label) for seed, label in enumerate(("jpeg", "webp", "webp"))]
    for run in runs:
        hexed = run.identity.removeprefix("s1:")
        for name in (run.id, run.id[:-4], hexed[:6], hexed[:12], run.identity[:12]):
            assert store.find(name).id == run.id
    assert store.find("j").id == runs[0].id
    with pytest.raises(UserError, match=r"run 'webp' may be any of 2: webp-.*, webp-.*; type more of its name"):
        store.find("webp")
    with pytest.raises(UserError, match=f"'jpag.*did you mean {runs[0].id}"):
        store.find(runs[0].id.replace("jpeg", "jpag"))


@pytest.mark.parametrize("name", ["", "../runs", "counting"])
def test_an_empty_store_has_no_run_to_find(store: Store, name: str) -> None:
    with pytest.raises(UserError, match="holds no run yet"):
        store.find(name)


def test_runs_are_listed_newest_first_and_nothing_else_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, day in enumerate((2, 3, 1)):
        environment = {"machine": {}, "started": f"2026-11-0{day}"}
        monkeypatch.setattr("simulacra.runs.run.manifest", lambda environment=environment: environment)
        with _run(store, seed).writing():
            pass
    (store.folder / "notes").mkdir()
    (store.folder / "counting-000000000000").mkdir()  # killed before it had a specification
    assert [run.spec["identity"]["seed"] for run in store.runs()] == [1, 0, 2]


def test_a_step_is_found_from_any_run_under_its_machine(store: Store) -> None:
    blob = store.blobs.put(b"frame")
    with _run(store).writing() as journal:
        journal.append("step", step="s1:a", blob=blob, bytes=5, machine="m1", pixels="p1:x")
    with _run(store, 1).writing() as journal:
        journal.append("step", step="s1:b", blob=blob, bytes=5, machine=None)
    for opened in (store, Store.open(store.folder), Store.open(store.folder, readonly=True)):
        for machine in ("m1", None):
            found = opened.step("s1:a", machine)
            assert found is not None
            assert (found.blob, found.bytes, found.machine) == (blob, 5, "m1")
            assert (found.run, found.event["pixels"]) == (_run(store).id, "p1:x")
        assert opened.step("s1:a", "m2") is None
        assert opened.step("s1:b", None) is not None
        assert opened.step("s1:b", "m1") is None
        assert opened.step("s1:c", None) is None


@pytest.mark.parametrize("damage", ["blob gone", "blob cut", "line changed"])
def test_a_step_that_is_not_whole_any_more_is_not_reused(finished: Run, damage: str) -> None:
    store = finished.store
    step, _, _, _, blob, _, _ = store.index.rows()[1]
    path = store.blobs.path(blob)
    path.chmod(0o644)
    journal = finished.folder / "journal.jsonl"
    match damage:
        case "blob gone":
            path.unlink()
        case "blob cut":
            path.write_bytes(path.read_bytes()[:-1])
        case "line changed":
            journal.write_bytes(journal.read_bytes().replace(b'"frame":1', b'"frame":7', 1))
    assert store.step(step, None) is None


def test_a_run_of_another_identity_takes_the_steps_that_are_there(
    tmp_path: Path, count: Callable[..., Run], results: Callable[..., Any]
) -> None:
    folder = tmp_path / "runs"
    first = count(folder, 2)
    inodes = {path: path.stat().st_ino for path in (folder / "blobs").rglob("*")}
    extended = count(folder, 4)
    assert extended.folder == first.folder
    assert {path: path.stat().st_ino for path in inodes} == inodes
    assert results(extended) == results(count(tmp_path / "anew", 4))


def test_a_store_opened_for_reading_is_read_whole_and_not_touched(finished: Run) -> None:
    step = finished.store.index.rows()[0][0]
    del finished.store.index
    before = _tree(finished.store.folder)
    store = Store.open(finished.store.folder, readonly=True)
    (run,) = store.runs()
    assert run.status == "done" and len(list(run.events())) == 7
    assert store.step(step, None) is not None
    assert verify(store).problems == []
    with pytest.raises(UserError, match="opened for reading"), run.writing():
        pass
    with pytest.raises(UserError, match="opened for reading"):
        _run(store, 99)
    assert _tree(finished.store.folder) == before


def test_a_thousand_steps_are_read_a_line_at_a_time(store: Store) -> None:
    run = _run(store)
    blob = store.blobs.put(b"frame")
    with run.writing() as journal:
        journal.append_many(
            [("step", {"step": f"s1:{n}", "blob": blob, "bytes": 5, "machine": None}) for n in range(1000)]
        )
    size = (run.folder / "journal.jsonl").stat().st_size
    tracemalloc.start()
    assert sum(1 for _ in run.events()) == 1001
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 2  # the whole file, let alone its parsed events, is never held
