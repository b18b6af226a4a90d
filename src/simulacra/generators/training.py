"""Training of a network on a pool: every draw a function of seed and step, so that it goes on from anywhere.

A batch is cut into the same parts on every machine, each part is computed on one core, and the gradients are added in
the order of the parts: the weights do not depend on how many cores there are.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.optim import Adam

from simulacra.canonical import identity
from simulacra.generators.checkpoint import Checkpoint, digest_of
from simulacra.generators.contract import Diverged, Pool
from simulacra.generators.streams import uniforms
from simulacra.seeds import derive_seed
from simulacra.workers import Workers

PARTS = 2
"""Into which every batch is cut. More would keep more cores busy, and cost small networks more than that saves."""
CHECKPOINT_SECONDS = 10.0
"""Least time between two checkpoints, which is about what a kill loses at most."""
AVERAGE_POWER = 6.94
"""Of the averaged weights: step i counts about as i^6.94, a width of 10 % of the training, however long it is."""


@dataclass(frozen=True)
class Batch:
    """What a step learns from."""

    pictures: Tensor  # (B, C, H, W), in [-1, 1]
    labels: Tensor | None  # (B,), int64
    drawn: tuple[Tensor, ...]  # what the loss needs at random, each of B rows

    def part(self, index: int) -> "Batch":
        """One of its `PARTS`."""
        pictures, *drawn = (rows.tensor_split(PARTS)[index] for rows in (self.pictures, *self.drawn))
        return Batch(pictures, None if self.labels is None else self.labels.tensor_split(PARTS)[index], tuple(drawn))


@dataclass(frozen=True)
class Lesson:
    """What is learnt: a network, and its loss."""

    network: nn.Module
    draw: Callable[[Tensor, torch.Generator], tuple[Tensor, ...]]
    """From the pictures of a batch and a stream to `Batch.drawn`."""
    losses: Callable[[Batch], Tensor]
    """From a part of a batch, N pictures, to N losses."""


@dataclass(frozen=True)
class Plan:
    """How long a training is, and how fast."""

    steps: int
    batch: int  # pictures a step, `PARTS` or more
    rate: float  # of Adam


def initialise(network: nn.Module, seed: int) -> None:
    """Fill in first weights as torch does, those of each layer from a stream of its own; equal seeds give equal bits.

    What is no weight of a linear layer, a convolution or an embedding stays as the network was made.
    """
    for name, module in network.named_modules():
        stream = torch.Generator().manual_seed(derive_seed(seed, f"initial weights {name}"))
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            for _, weight in module.named_parameters(recurse=False):
                nn.init.uniform_(weight, -bound, bound, generator=stream)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=stream)


def train(
    lesson: Lesson, pool: Pool, plan: Plan, *, name: str, seed: int, resume: Path | None = None
) -> dict[str, Tensor]:
    """Train a network from the weights it has.

    Pictures are drawn from the pool with replacement, in proportion to their weights. The weights that come back are
    averaged over the end of the training.

    Args:
        lesson: with the network, which is changed.
        pool: pictures and their weights.
        plan: how long and how fast.
        name: of the generator with its parameters, for messages and the checkpoint.
        seed: of every draw.
        resume: a folder for one checkpoint, made if it is missing; None keeps none. A checkpoint of other arguments is
            ignored and overwritten. The last one stays, so that a fit which is done costs nothing when it is asked for
            again; the folder is the caller's to delete.

    Returns:
        The averaged weights, by name.

    Raises:
        Diverged: the loss is no longer finite.
        UserError: the folder cannot be written.

    Source: Kingma and Ba 2015, "Adam"; Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion
    Models", section 3.1, for the average.
    """
    progress = Progress(lesson.network, plan.rate)
    checkpoint = None
    if resume is not None:
        checkpoint = Checkpoint(resume, _identity(lesson.network, pool, plan, name, seed))
        progress.take(checkpoint.read())
    ends = pool.shares().cumsum(0)
    saved = perf_counter()
    with Workers(gradients=True) as workers:
        while progress.step < plan.steps:
            batch = _batch(lesson, pool, ends, plan.batch, seed, progress.step)
            loss = progress.learn(lesson, batch, workers)
            if not isfinite(loss):
                raise Diverged(
                    f"generator {name} diverged: its loss is {loss} at step {progress.step} of {plan.steps}; give a "
                    f"lower rate, such as rate={plan.rate / 4:.1g}"
                )
            done = progress.step == plan.steps
            if checkpoint is not None and (done or perf_counter() - saved >= CHECKPOINT_SECONDS):
                checkpoint.write(progress.tensors(), progress.step)
                saved = perf_counter()
    return {key: tensor.detach().clone() for key, tensor in progress.average.state_dict().items()}


class Progress:
    """A network in training: its weights, their average, and the moments of Adam."""

    def __init__(self, network: nn.Module, rate: float) -> None:
        self.step = 0  # steps that are done
        self.average = deepcopy(network).requires_grad_(False)
        self._network = network
        self._weights = list(network.parameters())
        self._optimiser = Adam(self._weights, lr=rate, fused=True)
        for weight in self._weights:  # Adam makes its moments at the first step; a checkpoint needs a place before
            self._optimiser.state[weight] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": torch.zeros_like(weight),
            }

    def learn(self, lesson: Lesson, batch: Batch, workers: Workers) -> float:
        """One step; its mean loss is given back, and where that is not finite the weights are lost."""
        parts = workers.run([_part(lesson, batch, self._weights, index) for index in range(PARTS)])
        for weight, *gradients in zip(self._weights, *(gradients for _, gradients in parts), strict=True):
            weight.grad = torch.stack(gradients).sum(0)
        self._optimiser.step()
        self.step += 1
        kept = (1 - 1 / self.step) ** (AVERAGE_POWER + 1)
        torch._foreach_lerp_(list(self.average.parameters()), [weight.detach() for weight in self._weights], 1 - kept)
        return sum(loss for loss, _ in parts)

    def tensors(self) -> dict[str, Tensor]:
        """All of it but the number of steps, by name; these share memory with it."""
        named = {f"weights.{name}": tensor.detach() for name, tensor in self._network.named_parameters()}
        named |= {f"average.{name}": tensor for name, tensor in self.average.named_parameters()}
        for index, weight in enumerate(self._weights):
            named |= {f"{key}.{index}": tensor for key, tensor in self._optimiser.state[weight].items()}
        return named

    def take(self, saved: tuple[dict[str, Tensor], int] | None) -> None:
        """Go on from what `tensors` and `step` were; None changes nothing."""
        if saved is not None:
            tensors, self.step = saved
            for name, tensor in self.tensors().items():
                tensor.copy_(tensors[name])


def _part(
    lesson: Lesson, batch: Batch, weights: list[nn.Parameter], index: int
) -> Callable[[], tuple[float, tuple[Tensor, ...]]]:
    """A call that gives one part's share of the mean loss, and its gradients."""

    def computed() -> tuple[float, tuple[Tensor, ...]]:
        loss = lesson.losses(batch.part(index)).sum() / len(batch.pictures)
        return float(loss.detach()), torch.autograd.grad(loss, weights)

    return computed


def _batch(lesson: Lesson, pool: Pool, ends: Tensor, count: int, seed: int, step: int) -> Batch:
    place = uniforms(count, 1, seed=derive_seed(seed, "training batch", step))[:, 0] * ends[-1]
    chosen = torch.searchsorted(ends, place).clamp(max=len(ends) - 1)
    pictures = pool.samples[chosen]
    stream = torch.Generator().manual_seed(derive_seed(seed, "training noise", step))
    return Batch(pictures, None if pool.labels is None else pool.labels[chosen], lesson.draw(pictures, stream))


def _identity(network: nn.Module, pool: Pool, plan: Plan, name: str, seed: int) -> str:
    """Of a fit: another one never goes on from its checkpoint."""
    learnt = {"samples": pool.samples, "shares": pool.shares()}
    if pool.labels is not None:
        learnt["labels"] = pool.labels
    return identity(
        "generator-fit",
        {
            "name": name,
            "seed": seed,
            "plan": [plan.steps, plan.batch, plan.rate],
            "start": digest_of(network.state_dict()),
            "pool": digest_of(learnt),
        },
    )
