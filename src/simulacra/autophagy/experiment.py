"""The experiment: a loop with several seeds beside its null arm, each a run of the store, on all cores."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simulacra.autophagy.arm import Attempt, complete
from simulacra.autophagy.context import Context
from simulacra.autophagy.data import DIGITS, Data, open_data
from simulacra.autophagy.experiments import Experiment, experiment
from simulacra.autophagy.fork import changed, fork_plans
from simulacra.autophagy.journalled import read_journal
from simulacra.autophagy.loop import check_budget, check_judges
from simulacra.autophagy.plan import Leg, Plan, needed
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS, preset
from simulacra.autophagy.read import ARM, EXPERIMENT, settings_of
from simulacra.autophagy.threads import as_in_a_worker
from simulacra.errors import UserError
from simulacra.generators import Budget, open_generator
from simulacra.runs import Run, Store
from simulacra.runs.crew import Done, Failed, Tell, usual_workers, work
from simulacra.runs.progress import Silent, Watcher

SEEDS, RESTARTS = 3, 5
"""Loops, and fits of the null arm, unless told otherwise."""

_SAMPLES = 1000
"""Of a generation, where neither a person nor a preset says otherwise and the set has as many."""

_NULL_SEED = 0
"""One for all experiments: restarts on the same samples are the same fits, whatever loop is held against them."""

_DATA = "normal:dimensions=2"
"""What a policy is run on where nothing is said: the truth with a closed form for every loop."""


@dataclass(frozen=True)
class Asked:
    """What a person asks for; None where the preset, or the run that is left by a fork, decides.

    Args:
        presets: experiments and policies by name; empty only with `fork`, which then keeps its policy.
        generator: what learns, as `family:key=value,...`.
        data: `digits`, a set of pictures, or an exact truth.
        label: attribute of the set whose values are the classes.
        unconditional: classes are measured, and no generator is told them.
        samples: real samples of generation 1, in which the preset counts all others.
        generations: of every loop.
        bias: sampling bias lambda, in [0, 1].
        changes: settings of the policy by name.
        seeds: loops, each with a seed of its own.
        restarts: fits of the null arm; 0 for none.
        features: what pictures are compared in.
        reference: real samples set apart to measure against, and samples measured of each generation.
        steps: budget of a fit.
        seed: of the first loop; the others have the next ones.
        fork: `RUN@GENERATION`.
    """

    presets: tuple[str, ...] = ()
    generator: str | None = None
    data: str | None = None
    label: str | None = None
    unconditional: bool | None = None
    samples: int | None = None
    generations: int | None = None
    bias: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    seeds: int | None = None
    restarts: int = RESTARTS
    features: str | None = None
    reference: int | None = None
    steps: int | None = None
    seed: int | None = None
    fork: str | None = None

    def __post_init__(self) -> None:
        if not self.presets and self.fork is None:
            raise UserError("no --preset was given; simulacra autophagy policies lists them")
        for option, value, least in (
            ("seeds", self.seeds, 1),
            ("restarts", self.restarts, 0),
            ("samples", self.samples, 2),
            ("generations", self.generations, 1),
            ("steps", self.steps, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"--{option} is {value}; it must be {least} or more")
        if self.bias is not None and not 0 <= self.bias <= 1:
            raise UserError(f"--bias is {self.bias:g}; it must be 0 or more (modes only) and at most 1 (unbiased)")
        if self.fork is not None:
            fixed = (
                "generator", "data", "label", "unconditional", "samples", "features", "reference", "steps", "seeds",
            )  # fmt: skip
            given = [name for name in fixed if getattr(self, name) is not None]
            if given:
                raise UserError(
                    f"--{given[0]} is given beside --fork, which keeps that of the run it leaves; leave it out"
                )
            if len(self.presets) > 1:
                raise UserError("--fork goes on with one policy, and several are given; give one --preset at most")

    def policy(self, before: Policy) -> Policy:
        """A policy with the changes asked for."""
        return changed(before, {**({} if self.bias is None else {"bias": self.bias}), **self.changes})

    def command(self) -> str:
        """What a person types to make or continue this."""
        words = ["simulacra", "autophagy", "run"]
        words += [word for name in self.presets for word in ("--preset", name)]
        for name in (
            "fork", "generator", "data", "label", "samples", "generations", "bias", "seeds", "features", "reference",
            "steps", "seed",
        ):  # fmt: skip
            value = getattr(self, name)
            words += [] if value is None else [f"--{name}", str(value)]
        words += ["--unconditional"] if self.unconditional else []
        words += [] if self.restarts == RESTARTS else ["--restarts", str(self.restarts)]
        words += [
            word for name, value in self.changes.items() for word in ("--set", f"{name.replace('_', '-')}={value}")
        ]
        return shlex.join(words)


@dataclass(frozen=True)
class Made:
    """An experiment in the store, as far as it has come."""

    run: Run  # of the experiment
    arms: tuple[Run, ...]
    stopped: Mapping[str, str]  # id of an arm that ended before its time -> why


@dataclass(frozen=True)
class _Task:
    """One arm to make."""

    plan: Plan
    run: str  # id
    store: Path

    @property
    def name(self) -> str:
        """See `simulacra.runs.crew.Named`."""
        return self.plan.name


def run_experiment(
    asked: Asked, *, processes: int | None = None, store: Path | None = None, watcher: Watcher | None = None
) -> Made:
    """Run loops and their null arms, each arm and seed a run of its own.

    The same call continues what was stopped, and takes from the store every fit that another run already made. Results
    do not depend on the number of processes: every fit computes with as many threads as `OMP_NUM_THREADS` says, or
    one. A script that calls this with more than one process must hold it under `if __name__ == "__main__":`.

    Args:
        asked: what to run.
        processes: side by side; None means one a core.
        store: folder of the run store; None means that of the environment, or `./runs`.
        watcher: hears about progress; None for silence.

    Raises:
        UserError: bad input, with no generation made then; or an arm could not be made, and the rest is kept. A loop
            that stops because of what became of it is no error: `Made.stopped` says why.
    """
    watcher = watcher or Silent()
    if processes is not None and processes < 1:
        raise UserError(f"--processes is {processes}; it must be 1 or more")
    opened = Store.open(store)
    named = _forks(asked, opened) if asked.fork is not None else _loops(asked)
    if asked.restarts:
        named += [(name, _null(plan, asked)) for name, plan in named]
    command, context = asked.command(), Context()
    tasks: dict[str, _Task] = {}  # by identity: what is asked for twice is made once
    for name, plan in named:
        run = _arm(opened, name, plan, context, command)
        tasks.setdefault(run.identity, _Task(plan, run.id, opened.folder))
    runs = [opened.find(task.run) for task in tasks.values()]
    names = list(dict.fromkeys(name for name, _ in named))
    whole = opened.run(EXPERIMENT, "-".join(names), {"arms": list(tasks)}, {"names": names}, command)
    if whole.done is None or not all(complete(run) for run in runs):
        with whole.writing() as journal:
            _make(list(tasks.values()), processes or usual_workers(), watcher)
            stopped = _stops(runs)
            journal.finish("failed" if stopped else "done", arms=len(runs))
    else:
        watcher.tell(f"experiment {whole.id} was already complete; nothing was trained again")
    return Made(whole, tuple(runs), _stops(runs))


def _loops(asked: Asked) -> list[tuple[str, Plan]]:
    """The loops of presets, by name."""
    plans = []
    for name in asked.presets:
        chosen = experiment(name)
        text = asked.data or chosen.data
        if text is None and name not in PRESETS:
            raise UserError(f"the preset {name} needs a set of pictures; give --data SET, a zip or folder")
        reference = chosen.reference if asked.reference is None else asked.reference
        data = open_data(
            text or _DATA, label=asked.label, unconditional=bool(asked.unconditional), reference=reference, needed=0
        )
        generations = asked.generations or chosen.generations
        policy = _policy(asked, chosen, data, generations)
        policy.check(generations)
        generator = open_generator(asked.generator or chosen.generator or data.learner)
        features = asked.features or (_features(data) if data.pictures else None)
        if asked.features is not None and not data.pictures:
            raise UserError(
                f"--features is {asked.features}, and {data.text} holds numbers, not pictures; leave it out"
            )
        first = asked.seed or 0
        plan = Plan(
            arm="loop",
            legs=(Leg(policy, first, generations),),
            generator=generator.specification,
            budget=asked.steps,
            data=data.text,
            label=asked.label,
            unconditional=bool(asked.unconditional),
            reference=len(data.reference),
            features=features,
        )
        _refuse_impossible(name, plan, data)
        seeds = range(first, first + (asked.seeds or SEEDS))
        plans += [(name, replace(plan, legs=(Leg(policy, seed, generations),))) for seed in seeds]
    return plans


def _policy(asked: Asked, chosen: Experiment, data: Data, generations: int) -> Policy:
    """The policy of a preset in the samples asked for, or in as many as the set allows."""
    loop = preset(chosen.loop)
    given = chosen.samples if asked.samples is None else asked.samples
    samples = _SAMPLES if given is None else given
    # What a preset counts in samples of its own keeps its share.
    counted = {
        name: round(value * samples / chosen.samples) if chosen.samples else value
        for name, value in chosen.changes.items()
    }
    policy = asked.policy(loop.policy(samples, **counted))
    while given is None and data.held is not None and samples > 2 and needed(policy, generations) > data.held:
        # Again where counts that were rounded up ask for one too many.
        samples = max(2, min(samples - 1, samples * data.held // needed(policy, generations)))
        policy = asked.policy(loop.policy(samples))
    return policy


def _refuse_impossible(name: str, plan: Plan, data: Data) -> None:
    """Refuse before anything runs what would stop a later generation.

    Raises:
        UserError: the set is too small, or has no distribution or judge that the policy needs.
    """
    data.check(plan.taken)
    policy = plan.policy
    lacking = [
        what
        for needs, what in (
            (policy.best_of > 1 and data.judges.reward is None, "chooses by a reward"),
            (policy.verified and data.judges.accepts is None, "asks a verifier"),
            (policy.correction > 0 and data.held is not None, "draws from the true distribution"),
        )
        if needs
    ]
    if lacking:
        raise UserError(
            f"the policy {name} {lacking[0]}, and {data.text} has none; run it on an exact truth: --data {_DATA}"
        )
    check_judges(policy, data.judges)
    check_budget(policy, None if plan.budget is None else Budget(plan.budget))


def _features(data: Data) -> str:
    """What pictures are compared in where nothing is said."""
    return DIGITS if data.text == DIGITS else "pixels"


def _forks(asked: Asked, store: Store) -> list[tuple[str, Plan]]:
    """The loops that leave those of a run."""

    def policy(before: Policy) -> Policy:
        if not asked.presets:
            return asked.policy(before)
        chosen = experiment(asked.presets[0])
        return asked.policy(preset(chosen.loop).policy(before.initial, **chosen.changes))

    plans = fork_plans(asked.fork or "", store, policy, asked.generations, asked.seed)
    for name, plan in plans:
        data = plan.real_samples(0)
        _refuse_impossible(name, plan, data)
    return plans


def _null(plan: Plan, asked: Asked) -> Plan:
    """The null arm of a loop; of its policy only what shows on real data counts, so that loops and forks share it."""
    return replace(plan, arm="null", legs=(Leg(plan.policy, _NULL_SEED, asked.restarts),))


def _arm(store: Store, name: str, plan: Plan, context: Context, command: str) -> Run:
    features = context.features(plan)
    identity = plan.identity(
        open_generator(plan.generator), context.data(plan).identity, None if features is None else features.identity
    )
    label = f"{name}-{plan.arm}" if plan.arm == "null" else f"{name}-{plan.seed}"
    return store.run(ARM, label, identity, settings_of(plan, name), command)


def _stops(runs: Sequence[Run]) -> dict[str, str]:
    """The arms that ended before their time, and why."""
    causes = {run.id: read_journal(run).stopped for run in runs}
    return {name: cause for name, cause in causes.items() if cause is not None}


def _make(tasks: Sequence[_Task], processes: int, watcher: Watcher) -> None:
    """Make all arms.

    Raises:
        UserError: one could not be made; the rest is kept.
    """
    together, steps = min(processes, len(tasks)), [0] * len(tasks)
    what = "1 arm" if len(tasks) == 1 else f"{len(tasks)} arms"
    watcher.begin(f"{what}, {together} at a time", sum(task.plan.rounds for task in tasks), 0)

    def heard(number: int, event: int | str) -> None:
        if isinstance(event, str):
            watcher.tell(event)
        else:
            steps[number] = event
            watcher.advance(sum(steps))

    if together == 1:
        make = _maker()
        with as_in_a_worker():
            for number, task in enumerate(tasks):
                make(task, lambda event, number=number: heard(number, event))  # type: ignore[misc]
    else:
        with closing(work(tasks, _maker, together)) as events:
            for number, event in events:
                if isinstance(event, Failed):
                    raise UserError(event.message)
                if not isinstance(event, Done):
                    heard(number, event)
    watcher.end(f"{sum(steps)} generations and restarts")


def _maker() -> Callable[[_Task, Tell], str]:
    context = Context()

    def make(task: _Task, tell: Tell) -> str:
        run = Store.open(task.store, create=False).find(task.run)
        Attempt(run, task.plan, context.data(task.plan), lambda: context.meter(task.plan), tell).make()
        return run.id

    return make
