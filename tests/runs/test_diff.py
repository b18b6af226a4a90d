from collections.abc import Mapping, Sequence
from typing import Any

from simulacra.runs import Run, Store, diff
from simulacra.runs.diff import Change, Parting


def _run(store: Store, decides: Mapping[str, Any], chains: Mapping[str, Sequence[str]]) -> Run:
    """A run with chains given as one `step=content` a frame."""
    run = store.run("counting", "counting", decides, {"path": "here"}, "count")
    with run.writing() as journal:
        for chain, frames in chains.items():
            for frame, text in enumerate(frames):
                step, content = text.split("=")
                blob = store.blobs.put(content.encode())
                journal.append("step", chain=chain, frame=frame, step=step, blob=blob, bytes=len(content), machine=None)
    return run


def test_a_run_does_not_differ_from_itself(finished: Run) -> None:
    difference = diff(finished, finished)
    assert difference.changes == difference.only_first == difference.only_second == ()
    assert difference.partings == (Parting("count", "count", None, None),)


def test_specifications_differ_by_path(store: Store) -> None:
    first = _run(store, {"legs": [{"copies": 50}], "seed": 1, "strength": 0.5}, {})
    second = _run(store, {"legs": [{"copies": 101}, {}], "strength": 0.5}, {})
    assert diff(first, second).changes == (
        Change("identity.legs.0.copies", 50, 101),
        Change("identity.seed", 1, None),
        Change("identity.legs.1", None, {}),
    )


def test_a_missing_entry_is_not_an_entry_that_is_none(store: Store) -> None:
    first, second = _run(store, {"seed": None}, {}), _run(store, {}, {})
    assert [change.path for change in diff(first, second).changes] == ["identity.seed", "identity"]


def test_chains_part_at_the_first_frame_that_differs(store: Store) -> None:
    first = _run(
        store,
        {"seed": 1},
        {"same": ["r=0", "a=1"], "asked": ["r=0", "a=1", "b=2"], "made": ["r=0", "a=1"], "long": ["r=0", "a=1"]},
    )
    second = _run(
        store,
        {"seed": 2},
        {"same": ["r=0", "a=1"], "asked": ["r=0", "a=1", "c=2"], "made": ["r=0", "a=9"], "long": ["r=0"]},
    )
    assert set(diff(first, second).partings) == {
        Parting("same", "same", None, None),
        Parting("asked", "asked", 2, "another step"),
        Parting("made", "made", 1, "another result"),
        Parting("long", "long", 1, "the other ends"),
    }


def test_a_fork_is_paired_with_the_chain_it_left(store: Store) -> None:
    origin = _run(store, {"seed": 1}, {"jpeg/1": ["r=0", "a=1", "b=2"], "jpeg/2": ["r=0", "x=7"], "other": ["q=5"]})
    fork = _run(store, {"seed": 2}, {"webp/1": ["r=0", "a=1", "c=3"], "alone": ["z=5"]})
    difference = diff(origin, fork)
    assert difference.partings == (Parting("jpeg/1", "webp/1", 2, "another step"),)
    assert difference.only_first == ("jpeg/2", "other")
    assert difference.only_second == ("alone",)
