"""The start of a training: which threads, layout of memory and precision are fastest here, and what it will take."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import disk_usage
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks import Generator
from simulacra.stylegan.networks.build import empty_discriminator
from simulacra.stylegan.training.feeding import Batch
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe
from simulacra.stylegan.training.schedule import Stage, grown_kimg, stage
from simulacra.stylegan.training.state import TrainingState
from simulacra.stylegan.training.trainer import Trainer

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}

_GAIN = 1.1
"""A lower precision must be this much faster to be chosen by itself."""
_PATIENCE_SECONDS = 30.0
"""After which no further way is tried: large networks on a processor take minutes a step."""
_LEAST_SECONDS = 1.5
"""Of timed steps: three of a small network are over in half a second, in which the machine may do something else."""
_KEPT = 3
"""Checkpoints that can be on the disk at once: the two kept and the one being written."""


@dataclass(frozen=True)
class Machine:
    """How the arithmetic is done. It decides the last bits, so a training keeps it from its first start to its end."""

    threads: int
    layout: str  # "contiguous" or "channels-last"
    precision: str  # "fp32", "bf16" or "fp16"

    def to_json(self) -> dict[str, Any]:
        """Fit for the journal."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.threads} {'thread' if self.threads == 1 else 'threads'}, {self.layout}, {self.precision}"


@dataclass(frozen=True)
class Forecast:
    """What a training will take, from a few steps of it."""

    seconds_a_kimg: float
    hours: float  # of it all, without snapshots
    memory_bytes: int  # of each process, at the full resolution
    disk_bytes: int  # checkpoints and networks

    def to_json(self) -> dict[str, float]:
        """Fit for the journal."""
        return asdict(self)

    def __str__(self) -> str:
        length = f"{self.hours:.1f} h" if self.hours >= 1 else f"{60 * self.hours:.0f} min"
        return (
            f"about {self.seconds_a_kimg:.3g} s for 1,000 pictures, {length} in all; "
            f"{self.memory_bytes / 1e9:.2g} GB of memory, {self.disk_bytes / 1e9:.2g} GB of disk"
        )


@dataclass(frozen=True)
class Wish:
    """Parts of a way of computing that a person insists on; None leaves one to be measured."""

    threads: int | None = None
    layout: str | None = None
    precision: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("layout", LAYOUTS), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise UserError(f"--{name} is {value!r}; it must be {' or '.join(known)}, or left out to measure")
        if self.threads is not None and self.threads < 1:
            raise UserError(f"--threads is {self.threads}; it must be 1 or more, or left out to measure")


def calibrate(recipe: Recipe, device: torch.device, wish: Wish, steps: int = 3) -> tuple[Machine, float]:
    """Time a few steps of made-up pictures in several ways of computing, and take the fastest.

    Layout, precision and threads are chosen in turn, each with what was fastest before: half the ways there are.

    Args:
        recipe: what will be trained, at its full resolution.
        device: where.
        wish: what is not to be measured. Of precisions, bf16 is taken where it is clearly faster, fp16 when asked for.
        steps: timed in each way at least, after one that is not; more where they are short.

    Returns:
        The fastest way, and its seconds a kimg.
    """
    most = torch.get_num_threads()
    threads = sorted({1, most}, reverse=True) if device.type == "cpu" else [most]
    choices: dict[str, list[Any]] = {
        "layout": [wish.layout] if wish.layout else list(LAYOUTS),
        "precision": [wish.precision] if wish.precision else ["fp32", "bf16"],
        "threads": [wish.threads] if wish.threads else threads,
    }
    plain = recipe.changed(r1_gamma=0.0, path_weight=0.0)
    best = Machine(**{name: options[0] for name, options in choices.items()})
    began = perf_counter()
    least = _steps(plain, device, best, steps)
    for name, options in choices.items():
        for option in options[1:]:
            if perf_counter() - began > _PATIENCE_SECONDS:
                break
            way = replace(best, **{name: option})
            seconds = _steps(plain, device, way, steps)
            if seconds * (_GAIN if name == "precision" else 1.0) < least:
                best, least = way, seconds
    return best, _seconds_a_kimg(recipe, device, best, least, steps)


def forecast(
    recipe: Recipe, seconds_a_kimg: float, memory_bytes: int, snapshots: int, processes: Processes
) -> Forecast:
    """What the training will take.

    Args:
        recipe: what will be trained.
        seconds_a_kimg: measured at the full resolution, by one process.
        memory_bytes: as `memory_needed` gives it.
        snapshots: networks that will be written.
        processes: that share the work.
    """
    generator, discriminator = _network_bytes(recipe)
    grown = max(0.0, recipe.kimg - grown_kimg(recipe))
    growing = recipe.kimg - grown  # coarser phases are cheaper; a half is a safe guess
    seconds_a_kimg /= processes.world
    return Forecast(
        seconds_a_kimg,
        seconds_a_kimg * (grown + growing / 2) / 3600,
        memory_bytes,
        _KEPT * (4 * generator + 3 * discriminator) + snapshots * generator,  # average and moments are in a checkpoint
    )


