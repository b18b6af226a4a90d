"""`simulacra autophagy`: the loops of the papers, and the trial of the laboratory against exact theory.

Loops in the run store are run by `simulacra.cli.autophagy_run`.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from simulacra.autophagy.selftest import Report

app = App(
    name="autophagy", help="A generator trained on its own samples: loops, their ledgers, a test against exact theory."
)
app.command(
    "simulacra.cli.autophagy_run:run", name="run", help="Run a loop beside its null arm, and measure every generation."
)
app.command(
    "simulacra.cli.autophagy_run:ledger", name="ledger", help="Show where a pool's samples came from, or make it again."
)
app.command(
    "simulacra.cli.autophagy_pages:page", name="page", help="Write the page of loops: measures, samples, what was lost."
)
app.command(
    "simulacra.cli.autophagy_pages:theory", name="theory", help="Write the page of MAD's figures, from theory and runs."
)


@app.command
def policies(
    name: str | None = None,
    *,
    samples: int = 1000,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """List the loops of the papers as policies, and the complete experiments on them.

    Parameters
    ----------
    name
        Show only this one.
    samples
        Samples of generation 1, in which the others are counted.
    json_
        Print a machine-readable list.
    """
    from simulacra.autophagy.experiments import EXPERIMENTS
    from simulacra.autophagy.presets import PRESETS, preset

    listed = [preset(name)] if name and name not in EXPERIMENTS else [] if name else list(PRESETS.values())
    complete = [EXPERIMENTS[name]] if name in EXPERIMENTS else [] if name else list(EXPERIMENTS.values())
    settings = {each.name: each.policy(samples).model_dump(exclude_defaults=True) for each in listed}
    if json_:
        facts: list[dict[str, Any]] = [
            {"name": each.name, "summary": each.summary, "paper": each.paper, "policy": settings[each.name]}
            for each in listed
        ]
        facts += [{**asdict(each), "paper": PRESETS[each.loop].paper} for each in complete]
        print(json.dumps(facts, ensure_ascii=False, allow_nan=False))
        return
    for each in listed:
        print(each.name)
        print(f"  {each.summary}")
        print(f"  paper: {each.paper}")
        shown = ", ".join(f"{key.replace('_', '-')} {_text(value)}" for key, value in settings[each.name].items())
        print(f"  {shown}\n")
    for experiment in complete:
        print(experiment.name)
        print(f"  {experiment.summary}")
        data = f" on {experiment.data}" if experiment.data else ""
        print(
            f"  {experiment.loop} with {experiment.generator}{data}, {experiment.samples} samples, "
            f"{experiment.generations} generations\n"
        )


@app.command
def selftest(
    *,
    seed: int = 1,
    replicates: int = 200,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Try every policy on the exact families, and print z-scores against exact theory.

    Parameters
    ----------
    seed
        Of every random draw.
    replicates
        Loops behind each check, at least 30.
    json_
        Print every check, machine-readable.
    """
    import sys

    from simulacra.autophagy.selftest import selftest as run_selftest

    report = run_selftest(
        seed=seed, replicates=replicates, watcher=lambda part: print(f"trying {part}", file=sys.stderr, flush=True)
    )
    if json_:
        wrong = [{**asdict(each), "caught": each.caught} for each in report.wrong]
        checks = [asdict(check) for check in report.checks]
        print(json.dumps({"passed": report.passed, "largest": report.largest, "checks": checks, "wrong": wrong}))
    else:
        _print(report)
    if not report.passed:
        raise SystemExit(1)


def _print(report: "Report") -> None:
    from simulacra.autophagy.selftest import LIMIT

    groups: dict[tuple[str, str], list[float]] = {}
    for check in report.checks:
        groups.setdefault((check.family, check.policy), []).append(abs(check.z))
    for (family, policy), scores in groups.items():
        print(f"{family:18} {policy:34} {len(scores):4} checks, largest |z| {max(scores):.2f}")
    print()
    for each in report.wrong:
        print(f"{'caught' if each.caught else 'MISSED'}: {each.wrong} (|z| {each.largest:.1f})")
    print()
    verdict = "passed" if report.passed else "failed"
    print(
        f"{verdict}: {len(report.checks)} checks, largest |z| {report.largest:.2f} of {LIMIT:g} allowed; "
        f"chance gives one as large in {report.chance:.0%} of all seeds"
    )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
