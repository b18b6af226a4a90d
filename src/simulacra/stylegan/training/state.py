"""The whole state of a training, and its one file: networks, averages, optimisers and position."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.optim import Adam

from simulacra.errors import UserError
from simulacra.runs.tensor_file import TensorFile
from simulacra.stylegan.networks import Discriminator, Generator, build_discriminator, build_generator
from simulacra.stylegan.training.recipe import Recipe

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")

BETAS = (0.0, 0.99)
EPSILON = 1e-8


@dataclass
class Position:
    """Where a training stands, beside its weights. Random draws follow from it, so there is no other random state."""

    images: int = 0  # real pictures shown, over all processes
    steps: int = 0
    scheduled: int = 0  # images at the last look at the schedule
    path_mean: float = 0.0  # running mean of path lengths
    augment: float = 0.0  # probability of each transform
    signs: float = 0.0  # sum of sign D(real) since the last adaptation of `augment`
    signed: int = 0  # pictures in that sum
    retries: int = 0  # times the doctor rolled back; each begins another random stream


class _Header(BaseModel):
    """What the file says about itself."""

    recipe: dict[str, Any]
    position: Position


_FILE = TensorFile(
    noun="checkpoint",
    format="stylegan-training",
    version=1,
    header=_Header,
    remedy="delete it, and the same command goes on without it",
)


@dataclass(frozen=True)
class Saved:
    """What the file of a training holds."""

    path: Path
    recipe: dict[str, Any]
    position: Position
    tensors: dict[str, Tensor]


class TrainingState:
    """Everything that a resumed training needs to end in the same bits."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        """The state at the start.

        Args:
            recipe: what is trained.
            seed: of the first weights.
            device: where the networks live.
            memory_format: of weights and pictures.
        """
        self.recipe = recipe
        self.device = device
        self.memory_format = memory_format
        self.generator: Generator = build_generator(recipe.description, seed).to(device)
        self.discriminator: Discriminator = build_discriminator(recipe.description, seed).to(device)
        self.average: Generator = deepcopy(self.generator).requires_grad_(False)
        for network in (self.generator, self.discriminator, self.average):
            network.to(memory_format=memory_format)  # type: ignore[call-overload]
        self.position = Position(augment=recipe.augment_share or 0.0)
        self.forget_moments()

    def forget_moments(self) -> None:
        """Begin anew with both optimisers: another function is learned from here on."""
        path = lazy_correction(self.recipe.path_every, self.recipe.path_weight)
        penalty = lazy_correction(self.recipe.r1_every, self.recipe.r1_gamma)
        self.generator_optimiser = _adam(self.generator, path)
        self.discriminator_optimiser = _adam(self.discriminator, penalty)

    def save(self, path: Path) -> None:
        """Write the whole state; a reader finds all of it or what was there before.

        Raises:
            StoreFull: no space is left; nothing is half-written.
            UserError: the file cannot be written.
        """
        _FILE.write(path, dict(self._tensors()), _Header(recipe=self.recipe.to_json(), position=self.position))

    def take(self, saved: "Saved") -> None:
        """Take over what a file holds.

        Raises:
            UserError: it is a training by another recipe, or does not fit its own. The state is as it was before.
        """
        if saved.recipe != (asked := self.recipe.to_json()):
            name = next(key for key in asked if saved.recipe.get(key) != asked[key])
            raise UserError(
                f"{saved.path} is a training by another recipe: its {name.replace('_', '-')} is "
                f"{saved.recipe.get(name)}, where {asked[name]} is asked for; give the recipe it was begun with, or "
                "another run"
            )
        networks = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average}
        parts = {name: _under(f"{name}.", saved.tensors) for name in networks}
        for name, network in networks.items():
            expected = {key: value.shape for key, value in network.state_dict().items()}
            if expected != {key: value.shape for key, value in parts[name].items()}:
                raise UserError(
                    f"{saved.path} holds weights that do not fit its own recipe; delete it, and the same command goes "
                    "on without it"
                )
        for name, network in networks.items():
            network.load_state_dict(parts[name])
        self.forget_moments()
        for name, optimiser in self._optimisers():
            _restore(optimiser, _under(f"{name}.", saved.tensors))
        self.position = replace(saved.position)

    @property
    def finite(self) -> bool:
        """Whether every number of it is one: what is not never becomes one again."""
        return bool(torch.stack([torch.isfinite(tensor).all().to(self.device) for _, tensor in self._tensors()]).all())

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for name, network in (
            ("generator", self.generator),
            ("discriminator", self.discriminator),
            ("average", self.average),
        ):
            yield from ((f"{name}.{key}", tensor) for key, tensor in network.state_dict().items())
        for name, optimiser in self._optimisers():
            for index, moments in optimiser.state_dict()["state"].items():
                yield from ((f"{name}.{index}.{key}", moments[key]) for key in _MOMENTS)

    def _optimisers(self) -> tuple[tuple[str, Adam], tuple[str, Adam]]:
        return ("of-generator", self.generator_optimiser), ("of-discriminator", self.discriminator_optimiser)


def lazy_correction(every: int, weight: float) -> float:
    """What a term that is a step of its own every n steps multiplies learning rate and exponents of betas with.

    n / (n + 1), since n + 1 steps are made in place of n; 1 without the term, and with one that is part of every step.

    Source: Karras et al. 2020, appendix B, "lazy regularization".
    """
    return every / (every + 1) if weight and every > 1 else 1.0


def read_state(path: Path) -> Saved:
    """Read what `TrainingState.save` wrote.

    Raises:
        UserError: the file cannot be read, is cut off, or holds something else.
    """
    header, tensors = _FILE.read(path)
    return Saved(path, header.recipe, header.position, tensors)


def _adam(network: nn.Module, correction: float) -> Adam:
    betas = (BETAS[0] ** correction, BETAS[1] ** correction)
    return Adam(network.parameters(), betas=betas, eps=EPSILON, fused=True)  # the rate is set at each step


def _restore(optimiser: Adam, tensors: Mapping[str, Tensor]) -> None:
    """Fill in the moments, each laid out in memory as its weight is: the fused step takes them side by side."""
    weights = optimiser.param_groups[0]["params"]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        laid_out = tensor if key == "step" else torch.empty_like(weights[int(index)]).copy_(tensor)
        state.setdefault(int(index), {})[key] = laid_out
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
