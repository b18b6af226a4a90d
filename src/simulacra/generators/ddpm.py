"""A denoising diffusion model: the UNet and the schedulers of diffusers, guidance and streams of our own."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.generators.pictures import Layout
from simulacra.generators.streams import normals
from simulacra.generators.trained import Trained, TrainedParameters
from simulacra.generators.training import Batch, Lesson

DROPPED = 0.1
"""Share of labels that training hides, so that one network learns with and without them."""
LEAST_BIAS = 0.05
"""Smallest lambda with classes: guidance 1 / lambda - 1 has no end, and above 19 pictures are saturated noise."""

_LINEAR_ENDS = 1e-4, 0.02
"""Of beta, for 1,000 noise levels; fewer ones take longer steps."""


class DDPMParameters(TrainedParameters):
    """Of the family `ddpm`."""

    channels: int = Field(24, ge=8, multiple_of=8, description="of the convolutions at the full size")
    levels: int = Field(200, ge=50, description="noise levels T")
    schedule: Literal["cosine", "linear"] = Field("cosine", description="how the noise grows with its level")
    sampling_steps: int = Field(20, ge=1, description="of the sampler; a divisor of the levels")

    @model_validator(mode="after")
    def _evenly(self) -> Self:
        if self.levels % self.sampling_steps:
            raise ValueError(
                f"sampling-steps is {self.sampling_steps}, which does not divide the {self.levels} levels; give one "
                f"that does, such as {next(n for n in range(self.sampling_steps, 0, -1) if self.levels % n == 0)}"
            )
        return self


class DDPM(Trained):
    """Learns from pictures, with labels one network for all classes and for none.

    Samples are drawn by DDIM without noise on the way, so that a sample is a function of its first noise. With classes
    lambda is MAD's: guidance of strength w = 1 / lambda - 1. Without, it is the variance of the first noise, which
    multiplies the variance of samples by lambda wherever the data are normal: the sampler is linear then.
    """

    family = "ddpm"
    summary = "A denoising diffusion model with class guidance, sampled by DDIM."
    origin = "Ho, Jain and Abbeel 2020; Song, Meng and Ermon 2021 (DDIM); Ho and Salimans 2022 (guidance)"
    bias_meaning = "guidance 1 / lambda - 1 with classes, else the variance of the first noise"
    Parameters = DDPMParameters
    parameters: DDPMParameters

    def build(self, layout: Layout) -> nn.Module:
        """See `Trained.build`: residual blocks at each size, attention at the coarsest."""
        sides = len(layout.sides)
        with torch.random.fork_rng(devices=[]):  # it fills its weights from torch's global stream
            network: nn.Module = _diffusers().UNet2DModel(
                sample_size=layout.side,
                in_channels=layout.colours,
                out_channels=layout.colours,
                block_out_channels=[self.parameters.channels * min(2**halvings, 4) for halvings in range(sides)],
                layers_per_block=1,
                down_block_types=["DownBlock2D"] * sides,
                up_block_types=["UpBlock2D"] * sides,
                norm_num_groups=8,
                num_class_embeds=layout.classes + 1 if layout.classes else None,  # the last one stands for no class
            )
        return network

    def lesson(self, network: nn.Module, layout: Layout) -> Lesson:
        """See `Trained.lesson`: the mean squared error of the predicted velocity (Salimans and Ho 2022, appendix D)."""
        levels, scheduler = self.parameters.levels, self.scheduler()

        def draw(pictures: Tensor, stream: torch.Generator) -> tuple[Tensor, ...]:
            noise = torch.randn(pictures.shape, generator=stream)
            level = torch.randint(levels, (len(pictures),), generator=stream)
            return noise, level, torch.rand(len(pictures), generator=stream) < DROPPED

        def losses(batch: Batch) -> Tensor:
            noise, level, dropped = batch.drawn
            labels = None if batch.labels is None else batch.labels.where(~dropped, layout.classes)
            noisy = scheduler.add_noise(batch.pictures, noise, level)
            predicted = network(noisy, level, labels).sample
            wanted = scheduler.get_velocity(batch.pictures, noise, level)
            errors: Tensor = (predicted - wanted).square().flatten(1).mean(1)
            return errors

        return Lesson(network, draw, losses)

    def draw(self, count: int, labels: Tensor | None, *, seed: int, bias: float, first: int) -> Tensor:
        """See `Trained.draw`."""
        layout, network = self.layout, self.network
        noise = normals(count, layout.colours * layout.side**2, seed=seed, first=first).float()
        noise = noise.reshape(count, *layout.shape)
        if labels is None:
            noise, bias = bias**0.5 * noise, 1.0
        hidden = torch.full((count,), layout.classes)

        def predict(noisy: Tensor, level: Tensor) -> Tensor:
            return guided(lambda classes: network(noisy, level, classes).sample, labels, hidden, bias)

        return denoised(predict, noise, self.scheduler(), self.parameters.sampling_steps)

    def check_sampling(self, count: int, bias: float, first: int) -> None:
        """See `Generator.check_sampling`; with classes the bias is `LEAST_BIAS` or more."""
        super().check_sampling(count, bias, first)
        if self.layout.classes and bias < LEAST_BIAS:
            raise UserError(
                f"the sampling bias is {bias:g}; generator ddpm guides by 1 / bias - 1, which has no end: give "
                f"{LEAST_BIAS:g} or more"
            )

    def scheduler(self) -> Any:
        """The noise levels and the sampler, as diffusers has them.

        Velocities are predicted: what is predicted of pure noise says nothing of the picture otherwise, and the first
        of few steps matters.
        """
        begin, end = (1000 / self.parameters.levels * beta for beta in _LINEAR_ENDS)
        return _diffusers().DDIMScheduler(
            num_train_timesteps=self.parameters.levels,
            beta_schedule="squaredcos_cap_v2" if self.parameters.schedule == "cosine" else "linear",
            beta_start=begin,
            beta_end=end,
            prediction_type="v_prediction",
            timestep_spacing="trailing",  # the first step is from the highest level, as training has it
            clip_sample=True,
        )


def guided(predict: Callable[[Tensor | None], Tensor], labels: Tensor | None, hidden: Tensor, bias: float) -> Tensor:
    """A prediction moved away from what it would be without a class, by w = 1 / lambda - 1 of the way between the two.

    Args:
        predict: from classes (N,), or None for a network that knows none, to predictions (N, ...).
        labels: classes (N,), or None.
        hidden: the class that stands for none, N times.
        bias: lambda, above 0; at 1 the prediction is not touched, and computed once.

    Returns:
        (1 + w) times the prediction with the classes, less w times the one without.

    Source: Ho and Salimans 2022, equation 6; Alemohammad et al. 2024, section 3, for lambda.
    """
    with_class = predict(labels)
    if labels is None or bias == 1:
        return with_class
    without = predict(hidden)
    return without + (with_class - without) / bias


def denoised(predict: Callable[[Tensor, Tensor], Tensor], noise: Tensor, scheduler: Any, steps: int) -> Tensor:
    """Samples from noise by DDIM, with no noise on the way.

    Args:
        predict: from noisy pictures (N, C, S, S) and their level () to velocities (N, C, S, S).
        noise: the first noisy pictures, (N, C, S, S).
        scheduler: a DDIM scheduler of diffusers.
        steps: of the sampler, a divisor of the scheduler's levels.

    Returns:
        Shape (N, C, S, S).

    Source: Song, Meng and Ermon 2021, equation 12 with sigma 0.
    """
    scheduler.set_timesteps(steps)
    noisy = noise
    for level in scheduler.timesteps:
        # Where the predicted picture is clipped, the noise is what then explains the rest.
        stepped = scheduler.step(predict(noisy, level), level, noisy, use_clipped_model_output=True)
        noisy = stepped.prev_sample
    return noisy


def _diffusers() -> ModuleType:
    return require("diffusers", "diffusers", "Generator ddpm")
