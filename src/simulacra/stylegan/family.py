"""The style-based networks as a family of generators: what a loop trains on pools and draws pictures from."""

from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from simulacra.canonical import identity
from simulacra.errors import UserError
from simulacra.generators.checkpoint import digest_of
from simulacra.generators.contract import Budget, Generator, Pool
from simulacra.generators.contract import Parameters as GeneratorParameters
from simulacra.runs.atomic import writing_to
from simulacra.runs.spec import short
from simulacra.stylegan.learnt import LAYOUT, Learnt, centres
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.feeding import RESOLUTIONS
from simulacra.stylegan.training.pooling import PoolFeeding
from simulacra.stylegan.training.presets import preset
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe, by_resolution
from simulacra.stylegan.training.state import TrainingState, read_state
from simulacra.stylegan.training.trainer import Trainer

CHECKPOINT_SECONDS = 10.0
"""At least between two checkpoints of a fit."""
_SAVING_SHARE = 0.05
"""Of the time that saving them may take."""
_LOOK = 256
"""Steps between two looks at whether a training diverged."""


class StyleGANParameters(GeneratorParameters):
    """Of the family `stylegan`; where one is not given, the preset's holds."""

    preset: str = Field("tiny2", description="networks and training: a name that `simulacra stylegan presets` lists")
    kimg: float | None = Field(None, gt=0, description="thousands of pictures shown in a fit without a budget")
    batch: int | None = Field(None, ge=1, description="pictures a step")
    rate: float | None = Field(None, gt=0, description="learning rate of both networks")
    r1_gamma: float | None = Field(None, ge=0, description="weight of R1")
    ema_kimg: float | None = Field(None, gt=0, description="half-life of the averaged generator")
    mirror: bool | None = Field(None, description="show every picture flipped half of the time: false for digits")
    augment: str | None = Field(
        None, description="transforms of real and made pictures, joined by +, as in shift+brightness; none for none"
    )
    z_dim: int | None = Field(None, ge=1, description="numbers of a latent")
    mapping_depth: int | None = Field(None, ge=0, description="dense layers from z to w")
    channel_base: int | None = Field(None, ge=1, description="feature maps times resolution, below the limit")
    channel_max: int | None = Field(None, ge=1, description="limit of the feature maps")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.recipe(RESOLUTIONS[0], 3, 0)
        return self

    def recipe(self, resolution: int, colours: int, labels: int) -> Recipe:
        """The training on pictures of this form.

        Its networks do not grow: a short fit would end with pictures of another size, and a warm start begins grown.

        Raises:
            UserError: no preset has this name, or values do not go together.
        """
        given = {name: value for name, value in self if name != "preset" and value is not None}
        if self.augment is not None:
            given["augment"] = () if self.augment == "none" else tuple(self.augment.split("+"))
        for table in {"batch", "rate"} & given.keys():
            given[table] = {4: given[table]}  # from 4 px up, so at every resolution
        return preset(self.preset, resolution=resolution, colours=colours, labels=labels, progressive=False, **given)


