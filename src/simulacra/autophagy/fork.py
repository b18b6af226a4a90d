"""Forks: the first generations of a stored loop, then another policy, bias or seed from there on."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from simulacra.autophagy.journalled import read_journal
from simulacra.autophagy.plan import Leg, Plan
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.read import arms_of, plan_of
from simulacra.errors import UserError
from simulacra.runs import Store


def fork_plans(
    text: str, store: Store, policy: Callable[[Policy], Policy], generations: int | None, seed: int | None
) -> list[tuple[str, Plan]]:
    """The loops that leave those of a run after a generation, each with its name.

    Args:
        text: `RUN@GENERATION`; RUN is an experiment, all of whose loops are forked, or one loop.
        store: where it lies.
        policy: from the policy of a loop to that of its fork.
        generations: of the fork, the shared ones counted; None means as many as the loop has.
        seed: of the own generations of the first loop's fork, the others have the next ones; None means that of each
            loop.

    Raises:
        UserError: there is no such run, it has not come so far, or the fork changes what is made already.
    """
    name, at, number = text.rpartition("@")
    if not at or not number.isdecimal():
        raise UserError(f"--fork is {text!r}; it must be RUN@GENERATION, such as tiny-fresh-3f9a2c1b04de@3")
    generation = int(number)
    plans: list[tuple[str, Plan]] = []
    for run in arms_of(store, store.find(name)):
        plan = plan_of(run)
        if plan.arm == "null":
            continue
        journalled = read_journal(run)
        made = len(journalled.rounds)
        if journalled.stopped is not None and generation > made:
            raise UserError(
                f"--fork names generation {generation}, and run {run.id} ended after {made}: {journalled.stopped}"
            )
        if not 0 < generation <= made:
            raise UserError(
                f"--fork names generation {generation}, and run {run.id} has made {made} of its {plan.rounds}; name "
                f"one of these, or continue it first: {run.spec['command']}"
            )
        own = None if seed is None else seed + len(plans)
        planned = plan.rounds if generations is None else generations
        if planned <= generation:
            raise UserError(
                f"--generations is {planned}; it must be above {generation}, the generation where --fork leaves the run"
            )
        fork = _forked(plan, generation, policy(plan.policy), planned, own)
        plans.append((f"{run.spec['settings']['name']} forked at {generation}", fork))
    if not plans:
        raise UserError(f"--fork names {name}, which is no loop; name a loop or an experiment")
    return plans


def _forked(plan: Plan, generation: int, policy: Policy, planned: int, seed: int | None) -> Plan:
    if policy.initial != plan.policy.initial:
        raise UserError(
            f"the fork would begin with {policy.initial} real samples and the run began with {plan.policy.initial}; "
            "generation 1 is shared, so leave --samples and initial as they are"
        )
    policy.check(planned)
    before = [replace(leg, until=min(leg.until, generation)) for leg in plan.legs if _begins(plan, leg) < generation]
    last = Leg(policy, plan.seed if seed is None else seed, planned)
    if replace(before[-1], until=planned) == last:  # the same loop, only longer
        before.pop()
    return replace(plan, legs=(*before, last))


def _begins(plan: Plan, leg: Leg) -> int:
    """The last generation before a leg."""
    return max((other.until for other in plan.legs if other.until < leg.until), default=0)


def changed(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """A policy with other settings.

    Raises:
        UserError: a name is unknown, a value breaks its rule, or the whole is impossible.
    """
    return Policy.of(**{**policy.model_dump(), **changes})
