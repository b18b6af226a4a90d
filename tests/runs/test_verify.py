from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulacra.runs import Run, Store, verify
from simulacra.runs.journal import encode_line


def _blob(run: Run, frame: int) -> str:
    return str(next(event["blob"] for event in run.events() if event.get("frame") == frame and "blob" in event))


def _overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_sound_store_has_no_problems(finished: Run) -> None:
    result = verify(finished.store)
    assert (result.runs, result.events, result.blobs, result.bytes) == (1, 7, 3, 192)
    assert result.problems == [] and result.leftovers == []


@pytest.mark.parametrize("at", [0, 31, 63])
def test_a_flipped_bit_in_any_blob_is_found_once(finished: Run, at: int) -> None:
    for frame in range(3):
        path = finished.store.blobs.path(_blob(finished, frame))
        whole = path.read_bytes()
        _overwrite(path, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        (problem,) = verify(finished.store).problems
        assert path.name in problem and "has changed since it was stored" in problem
        assert verify(finished.store, finished).problems == [problem]
        _overwrite(path, whole)


def _drop_blob(run: Run) -> None:
    run.store.blobs.path(_blob(run, 1)).unlink()


def _change_journal(run: Run) -> None:
    path = run.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"frame":1', b'"frame":7', 1))


def _lengthen_journal(run: Run) -> None:
    done = (run.folder / "done.json").read_bytes()
    with run.writing() as journal:
        journal.append("told")
    (run.folder / "done.json").write_bytes(done)


def _shorten_journal(run: Run) -> None:
    path = run.folder / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _change_spec(run: Run) -> None:
    path = run.folder / "spec.json"
    path.write_text(path.read_text().replace('"size": 64', '"size": 96'))


def _add_stranger(run: Run) -> None:
    (run.store.folder / "blobs" / "sha256" / "holiday.jpg").write_text("x")


def _cut_done(run: Run) -> None:
    (run.folder / "done.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_drop_blob, "is missing"),
        (_change_journal, "journal.jsonl, line 3 is damaged"),
        (_lengthen_journal, "is not the journal that this run ended with"),
        (_shorten_journal, "is not the journal that this run ended with"),
        (_change_spec, "spec.json was changed"),
        (_add_stranger, "holiday.jpg is no blob"),
        (_cut_done, "done.json is damaged"),
    ],
)
def test_every_kind_of_damage_is_named(finished: Run, damage: Callable[[Run], None], said: str) -> None:
    damage(finished)
    (problem,) = verify(Store.open(finished.store.folder)).problems
    assert said in problem


def test_it_goes_on_after_the_first_problem(finished: Run, count: Callable[..., Run]) -> None:
    _change_spec(finished)
    _drop_blob(finished)
    count(finished.store.folder, 2, 96)
    assert len(verify(finished.store).problems) == 2


def test_what_a_killed_process_left_is_no_damage(finished: Run) -> None:
    left = finished.store.folder / "blobs" / "sha256" / ".ab.00000000.in-flight"
    left.write_text("half")
    (finished.folder / ".done.json.00000000.in-flight").write_text("{")
    result = verify(finished.store)
    assert result.problems == []
    assert [Path(path).name for path in result.leftovers] == [left.name, ".done.json.00000000.in-flight"]


def test_the_caller_may_check_more_than_the_hash(finished: Run) -> None:
    def check(event: Mapping[str, Any], data: bytes) -> str | None:
        assert finished.store.blobs.get(event["blob"]) == data
        return "it is ugly" if event["frame"] == 1 else None

    assert verify(finished.store, check=check).problems == [f"blob {_blob(finished, 1)}: it is ugly"]


def test_a_name_that_leaves_the_store_is_a_problem(finished: Run) -> None:
    path = finished.folder / "journal.jsonl"
    line = encode_line(8, "page", {"blob": "../../store.json"})
    path.write_bytes(path.read_bytes() + line)
    assert any("names no blob" in problem for problem in verify(finished.store).problems)
