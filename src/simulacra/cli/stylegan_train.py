"""`simulacra stylegan train`: train networks on a set of pictures, and show a training in TensorBoard."""

import json
from pathlib import Path
from shlex import join as shell_join
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from simulacra.cli.progress import progress
from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.stylegan.training.train import Trained

Switch = Annotated[bool, Parameter(negative=())]
Json = Annotated[bool, Parameter(name="--json", negative=())]


def train(
    data: Path,
    *,
    preset: str = "tiny",
    kimg: float | None = None,
    batch: int | None = None,
    rate: float | None = None,
    r1_gamma: float | None = None,
    augment: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    augment_share: float | None = None,
    mirror: bool | None = None,
    labels: Switch = False,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    seed: int = 0,
    precision: Literal["fp32", "bf16", "fp16"] | None = None,
    layout: Literal["contiguous", "channels-last"] | None = None,
    threads: int | None = None,
    processes: int = 1,
    tick_kimg: float = 1.0,
    snapshot_kimg: float = 10.0,
    tensorboard: Switch = False,
    store: Path | None = None,
    json_: Json = False,
) -> None:
    """Train a generator on a set of pictures. The same command goes on with a training that was stopped.

    What it will take is measured and told before the start. Several processes, started by torchrun, train together.

    Parameters
    ----------
    data
        The set: a zip or a folder, as `simulacra data build` makes it.
    preset
        Networks and schedule; `simulacra stylegan presets` lists them.
    kimg
        Length of the training, in thousands of pictures shown.
    batch
        Pictures a step, over all processes.
    rate
        Learning rate of both networks.
    r1_gamma
        Weight of R1: more of it steadies, and slows.
    augment
        A group of transforms that real and made pictures go through, such as shift; may be given several times.
    augment_share
        Their probability; otherwise it adapts to how sure the discriminator is of real pictures.
    mirror
        Show every picture flipped half of the time; otherwise as the preset says.
    labels
        Train with the labels of the set.
    set_
        FIELD=VALUE of the recipe or of the networks, such as channel-max=128; may be given several times.
    seed
        Of the first weights and of every draw.
    precision
        Of convolutions; otherwise bf16 where that is clearly faster here.
    layout
        Of pictures in memory; otherwise what is faster here.
    threads
        That compute in each process; otherwise as many as are fastest here.
    processes
        Started on the cores of this machine, that share every batch; the same number ends in the same bits.
    tick_kimg
        From one line of numbers in the journal to the next.
    snapshot_kimg
        From one network and grid of samples to the next.
    tensorboard
        Write for TensorBoard at every snapshot.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    json_
        Print a machine-readable summary.
    """
    from contextlib import nullcontext
    from functools import partial

    from simulacra.runs.progress import Silent
    from simulacra.sets import PictureSet
    from simulacra.stylegan.training.calibration import Wish
    from simulacra.stylegan.training.feeding import fields_of
    from simulacra.stylegan.training.presets import preset as recipe_of
    from simulacra.stylegan.training.processes import join, threads_of, together
    from simulacra.stylegan.training.train import Pace
    from simulacra.stylegan.training.train import train as run_training

    fields: dict[str, Any] = dict(_field(text) for text in set_)
    for name, value in {
        "kimg": kimg,
        "batch": None if batch is None else {4: batch},
        "rate": None if rate is None else {4: rate},
        "r1_gamma": r1_gamma,
        "augment": augment or None,
        "augment_share": augment_share,
        "mirror": mirror,
    }.items():
        if value is not None:
            fields[name] = value
    recipe = recipe_of(preset, **{**fields_of(PictureSet(data), labels), **fields})
    joined, device = join()
    if joined.world > 1 and processes > 1:
        raise UserError(f"--processes is {processes}, and torchrun has started {joined.world} already; leave it out")
    work = partial(
        run_training,
        data,
        recipe,
        seed=seed,
        pace=Pace(tick_kimg, snapshot_kimg, tensorboard=tensorboard),
        wish=Wish(threads_of(processes, device) if threads is None else threads, layout, precision),
        store=store,
        command=shell_join(["simulacra", "stylegan", "train", str(data), *_typed(preset, fields, labels, seed)]),
    )
    group = nullcontext(joined) if joined.world > 1 else together(processes, device, partial(work, watcher=Silent()))
    with group as joined, progress() if joined.first else nullcontext(Silent()) as watcher:
        trained = work(processes=joined, device=device, watcher=watcher)
    if joined.first:
        _print(trained, json_)


def presets(*, json_: Json = False) -> None:
    """List the presets of `train`: networks and schedule.

    Parameters
    ----------
    json_
        Print every field of every preset.
    """
    from simulacra.stylegan.training.presets import PRESETS
    from simulacra.stylegan.training.presets import preset as recipe_of

    if json_:
        print(json.dumps({name: {"what": PRESETS[name].what, **recipe_of(name).to_json()} for name in PRESETS}))
        return
    width = max(map(len, PRESETS))
    for name, entry in PRESETS.items():
        print(f"{name:{width}}  {entry.what}; {recipe_of(name).kimg:,g} kimg")


def tensorboard(run: str, *, out: Path | None = None, store: Path | None = None) -> None:
    """Write a training for TensorBoard, whole or under way; a later call adds what is new.

    Parameters
    ----------
    run
        The training: its id, or the beginning of it.
    out
        Folder for the event file; otherwise `tensorboard` in the run's own folder.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    """
    from simulacra.runs import Store
    from simulacra.stylegan.training.records import EXPERIMENT
    from simulacra.stylegan.training.tensorboard import write_events

    found = Store.open(store, create=False).find(run)
    if found.spec["experiment"] != EXPERIMENT:
        raise UserError(f"run {found.id} is no training; `simulacra runs list` shows which are")
    print(write_events(found, out))


def _field(text: str) -> tuple[str, Any]:
    """FIELD=VALUE, where the value is JSON or else a word."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UserError(f"--set is {text!r}; it must be FIELD=VALUE, such as channel-max=128")
    try:
        return name.strip().replace("-", "_"), json.loads(value)
    except ValueError:
        return name.strip().replace("-", "_"), value.strip()


def _typed(preset: str, fields: dict[str, Any], labels: bool, seed: int) -> list[str]:
    """Words that ask for the same training again."""
    words = ["--preset", preset, *(["--labels"] if labels else [])]
    for name, value in fields.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return [*words, *(["--seed", str(seed)] if seed else [])]


def _print(trained: "Trained", as_json: bool) -> None:
    if as_json:
        summary = {
            "run": trained.run.id,
            "folder": str(trained.run.folder.resolve()),
            "network": str(trained.network.resolve()),
            "digest": (trained.run.done or {}).get("network"),
            "samples": str(trained.samples.resolve()),
            "kimg": trained.kimg,
            "findings": list(trained.findings),
        }
        print(json.dumps(summary, ensure_ascii=True, allow_nan=False))
        return
    print(trained.run.folder)
    print(trained.network)
    print(trained.samples)
