"""Processes that train together: each draws its own share of a batch, and all take the mean of their gradients.

Started here, on the cores of one machine, or by `torchrun`, which says in the environment who each is. One process
alone needs none of it.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.runs.manifest import usable_cores

Decided = TypeVar("Decided")

_GRACE_SECONDS = 5.0
"""Between the end of the first process and that of another in the middle of a step."""


@dataclass(frozen=True)
class Processes:
    """Who this process is, and how many there are."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over processes."""
        if self.world == 1:
            return value
        total = value.clone()
        distributed.all_reduce(total)
        return total / self.world

    def share(self, batch: int) -> int:
        """Pictures of a batch that each process takes.

        Raises:
            UserError: the batch cannot be shared equally.
        """
        if batch % self.world:
            raise UserError(
                f"a batch of {batch} cannot be shared by {self.world} processes; give a --batch that {self.world} "
                "divides"
            )
        return batch // self.world

    @torch.no_grad()
    def average_gradients(self, network: nn.Module) -> None:
        """Replace gradients by their mean over processes, all in one exchange; every process has the same ones."""
        if self.world == 1:
            return
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        mean = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(mean, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))  # in its own memory format, which the optimiser relies on

    def any(self, *asked: bool) -> tuple[bool, ...]:
        """Whether any process says so, for each question: they must act at the same step, or wait for each other."""
        if self.world == 1:
            return asked
        return tuple((self.mean(torch.tensor(asked, dtype=torch.float32, device=_own_device())) > 0).tolist())

    def decide(self, decision: Callable[[], Decided]) -> Decided:
        """What the first process decides, which has to be picklable; the others are told."""
        if self.world == 1:
            return decision()
        box = [decision() if self.first else None]
        distributed.broadcast_object_list(box)
        return cast(Decided, box[0])


def join() -> tuple[Processes, torch.device]:
    """Join the processes that `torchrun` started, and take a device; alone where it started none.

    NVIDIA GPUs talk through NCCL, processors through Gloo.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Processes(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        distributed.init_process_group("nccl")
    else:
        device = torch.device("cpu")
        distributed.init_process_group("gloo")
    return Processes(distributed.get_rank(), world), device


def threads_of(count: int, device: torch.device) -> int | None:
    """Threads of each of several processes on one machine's cores; None where it is for measurement to say."""
    return max(1, usable_cores() // count) if count > 1 and device.type == "cpu" else None


@contextmanager
def together(count: int, device: torch.device, work: Callable[..., object]) -> Iterator[Processes]:
    """Start processes on the cores of this machine, of which this one is the first; they end with the block.

    Where other work disturbs the cores this is steadier than threads, which wait for each other in every operation.

    Args:
        count: of processes.
        device: of the training; several need processors.
        work: what the others do, in step with the block: a function of a module, with all arguments but `processes`.

    Raises:
        UserError: so many cannot be, or one of the others was killed.
    """
    if not 1 <= count <= usable_cores():
        raise UserError(f"--processes is {count}; it must be 1 to {usable_cores()}, the cores of this machine")
    if count > 1 and device.type != "cpu":
        raise UserError(
            f"--processes is {count}, and this machine trains on its GPU; type: torchrun --nproc-per-node {count} "
            "-m simulacra stylegan train ..."
        )
    if count == 1:
        yield Processes()
        return
    with TemporaryDirectory(prefix="simulacra-") as folder:
        meeting = Path(folder) / "meeting"
        context = get_context("spawn")  # a fork of a process in which torch has started its threads may hang
        others = [
            context.Process(target=_follow, args=(meeting, rank, count, work), daemon=True) for rank in range(1, count)
        ]
        for other in others:
            other.start()
        try:
            _meet(meeting, 0, count)
            yield Processes(0, count)
        except RuntimeError as error:
            if (killed := _killed(others)) is None:
                raise
            raise UserError(
                f"a process of the training was ended by signal {killed}, as when memory runs out; the same command "
                "continues where it stopped, and --processes 1 takes the least memory"
            ) from error
        finally:
            for other in others:
                other.join(_GRACE_SECONDS)
                if other.is_alive():
                    other.terminate()
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _follow(meeting: Path, rank: int, count: int, work: Callable[..., object]) -> None:
    """What the others are: deaf to Ctrl-C, which the first one hears for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _meet(meeting, rank, count)
    with suppress(RuntimeError, KeyboardInterrupt):  # the first one stopped, and says why
        work(processes=Processes(rank, count))


def _meet(meeting: Path, rank: int, count: int) -> None:
    distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=count)


def _killed(others: Sequence[BaseProcess]) -> int | None:
    """The signal that ended one of them."""
    for other in others:
        other.join(_GRACE_SECONDS)
    codes = [other.exitcode for other in others if other.exitcode is not None]
    return next((-code for code in codes if code < 0), None)


def _own_device() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
