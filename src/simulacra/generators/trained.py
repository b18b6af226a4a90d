"""What the families that train a network share: their state, their fits and their classes."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.generators.contract import Budget, Generator, Parameters, Pool
from simulacra.generators.pictures import CHUNK, Layout, in_chunks, layout_of, on_grid
from simulacra.generators.streams import uniforms
from simulacra.generators.training import PARTS, Lesson, Plan, initialise, train

_LAYOUT, _SHARES, _NETWORK = "layout", "shares", "network."
_OF_LABELS = 1
"""Purpose of the streams that classes are drawn from; what the samples are made of has purpose 0."""


class TrainedParameters(Parameters):
    """Of every family that trains a network."""

    rate: float = Field(1e-3, gt=0, description="learning rate of Adam")
    batch: int = Field(64, ge=PARTS, description="pictures a step")
    steps: int = Field(1000, ge=1, description="of a fit whose budget is not given")


class Trained(Generator):
    """A family whose state is a network.

    A pool with labels makes it conditional: it learns each class, and draws classes as often as the pool had them.
    """

    parameters: TrainedParameters

    def __init__(self, parameters: Parameters | None = None) -> None:
        super().__init__(parameters)
        self._state: dict[str, Tensor] = {}

    @abstractmethod
    def build(self, layout: Layout) -> nn.Module:
        """A network for pictures of this form, whatever its weights."""

    @abstractmethod
    def lesson(self, network: nn.Module, layout: Layout) -> Lesson:
        """What a network learns."""

    @abstractmethod
    def draw(self, count: int, labels: Tensor | None, *, seed: int, bias: float, first: int) -> Tensor:
        """Pictures of shape (count, C, H, W), not yet on the grid, from streams of their own; labels (count,)."""

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; the budget is in steps, and a warm start begins at the averaged weights.

        Raises:
            UserError: the samples are no pictures, or of another form than those it learnt from before; the training
                diverged; the folder cannot be written.
        """
        layout = self._fitting(layout_of(pool, self.family))
        network = self.build(layout)
        if self.fitted:
            network.load_state_dict(self._weights)
        else:
            initialise(network, seed)
        steps = self.parameters.steps if budget is None else budget.steps
        plan = Plan(steps, self.parameters.batch, self.parameters.rate)
        name = self.specification
        weights = train(self.lesson(network, layout), pool, plan, name=name, seed=seed, resume=resume)
        state = {_LAYOUT: torch.tensor(layout)} | {f"{_NETWORK}{key}": tensor for key, tensor in weights.items()}
        if pool.labels is not None:
            state[_SHARES] = torch.bincount(pool.labels, weights=pool.shares(), minlength=layout.classes)
        return self.with_state(state)

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`; samples are made in whole chunks, so that few cost as much as a chunk."""
        self.check_sampling(count, bias, first)

        def chunk(place: int) -> Tensor:
            labels = self.labels(CHUNK, seed=seed, first=place)
            return on_grid(self.draw(CHUNK, labels, seed=seed, bias=bias, first=place))

        return in_chunks(count, first, self.layout.shape, chunk)

    def labels(self, count: int, *, seed: int, first: int = 0) -> Tensor | None:
        """See `Generator.labels`: classes as often as the pool had them."""
        self.check_sampling(count, 1.0, first)
        if _SHARES not in self._state:
            return None
        ends = self._state[_SHARES].cumsum(0)
        place = uniforms(count, 1, seed=seed, first=first, purpose=_OF_LABELS)[:, 0] * ends[-1]
        # From the left, so that a class that was not seen is never drawn.
        return torch.searchsorted(ends, place).clamp(max=len(ends) - 1)

    def state(self) -> Mapping[str, Tensor]:
        """See `Generator.state`."""
        return dict(self._state)

    def with_state(self, state: Mapping[str, Tensor]) -> Self:
        """See `Generator.with_state`.

        Raises:
            UserError: it is not the state of such a network.
        """
        made = self.untrained()
        made._state = {name: tensor.detach().contiguous() for name, tensor in state.items()}
        try:
            made.network.eval()
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(
                f"the state is not that of generator {self.specification}; give the state of one with the same "
                "parameters"
            ) from error
        return made

    @property
    def layout(self) -> Layout:
        """The form of the pictures it learnt from."""
        return Layout(*self._state[_LAYOUT].tolist())

    @cached_property
    def network(self) -> Any:
        """What `build` gives, with the averaged weights, to sample from."""
        network = self.build(self.layout)
        network.load_state_dict(self._weights)
        return network.requires_grad_(False)

    @property
    def _weights(self) -> dict[str, Tensor]:
        known = {_LAYOUT, _SHARES}
        return {name.removeprefix(_NETWORK): tensor for name, tensor in self._state.items() if name not in known}

    def _fitting(self, layout: Layout) -> Layout:
        """The form of the networks of a fit: that of the pool, or in a warm start the one there is.

        Raises:
            UserError: the pool does not fit what was learnt before.
        """
        if not self.fitted:
            return layout
        known = self.layout
        same = known.shape == layout.shape and (known.classes > 0) == (layout.classes > 0)
        if not same or layout.classes > known.classes:
            raise UserError(
                f"the pool has pictures of shape {layout.shape} with {layout.classes} classes, and this generator "
                f"{self.family} learnt from shape {known.shape} with {known.classes}; start from scratch, or give a "
                "pool of the same form"
            )
        return known
