"""Claims: a loop costs little beside its training, and a fork at generation 3 trains nothing of the first three.

The loop is `tiny-fresh`, whose generator is a class-conditional DDPM. Its overhead is all that the command does besides
fitting, from the opened data to the closed journal, over the seconds of the fits: drawing pools, measuring with all
floors, storing. Workers and null arms are left out: they are fits too.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from simulacra.autophagy.experiment import Asked, run_experiment
from simulacra.autophagy.journalled import read_journal
from simulacra.autophagy.read import records
from simulacra.autophagy.record import Round
from simulacra.runs import Run

MOST_OVERHEAD, FORKED_AT, GENERATIONS = 0.15, 3, 4


def measure() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        # Loads what the first loop loads.
        warm_up = Asked(("tiny-fresh",), generations=1, seeds=1, restarts=0, steps=1)
        run_experiment(warm_up, processes=1, store=store)
        asked = Asked(("tiny-fresh",), generations=GENERATIONS, seeds=1, restarts=0)
        began = perf_counter()
        loop = run_experiment(asked, processes=1, store=store).arms[0]
        seconds = perf_counter() - began
        forked = Asked(fork=f"{loop.id}@{FORKED_AT}", bias=0.5, restarts=0)
        began = perf_counter()
        fork = run_experiment(forked, processes=1, store=store).arms[0]
        claims = {"overhead": overhead(loop, seconds), "fork": shared(loop, fork, perf_counter() - began)}
    return {**claims, "holds": all(claim["holds"] for claim in claims.values())}


def overhead(loop: Run, seconds: float) -> dict[str, Any]:
    rounds = rounds_of(loop)
    parts = {part: sum(each.seconds[part] for each in rounds) for part in rounds[0].seconds}
    share = (seconds - parts["fit"]) / parts["fit"]
    return {
        "claim": f"pool, measures and storage take at most {MOST_OVERHEAD:.0%} of the training of tiny-fresh",
        "seconds": round(seconds, 2),
        "parts": {part: round(taken, 2) for part, taken in parts.items()},
        "overhead": round(share, 4),
        "holds": share <= MOST_OVERHEAD,
    }


def shared(loop: Run, fork: Run, seconds: float) -> dict[str, Any]:
    before = rounds_of(fork)[:FORKED_AT]
    reused = [fit.reused for fit in read_journal(fork).fits.values()]
    equal = [each.model for each in before] == [each.model for each in rounds_of(loop)[:FORKED_AT]]
    return {
        "claim": f"a fork at generation {FORKED_AT} trains nothing of the first {FORKED_AT}",
        "seconds": round(seconds, 2),
        "fit_seconds": [each.seconds["fit"] for each in rounds_of(fork)],
        "holds": equal and reused == [True] * FORKED_AT + [False] * (GENERATIONS - FORKED_AT),
    }


def rounds_of(run: Run) -> tuple[Round, ...]:
    return records(run.store, [run.id])[0].rounds


if __name__ == "__main__":
    import json

    print(json.dumps(measure(), indent=2))
