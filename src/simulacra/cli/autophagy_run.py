"""`simulacra autophagy run` and `ledger`: loops in the run store, and where the samples of their pools came from."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from simulacra.cli.progress import progress
from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.autophagy.experiment import Made
    from simulacra.autophagy.ledger import Ledger
    from simulacra.autophagy.record import LoopRecord

Json = Annotated[bool, Parameter(name="--json", negative=())]


def run(
    *,
    preset: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    generator: str | None = None,
    data: str | None = None,
    label: str | None = None,
    unconditional: Annotated[bool, Parameter(negative=())] = False,
    samples: int | None = None,
    generations: int | None = None,
    bias: float | None = None,
    seeds: int | None = None,
    restarts: int = 5,
    features: str | None = None,
    reference: int | None = None,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    steps: int | None = None,
    seed: int | None = None,
    fork: str | None = None,
    processes: int | None = None,
    out: Path | None = None,
    store: Path | None = None,
    json_: Json = False,
) -> None:
    """Run a loop with several seeds beside its null arm, and measure every generation.

    The same command continues what was stopped. What another run already trained is taken from the store.

    Parameters
    ----------
    preset
        What to run: a policy or a complete experiment; `simulacra autophagy policies` lists both. May be given several
        times, to compare loops.
    generator
        What learns, as family:key=value,... such as kernel-density:bandwidth=0.2; otherwise what suits the data.
    data
        Where real samples come from: digits, a zip or folder of pictures, or an exact truth such as
        normal:dimensions=10, ring:modes=8, grid:side=5, categories:count=20 or line:dimensions=3.
    label
        Attribute of the set whose values are the classes; otherwise its own labels.
    unconditional
        Keep the classes from the generators; they are only measured.
    samples
        Real samples of generation 1, in which a preset counts all others; otherwise the preset's, or 1000, or as many
        as the set allows.
    generations
        Of every loop; otherwise the preset's, or 10.
    bias
        Sampling bias lambda: 1 unbiased, 0 modes only.
    seeds
        Loops, each with a seed of its own; otherwise 3.
    restarts
        Fits on real data alone that make the null band; 0 for none.
    features
        What pictures are compared in, such as digits, pixels:16 or effnetlite0; otherwise digits for the digits, and
        pixels for other sets.
    reference
        Real samples that no generation trains on, and samples measured of each; otherwise the preset's, or a third of a
        set up to 10,000, or 1000 of a truth.
    set_
        FIELD=VALUE: a setting of the policy, such as fixed=500 or memory=3; may be given several times.
    steps
        Budget of every fit, in steps of its training; otherwise the generator's own.
    seed
        Of the first loop; the others have the next ones. Of a fork: of its own generations.
    fork
        RUN@GENERATION: take the first generations of a run, an experiment or one loop of it, and go on with what is
        given beside it: a preset, --bias, --set, --seed, --generations.
    processes
        Arms made side by side; otherwise one a core. Results do not depend on it.
    out
        Write the page of the loops there, one HTML file.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable summary.
    """
    from simulacra.autophagy.experiment import Asked, run_experiment
    from simulacra.autophagy.read import records

    asked = Asked(
        presets=preset,
        generator=generator,
        data=data,
        label=label,
        unconditional=unconditional or None,
        samples=samples,
        generations=generations,
        bias=bias,
        changes=dict(_setting(text) for text in set_),
        seeds=seeds,
        restarts=restarts,
        features=features,
        reference=reference,
        steps=steps,
        seed=seed,
        fork=fork,
    )
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out is {out}; the page is one HTML file, so name a .html")
    with progress() as watcher:
        made = run_experiment(asked, processes=processes, store=store, watcher=watcher)
    found = records(made.run.store, [made.run.id])
    page = _page(made, found, out)
    if json_:
        print(json.dumps(_summary(made, found, page), ensure_ascii=True, allow_nan=False))
        return
    for record in found:
        _print_record(record)
    print(made.run.id)
    if page is not None:
        print(page)


def ledger(
    name: Annotated[str, Parameter(name="RUN")],
    /,
    *,
    generation: int | None = None,
    out: Path | None = None,
    store: Path | None = None,
    json_: Json = False,
) -> None:
    """Show where the samples of a loop's pools came from, or make a pool again.

    Parameters
    ----------
    name
        Id of one loop, or its first letters; `simulacra runs list` shows them.
    generation
        Show the pool of this generation; otherwise a line for each.
    out
        Write that pool: a .zip as a set of pictures, a .csv as a table of every sample with its origin.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print it machine-readable.
    """
    from simulacra.autophagy.ledger import Ledger, write_pool
    from simulacra.runs import Store

    found = Ledger.of(Store.open(store, create=False).find(name))
    if out is not None:
        if generation is None:
            raise UserError("--out writes the pool of one generation; say which with --generation")
        if out.suffix.lower() not in (".zip", ".csv"):
            raise UserError(f"--out is {out}; a pool is written as a .zip of pictures or a .csv of all its samples")
        write_pool(found.rebuild(generation), list(found.table(generation)), out)
    if json_:
        print(json.dumps(_ledger_json(found, generation, out), allow_nan=False))
    elif generation is not None:
        _print_pool(found, generation)
        if out is not None:
            print(out)
    else:
        _print_ledger(found)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UserError(f"--set is {text!r}; it must be FIELD=VALUE, such as memory=3")
    return name.strip().replace("-", "_"), value.strip()


def _page(made: "Made", found: "Sequence[LoopRecord]", out: Path | None) -> Path | None:
    if out is None:
        return None
    from simulacra.reports.loop_page import write_loop_page

    return write_loop_page(found, out, commands=[made.run.spec["command"]])


def _print_record(record: "LoopRecord") -> None:
    """One arm: its ends in every measure; a null arm: the span of its restarts."""
    null = record.arm == "null"
    count = len(record.rounds)
    what = f"{count} restarts on real data" if null else f"{record.name}, seed {record.seed}, {count} generations"
    print(what)
    for measure in record.rounds[-1].measured.readings if record.rounds else ():
        values = [each.measured.readings[measure].value for each in record.rounds if measure in each.measured.readings]
        ends = f"{min(values):.4g} to {max(values):.4g}" if null else f"{values[0]:.4g} -> {values[-1]:.4g}"
        print(f"  {measure:<24}{ends}")
    if not null and record.rounds:
        print(f"  {'real ancestry':<24}{record.rounds[0].ancestry:.4g} -> {record.rounds[-1].ancestry:.4g}")
    if record.stopped is not None:
        print(f"  stopped: {record.stopped}")


def _summary(made: "Made", found: "Sequence[LoopRecord]", page: Path | None) -> dict[str, Any]:
    ids = {run.identity: run.id for run in made.arms}
    return {
        "run": made.run.id,
        "page": None if page is None else str(page.resolve()),
        "arms": [
            {
                "run": ids[record.run],
                "arm": record.arm,
                "name": record.name,
                "seed": record.seed,
                "planned": record.planned,
                "generator": record.generator,
                "data": record.data,
                "policy": record.policy.model_dump(mode="json"),
                "stopped": record.stopped,
                "rounds": [made_.model_dump(mode="json") for made_ in record.rounds],
            }
            for record in found
        ],
    }


def _print_ledger(found: "Ledger") -> None:
    from simulacra.autophagy.lineage import Lineage, half_life

    lineage = Lineage([fit.recipe for fit in found.fits]) if found.plan.arm == "loop" else None
    print(
        f"{'generation':>10}{'fixed':>9}{'fresh':>9}{'synthetic':>11}{'kept':>9}{'pool':>9}{'worth':>10}{'ancestry':>10}"
    )
    for number, fit in enumerate(found.fits, start=1):
        counts = fit.recipe.counts
        worth = lineage.worth(number) if lineage else float(fit.recipe.size)
        share = lineage.ancestry(number) if lineage else 1.0
        print(
            f"{number:>10}{counts.fixed:>9}{counts.fresh:>9}{counts.synthetic:>11}{counts.kept:>9}{fit.recipe.size:>9}"
            f"{worth:>10.1f}{share:>10.3f}"
        )
    if lineage:
        life = half_life([lineage.ancestry(number) for number in range(1, len(found.fits) + 1)])
        print(
            f"half of the real information is gone after {life:.0f} generations"
            if life < float("inf")
            else f"more than half of the real information is left after {len(found.fits) - 1} generations"
        )


def _print_pool(found: "Ledger", generation: int) -> None:
    recipe = found.recipe(generation)
    for segment, weight in zip(recipe.segments, recipe.weights(), strict=True):
        source = f"model of generation {segment.model}, lambda {segment.bias:g}" if segment.model else "real"
        if segment.best_of > 1:
            source += f", best of {segment.best_of}"
        if segment.verified:
            source += ", verified"
        if segment.correction:
            source += f", a share of {segment.moved:.3f} corrected"
        # Each generation draws from a stream of its own, and filters choose places of it.
        place = "" if segment.model else f" from place {segment.first}"
        print(f"{segment.count:>9}{place}, {source}, first in pool {segment.generation}, weight {weight:.3f}")
    if recipe.subsample is not None:
        print(f"{recipe.subsample:>9} of these drawn at random")


def _ledger_json(found: "Ledger", generation: int | None, out: Path | None) -> dict[str, Any]:
    chosen = range(1, len(found.fits) + 1) if generation is None else [generation]
    return {
        "run": found.run.id,
        "out": None if out is None else str(out.resolve()),
        "pools": [
            {
                **found.recipe(number).model_dump(mode="json"),
                "digest": found.fits[number - 1].pool,
                "model": found.fits[number - 1].blob,
            }
            for number in chosen
        ],
    }