def memory_needed(recipe: Recipe, processes: Processes, sample: int = 2) -> int:
    """Bytes that each process needs: networks, moments, gradients, and what autograd keeps for the dearest step.

    The last is measured by steps with a few pictures at the full resolution, on the processor, and scaled to the share
    of a process.

    Args:
        recipe: what will be trained.
        processes: that share a batch.
        sample: pictures.
    """
    generator, discriminator = _network_bytes(recipe)
    small = recipe.changed(batch={4: sample}, r1_every=1, path_every=1)
    held = _Held()
    with torch.autograd.graph.saved_tensors_hooks(held.pack, lambda kept: kept.tensor):
        _steps(small, torch.device("cpu"), Machine(torch.get_num_threads(), "contiguous", "fp32"), count=0)
    share = -(-_grown(recipe).batch // processes.world)
    return 5 * generator + 4 * discriminator + held.most * share // sample


def refuse_memory(needed: int, device: torch.device) -> None:
    """Stop before the work where memory cannot hold it.

    Raises:
        UserError: it cannot.
    """
    free = _free_memory(device)
    if free is not None and needed > free:
        raise UserError(
            f"the training needs about {needed / 1e9:.2g} GB of memory and {free / 1e9:.2g} GB are free; give a "
            "smaller --batch, a set of a lower resolution or a smaller preset"
        )


def refuse_disk(needed: int, folder: Path) -> None:
    """Stop before the work where the disk cannot hold it.

    Raises:
        UserError: it cannot.
    """
    free = disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"the training writes about {needed / 1e9:.2g} GB and {free / 1e9:.2g} GB are free in {folder}; give a "
            "longer --snapshot-kimg, or another --store"
        )


@contextmanager
def computing(machine: Machine) -> Iterator[None]:
    """Compute this way in the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seconds_a_kimg(recipe: Recipe, device: torch.device, machine: Machine, plain_step: float, steps: int) -> float:
    """From the seconds of a step without the terms that regularise, and of each of them at its own rate."""
    plain = recipe.changed(r1_gamma=0.0, path_weight=0.0)
    seconds = plain_step
    if recipe.r1_gamma:
        with_r1 = plain.changed(r1_gamma=recipe.r1_gamma, r1_every=1)
        seconds += max(0.0, _steps(with_r1, device, machine, steps) - plain_step) / recipe.r1_every
    if recipe.path_weight:
        with_path = plain.changed(path_weight=recipe.path_weight, path_every=1)
        seconds += max(0.0, _steps(with_path, device, machine, steps) - plain_step) / recipe.path_every
    return 1000 * seconds / _grown(recipe).batch


def _steps(recipe: Recipe, device: torch.device, machine: Machine, count: int) -> float:
    """Median seconds of so many steps, or more where they are short, after one that is not counted; of 0, of that."""
    state = TrainingState(recipe, 0, device, LAYOUTS[machine.layout])
    state.position.images = state.position.scheduled = recipe.images + round(1000 * grown_kimg(recipe))  # fully grown
    batch = _made_up(recipe, _grown(recipe).batch, device)
    seconds: list[float] = []
    with computing(machine):
        worker = Trainer(state, lambda position, at: batch, 0, Processes(), PRECISIONS[machine.precision])
        while len(seconds) <= count or (count and sum(seconds[1:]) < _LEAST_SECONDS):
            began = perf_counter()
            worker.step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds.append(perf_counter() - began)
    return median(seconds[1:] or seconds)


def _grown(recipe: Recipe) -> Stage:
    return stage(recipe, round(1000 * grown_kimg(recipe)))


def _made_up(recipe: Recipe, count: int, device: torch.device) -> Batch:
    description = recipe.description
    stream = torch.Generator().manual_seed(0)
    shape = (count, description.colours, description.resolution, description.resolution)
    labels = None
    if description.labels:
        labels = torch.eye(description.labels)[torch.arange(count) % description.labels].to(device)
    return Batch((2 * torch.rand(shape, generator=stream) - 1).to(device), labels, labels)


def _network_bytes(recipe: Recipe) -> tuple[int, int]:
    """Bytes of the generator and of the discriminator."""
    with torch.device("meta"):  # shapes alone
        return _bytes(Generator(recipe.description)), _bytes(empty_discriminator(recipe.description))


def _bytes(network: torch.nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


class _Kept:
    """A tensor that autograd keeps, until nothing needs it any more."""

    def __init__(self, tensor: Tensor, held: "_Held") -> None:
        self.tensor = tensor
        self._held = held

    def __del__(self) -> None:
        self._held.release(self.tensor)


class _Held:
    """How many bytes autograd keeps, and the most it ever did; memory that several tensors share counts once."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self._now = 0
        self.most = 0

    def pack(self, tensor: Tensor) -> _Kept:
        """Count a tensor in."""
        storage = tensor.untyped_storage()
        if not self._times[storage.data_ptr()]:
            self._now += storage.nbytes()
            self.most = max(self.most, self._now)
        self._times[storage.data_ptr()] += 1
        return _Kept(tensor, self)

    def release(self, tensor: Tensor) -> None:
        """Count it out."""
        storage = tensor.untyped_storage()
        self._times[storage.data_ptr()] -= 1
        if not self._times[storage.data_ptr()]:
            self._now -= storage.nbytes()


def _free_memory(device: torch.device) -> int | None:
    """Bytes that can still be had; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pages = getattr(os, "sysconf", lambda name: 0)("SC_AVPHYS_PAGES")
        return pages * os.sysconf("SC_PAGE_SIZE") if pages else None
