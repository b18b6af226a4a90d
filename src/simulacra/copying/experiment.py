"""The experiment: ask a copier for a replica, then for a replica of the replica, 101 times, beside control chains."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulacra.copiers import Copier, make
from simulacra.copying.fork import open_fork
from simulacra.copying.making import Making
from simulacra.copying.plan import ChainPlan, Leg, Source, default_controls, plan_chains, run_identity
from simulacra.copying.remedies import Remedy
from simulacra.copying.remedies import make as make_remedy
from simulacra.copying.result import CopyResult
from simulacra.copying.sources import DEFAULT_SIZE, Size, open_sources
from simulacra.errors import UserError
from simulacra.images.open import PIXEL_LIMIT
from simulacra.measures.meter import available_channels
from simulacra.runs import Run, Store
from simulacra.runs.progress import Silent, Watcher

EXPERIMENT = "copy"


def copy(
    pictures: Sequence[str | Path] | str | Path = (),
    *,
    copier: str | Copier,
    times: int = 101,
    size: Size = DEFAULT_SIZE,
    controls: bool | Sequence[str] = True,
    remedies: Sequence[str | Remedy] = (),
    replicates: int = 1,
    seed: int = 0,
    fork: str | None = None,
    channels: Sequence[str] | None = None,
    store: Path | None = None,
    pixel_limit: int = PIXEL_LIMIT,
    watcher: Watcher | None = None,
) -> CopyResult:
    """Copy pictures over and over, each copy made from the one before, and measure the drift of every frame.

    The same call continues a run that was stopped, and takes from the store every frame that another run already made.

    Args:
        pictures: files, or folders of pictures; empty only with `fork`.
        copier: what copies, as `family:key=value,...` or an object.
        times: copies in each chain, 1 or more.
        size: longest side in pixels; larger pictures are shrunk to it first, smaller ones stay. "original" keeps all.
        controls: True for the copier's own (identity, its resizing without its model, a codec), False for none, or
            specifications.
        remedies: what to try against the drift, as `family:key=value,...` or objects; every model chain is made once
            more with each of them.
        replicates: chains a picture, each with its own seed; only where the copier draws anything.
        seed: of every random draw.
        fork: `RUN@FRAME`: take that run's pictures and its frames up to FRAME, and let `copier` make the rest.
        channels: names of what to measure; None means all channels but the slow ones. Frames do not depend on it.
        store: folder of the run store; None means that of the environment, or `./runs`.
        pixel_limit: files with more pixels are refused unread, against decompression bombs.
        watcher: hears about progress; None for silence.

    Returns:
        The run with all its chains, frames and values.

    Raises:
        UserError: bad input; nothing has been written then.
    """
    watcher = watcher or Silent()
    if times < 1:
        raise UserError(f"--times is {times}; it must be 1 or more")
    if replicates < 1:
        raise UserError(f"--replicates is {replicates}; it must be 1 or more")
    model = make(copier) if isinstance(copier, str) else copier
    files = [Path(pictures)] if isinstance(pictures, str | Path) else [Path(picture) for picture in pictures]
    if fork is None:
        sources, legs = open_sources(files, size, pixel_limit), [Leg(model, times)]
    else:
        sources, legs = _forked(fork, files, model, times, store)
    chosen = default_controls(model) if controls is True else tuple(controls or ())
    beside = [make(text) for text in dict.fromkeys(chosen)]
    named = [make_remedy(text) if isinstance(text, str) else text for text in remedies]
    treatments = list({remedy.specification: remedy for remedy in named}.values())
    _check([leg.copier for leg in legs] + [remedy.copier(model) for remedy in treatments] + beside, sources)
    fitted = _fit(treatments, sources)

    measured, absent = available_channels(channels)
    plans, told = plan_chains(sources, legs, beside, replicates, seed, treatments)
    run = Store.open(store).run(
        EXPERIMENT,
        model.family,
        run_identity(sources, legs, beside, replicates, seed, treatments),
        _settings(sources, legs, plans, times),
        _command(files, model, times, size, controls, treatments, replicates, seed, fork, channels),
    )
    plans = _as_first_named(plans, run)
    for sentence in [told, *(f"{source.label}: {said}" for source in sources for said in source.told), *fitted]:
        if sentence:
            watcher.tell(sentence)
    for name, reason in absent.items():
        watcher.tell(f"the {name} channel is not measured: {reason}")
    return Making(run, plans, list(measured.values()), absent, watcher).result()


def _forked(
    fork: str, files: Sequence[Path], model: Copier, times: int, store: Path | None
) -> tuple[list[Source], list[Leg]]:
    if files:
        raise UserError("--fork takes its pictures from the run it leaves; name no picture beside it")
    origin = open_fork(fork, store)
    if times <= origin.frame:
        raise UserError(f"--times is {times}; it must be above {origin.frame}, the frame where --fork leaves the run")
    return list(origin.sources), [*origin.legs, Leg(model, times - origin.frame)]


def _check(copiers: Sequence[Copier], sources: Sequence[Source]) -> None:
    """Refuse whatever would stop the first copy, before anything is written."""
    for copier in copiers:
        copier.check()
        for source in sources:
            height, width = source.pixels.shape[:2]
            copier.size_rule.check(copier.specification, width, height)


def _fit(remedies: Sequence[Remedy], sources: Sequence[Source]) -> list[str]:
    """Refuse a picture that a remedy cannot treat; otherwise what is done so that it fits, in sentences."""
    return [
        f"{source.label} with {remedy.specification}: {said}"
        for remedy in remedies
        for source in sources
        for said in remedy.check(source.pixels.shape[1], source.pixels.shape[0])
    ]


def _settings(sources: Sequence[Source], legs: Sequence[Leg], plans: Sequence[ChainPlan], times: int) -> dict[str, Any]:
    return {
        "times": times,
        "pictures": [
            {
                "label": source.label,
                "digest": source.digest,
                "width": source.pixels.shape[1],
                "height": source.pixels.shape[0],
                "told": list(source.told),
            }
            for source in sources
        ],
        "legs": [{"copier": leg.copier.specification, "copies": leg.copies} for leg in legs],
        "chains": [
            {
                "name": plan.name,
                "picture": plan.source.label,
                "copier": plan.legs[-1].copier.specification,
                "control": plan.control,
                "replicate": plan.replicate,
                "remedy": None if plan.legs[-1].remedy is None else plan.legs[-1].remedy.specification,
            }
            for plan in plans
        ],
    }


def _as_first_named(plans: Sequence[ChainPlan], run: Run) -> list[ChainPlan]:
    """The plans under the names the run already has: a picture may have been renamed since."""
    chains = run.spec["settings"]["chains"]
    labels = {picture["digest"]: picture["label"] for picture in run.spec["settings"]["pictures"]}
    return [
        replace(plan, name=chain["name"], source=replace(plan.source, label=labels[plan.source.digest]))
        for plan, chain in zip(plans, chains, strict=True)
    ]


def _command(
    files: Sequence[Path],
    model: Copier,
    times: int,
    size: Size,
    controls: bool | Sequence[str],
    remedies: Sequence[Remedy],
    replicates: int,
    seed: int,
    fork: str | None,
    channels: Sequence[str] | None,
) -> str:
    """What a person types to make or continue this run."""
    words = ["simulacra", "copy", *map(str, files), "--copier", model.specification, "--times", str(times)]
    if fork is not None:
        words += ["--fork", fork]
    elif size != DEFAULT_SIZE:
        words += ["--size", str(size)]
    if controls is False:
        words.append("--no-controls")
    elif controls is not True:
        words += [word for text in controls for word in ("--control", text)]
    words += [word for remedy in remedies for word in ("--remedy", remedy.specification)]
    if replicates != 1:
        words += ["--replicates", str(replicates)]
    if seed != 0:
        words += ["--seed", str(seed)]
    words += [word for name in channels or () for word in ("--channel", name)]
    return shlex.join(words).encode(errors="backslashreplace").decode()