class StyleGAN(Generator):
    """Learns from pictures, float32 of shape (N, C, r, r) in [-1, 1]: C is 1, 3 or 4, r a power of two, 8 to 1024.

    A pool with labels makes the networks conditional. A step of the budget is a step of both networks on one batch.
    Lambda is the truncation psi: styles are drawn towards their mean, that of their class where there are classes, and
    noise stays as it is. A warm start begins with the averaged generator and its discriminator; the moments of both
    optimisers, the averages and the strength of augmentation begin anew.
    """

    family = "stylegan"
    version = 4
    summary = "A style-based generator, trained against a discriminator."
    origin = "Karras, Laine and Aila 2019; Karras et al. 2020; in a loop, Alemohammad et al. 2024"
    bias_meaning = "truncation"
    Parameters = StyleGANParameters
    parameters: StyleGANParameters

    def __init__(self, parameters: GeneratorParameters | None = None) -> None:
        super().__init__(parameters)
        self._learnt: Learnt | None = None

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        """See `Generator.fit`; equal bits take the same machine, libraries and number of threads.

        A training whose numbers are no longer finite is left early, and gives a generator whose state shows it.

        Raises:
            UserError: the samples are no such pictures, or a warm start learnt from others.
        """
        recipe = self._recipe(pool, budget)
        state = TrainingState(recipe, seed, torch.device("cpu"), LAYOUT)
        if self._learnt is not None:
            _start_warm(state, self._learnt)
        checkpoint = None
        if resume is not None:
            with writing_to(resume):
                resume.mkdir(parents=True, exist_ok=True)
            checkpoint = resume / f"{short(self._identity(pool, recipe, seed))}.safetensors"
            with suppress(UserError):  # none yet, or damaged: the fit begins again and writes another
                state.take(read_state(checkpoint))
        feeding = PoolFeeding(pool, recipe.description, seed, recipe.mirror)
        _train(Trainer(state, feeding, seed, Processes()), recipe.images, checkpoint)
        return self._knowing(
            Learnt(
                state.average,
                state.discriminator,
                pool.samples.shape[1],
                centres(state.average),
                _class_shares(pool, recipe.description.labels),
            )
        )

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        """See `Generator.sample`: of the averaged generator; equal on the same machine with any number of threads.

        Raises:
            UserError: it is not fitted, an argument is outside its range, or what it learnt is not finite.
        """
        return self._asked(count, bias, first).pictures(count, seed=seed, psi=bias, first=first)

    def labels(self, count: int, *, seed: int, first: int = 0) -> Tensor | None:
        """See `Generator.labels`: classes as likely as in the pool."""
        return self._asked(count, 1.0, first).classes(count, seed=seed, first=first)

    def state(self) -> Mapping[str, Tensor]:
        """See `Generator.state`: both networks, their description, and what truncation and labels need."""
        return {} if self._learnt is None else self._learnt.tensors()

    def with_state(self, state: Mapping[str, Tensor]) -> Self:
        """See `Generator.with_state`; the networks may be others than the parameters ask for.

        Raises:
            UserError: the state is not one of this family.
        """
        return self._knowing(Learnt.of(state))

    def _knowing(self, learnt: Learnt) -> Self:
        made = self.untrained()
        made._learnt = learnt
        return made

    def _asked(self, count: int, bias: float, first: int) -> Learnt:
        self.check_sampling(count, bias, first)
        assert self._learnt is not None  # or it were not fitted
        return self._learnt

    def _recipe(self, pool: Pool, budget: Budget | None) -> Recipe:
        """The training that a pool asks for, as long as the budget says."""
        resolution, channels = _form(pool.samples)
        labels = 0 if pool.labels is None else int(pool.labels.max()) + 1
        before = None if self._learnt is None else self._learnt.network.description
        if before is not None and labels:
            labels = max(labels, before.labels)  # a class that died out keeps its place
        recipe = self.parameters.recipe(resolution, max(3, channels), labels)
        if before is not None and before != recipe.description:
            raise _other_networks(before, recipe.description)
        batch = by_resolution(recipe.batch, resolution)
        steps = ceil(recipe.images / batch) if budget is None else budget.steps
        return recipe.changed(kimg=steps * batch / 1000)

    def _identity(self, pool: Pool, recipe: Recipe, seed: int) -> str:
        """Of a fit: what it begins with and how, so that a checkpoint of another one is never taken for its own."""
        parts = {"samples": pool.samples, "weights": pool.weights, "labels": pool.labels}
        learnt = digest_of({name: tensor for name, tensor in parts.items() if tensor is not None})
        words = {"recipe": recipe.to_json(), "seed": seed, "pool": learnt, "start": digest_of(self.state())}
        return identity("generator-fit", words)


def _form(samples: Tensor) -> tuple[int, int]:
    """Resolution and channels of pictures.

    Raises:
        UserError: the networks cannot learn from them.
    """
    shape = tuple(samples.shape)
    if len(shape) != 4 or samples.dtype != torch.float32 or shape[1] not in (1, 3, 4) or shape[2] != shape[3]:
        raise UserError(
            f"generator stylegan learns from square pictures, and these samples are {samples.dtype} of shape {shape}; "
            "give float32 of shape (samples, 1 or 3 or 4 channels, side, side)"
        )
    if shape[2] not in RESOLUTIONS:
        raise UserError(
            f"the pictures of the pool are {shape[2]} px wide, and generator stylegan makes "
            f"{', '.join(map(str, RESOLUTIONS))} px; give pictures of such a size"
        )
    if float(samples.abs().max()) > 1:
        raise UserError(
            f"the pictures of the pool reach {float(samples.abs().max()):g}; generator stylegan learns from numbers in "
            "-1 to 1: bring them there"
        )
    return shape[2], shape[1]


def _start_warm(state: TrainingState, learnt: Learnt) -> None:
    state.generator.load_state_dict(learnt.network.state_dict())
    state.average.load_state_dict(learnt.network.state_dict())
    state.discriminator.load_state_dict(learnt.discriminator.state_dict())


def _train(worker: Trainer, images: int, checkpoint: Path | None) -> None:
    """Train until so many pictures were shown, or until the numbers are no longer finite.

    The last checkpoint is of the end, so that a fit which is done costs nothing when it is asked for again.
    """
    state = worker.state
    saved, took = perf_counter(), 0.0
    while state.position.images < images:
        worker.step()
        due = perf_counter() - saved > max(CHECKPOINT_SECONDS, took / _SAVING_SHARE) or state.position.images >= images
        if (due or state.position.steps % _LOOK == 0) and not state.finite:
            return  # what is not finite never becomes so again
        if due and checkpoint is not None:
            began = perf_counter()
            state.save(checkpoint)
            saved = perf_counter()
            took = saved - began


def _class_shares(pool: Pool, classes: int) -> Tensor | None:
    """What share of the pool's weight each class has, shape (classes,), float64; None for a pool without labels."""
    return None if pool.labels is None else torch.bincount(pool.labels, weights=pool.shares(), minlength=classes)


def _other_networks(learnt: Description, asked: Description) -> UserError:
    one, other = learnt.to_json(), asked.to_json()
    name = next(name for name in one if one[name] != other[name])
    return UserError(
        f"generator stylegan knows networks whose {name.replace('_', '-')} is {one[name]}, and its parameters and this "
        f"pool ask for {other[name]}; give such a pool, or start from scratch"
    )
