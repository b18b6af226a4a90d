"""A tiny experiment for crash tests: a chain of blobs, each the hash of the one before. Run as a script, or called.

    python counting.py STORE TIMES [--bytes N] [--hold]

It resumes as the real experiments do: what its journal holds stays, what the store holds is reused, the rest is made.
Exit code 2 and a sentence for the user's errors. The last line it prints is how often each write point was reached.
"""

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.runs import Run, Store
from simulacra.runs.faults import reached


def counting(folder: Path, times: int, size: int = 64, started: Callable[[], object] = lambda: None) -> Run:
    """Make, extend or resume the chain.

    Args:
        folder: of the store.
        times: steps; a setting, so that the same run can be extended.
        size: bytes a blob, a multiple of 32; part of the identity.
        started: called once the run's lock is held.
    """
    store = Store.open(folder)
    run = store.run("counting", "Counting", {"size": size}, {"times": times}, f"count {times}")
    with run.writing() as journal:
        started()
        own = {event["frame"]: event["blob"] for event in run.events() if event["event"] == "step"}
        step, data = identity("step", {"size": size}), b""
        for frame in range(times):
            step = identity("step", {"parent": step})
            if frame in own:
                data = store.blobs.get(own[frame])
                continue
            stored = store.step(step, None)
            data = store.blobs.get(stored.blob) if stored else sha256(data + step.encode()).digest() * (size // 32)
            blob = store.blobs.put(data)
            journal.append("step", chain="count", frame=frame, step=step, blob=blob, bytes=len(data), machine=None)
        journal.append_many([("measures", {"frame": frame, "value": frame / 10}) for frame in range(times)])
        journal.finish("done", copies=times)
    return run


def _hold() -> None:
    print("holding", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    options = sys.argv[3:]
    length = int(options[options.index("--bytes") + 1]) if "--bytes" in options else 64
    try:
        counting(Path(sys.argv[1]), int(sys.argv[2]), length, _hold if "--hold" in options else lambda: None)
    except UserError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    print(json.dumps(reached))
