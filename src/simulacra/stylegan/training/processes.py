"""Processes that train together: each draws its own share of a batch, and all take the mean of their gradients.

Started by `torchrun`, which says in the environment who each is. One process alone needs none of it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from simulacra.errors import UserError

Decided = TypeVar("Decided")


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


def _own_device() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
