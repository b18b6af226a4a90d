"""Loops read back from the run store: the experiment of a run, its arms, and the record of each."""

from collections.abc import Iterator, Sequence

from simulacra.autophagy.journalled import read_journal
from simulacra.autophagy.measuring import NUMBERS
from simulacra.autophagy.plan import Leg, Plan
from simulacra.autophagy.record import LoopRecord, Reference
from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.runs import Run, Store
from simulacra.runs.spec import short

EXPERIMENT = "autophagy"
"""A run that holds no generation itself, but names the arms of one command."""

ARM = "autophagy-arm"
"""A run that is one arm with one seed."""


def records(store: Store, runs: Sequence[str]) -> list[LoopRecord]:
    """What is known of loops.

    Args:
        store: where they lie.
        runs: ids, or their beginnings; an experiment stands for all its arms, an arm for itself alone.

    Returns:
        One an arm and seed that has a round or was stopped before, each once, in order: loops as they were asked for,
        null arms after them.

    Raises:
        UserError: there is no such run, it is of another experiment, or none has made a generation yet.
    """
    if not runs:
        raise UserError("no run was named; simulacra runs list shows those there are")
    found = {run.id: run for name in runs for run in arms_of(store, store.find(name))}
    given = [record for run in found.values() if (record := _record(run)) is not None]
    if not any(record.rounds for record in given):
        first = next(iter(found.values()))
        if (cause := read_journal(first).stopped) is not None:
            raise UserError(f"run {first.id} was stopped in its first generation: {cause}")
        raise UserError(f"run {runs[0]} has no finished generation yet; continue it with: {first.spec['command']}")
    return sorted(given, key=lambda record: record.arm == "null")


def arms_of(store: Store, run: Run) -> Iterator[Run]:
    """The arms of an experiment; an arm is its own.

    Raises:
        UserError: the run is of something else, or an arm of it is gone.
    """
    experiment = run.spec["experiment"]
    if experiment == ARM:
        yield run
    elif experiment == EXPERIMENT:
        for identity in run.spec["identity"]["arms"]:
            yield store.find(short(identity))
    else:
        raise UserError(
            f"run {run.id} is no loop but of the experiment {experiment}; simulacra runs list shows which are"
        )


def experiment_of(store: Store, run: Run) -> Run:
    """The experiment that an arm belongs to, the newest of several; an experiment, or an arm of none, is its own."""
    if run.spec["experiment"] != ARM:
        return run
    return next(
        (
            other
            for other in store.runs()
            if other.spec["experiment"] == EXPERIMENT and run.identity in other.spec["identity"]["arms"]
        ),
        run,
    )


def plan_of(run: Run) -> Plan:
    """The plan of an arm."""
    settings = run.spec["settings"]
    return Plan(
        arm=run.spec["identity"]["arm"],
        legs=tuple(map(Leg.from_json, settings["legs"])),
        generator=settings["generator"],
        budget=run.spec["identity"]["budget"],
        data=settings["data"],
        label=settings["label"],
        unconditional=settings["unconditional"],
        reference=run.spec["identity"]["measured"]["count"],
        features=settings["features"],
    )


def settings_of(plan: Plan, name: str) -> dict[str, object]:
    """What the specification of an arm holds so that `plan_of` and a reader find it again."""
    return {
        "name": name,
        "generator": plan.generator,
        "data": plan.data,
        "label": plan.label,
        "unconditional": plan.unconditional,
        "features": plan.features,
        "legs": [leg.to_json() for leg in plan.legs],
    }


def _record(run: Run) -> LoopRecord | None:
    """The record of an arm; None before its first round, unless there will be none."""
    journalled, plan = read_journal(run), plan_of(run)
    if not journalled.rounds and journalled.stopped is None:
        return None
    shared = {name: run.spec["identity"][name] for name in ("generator", "budget", "data", "measured")}
    course = [[leg.policy.model_dump(mode="json"), leg.until] for leg in plan.legs]
    course[-1].pop()
    return LoopRecord(
        run=run.identity,
        arm=plan.arm,
        name=run.spec["settings"]["name"],
        policy=plan.policy,
        generator=plan.generator,
        data=plan.data,
        setting=identity("autophagy-setting", shared),
        course=identity("autophagy-course", {"legs": course}),
        details=_details(plan),
        seed=plan.seed,
        planned=plan.rounds,
        reference=journalled.reference or Reference(features=plan.features or NUMBERS, count=plan.reference, edges=()),
        rounds=tuple(made for _, made in sorted(journalled.rounds.items())),
        stopped=journalled.stopped,
        blob=run.store.blobs.get,
    )


def _details(plan: Plan) -> tuple[str, ...]:
    return (
        *([] if plan.budget is None else [f"{plan.budget} steps"]),
        *([] if plan.label is None else [f"by {plan.label}"]),
        *(["unconditional"] if plan.unconditional else []),
        *([] if plan.features is None else [f"in {plan.features}"]),
        f"{plan.reference} measured",
    )
