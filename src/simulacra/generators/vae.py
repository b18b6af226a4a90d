"""A variational autoencoder: the generator that blurs."""

from itertools import pairwise
from math import log, pi

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from simulacra.generators.pictures import Layout
from simulacra.generators.streams import normals
from simulacra.generators.trained import Trained, TrainedParameters
from simulacra.generators.training import Batch, Lesson

STEP_OF_8_BITS = 2 / 255
"""Between neighbouring values of a picture in [-1, 1]."""


class VAEParameters(TrainedParameters):
    """Of the family `vae`."""

    latent: int = Field(16, ge=1, description="numbers of the latent")
    channels: int = Field(32, ge=8, multiple_of=8, description="of the convolutions at the full size")
    beta: float = Field(1.0, ge=0, description="weight of the divergence from the prior; 1 is the evidence bound")
    steps: int = Field(1500, ge=1, description="of a fit whose budget is not given")


class VAE(Trained):
    """Learns from pictures; with labels the latent goes with the class into the decoder (Sohn et al. 2015).

    A sample is the decoder's mean: what the latent does not say is averaged, so samples are smoother than the pool, and
    more so in each generation. The standard deviation about the mean is learnt too, one number for all pixels.
    """

    family = "vae"
    summary = "A convolutional variational autoencoder; samples are means of its decoder."
    origin = "Kingma and Welling 2014, Auto-Encoding Variational Bayes"
    bias_meaning = "variance of the latents"
    Parameters = VAEParameters
    parameters: VAEParameters

    def build(self, layout: Layout) -> "Autoencoder":
        """See `Trained.build`."""
        return Autoencoder(layout, self.parameters.latent, self.parameters.channels)

    def lesson(self, network: nn.Module, layout: Layout) -> Lesson:
        """See `Trained.lesson`: the negative evidence bound in nats a value of the picture."""

        def draw(pictures: Tensor, stream: torch.Generator) -> tuple[Tensor, ...]:
            return (torch.randn(len(pictures), self.parameters.latent, generator=stream),)

        def losses(batch: Batch) -> Tensor:
            means, log_variances, decoded, variance = network(batch.pictures, batch.labels, *batch.drawn)
            missed = negative_log_likelihood(batch.pictures, decoded, variance)
            return (missed + self.parameters.beta * divergence(means, log_variances)) / batch.pictures[0].numel()

        return Lesson(network, draw, losses)

    def draw(self, count: int, labels: Tensor | None, *, seed: int, bias: float, first: int) -> Tensor:
        """See `Trained.draw`: decoder means of latents from N(0, lambda I)."""
        latents = bias**0.5 * normals(count, self.parameters.latent, seed=seed, first=first)
        network: Autoencoder = self.network
        return network.decode(latents.float(), labels)


class Autoencoder(nn.Module):
    """Halves a picture until 4 px or an odd size, and doubles it again; twice the channels after each halving, up to 4.

    Args:
        layout: of the pictures.
        latent: numbers of the latent.
        channels: at the full size.
    """

    def __init__(self, layout: Layout, latent: int, channels: int) -> None:
        super().__init__()
        sides = layout.sides
        widths = [channels * min(2**halvings, 4) for halvings in range(len(sides))]
        self._classes = layout.classes
        self._coarsest = (widths[-1], sides[-1], sides[-1])
        features = widths[-1] * sides[-1] ** 2

        down: list[nn.Module] = [nn.Conv2d(layout.colours, widths[0], 3, padding=1), nn.SiLU()]
        for before, after in pairwise(widths):
            down += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.GroupNorm(8, after), nn.SiLU()]
        up: list[nn.Module] = []
        for before, after in pairwise(widths[::-1]):
            up += [nn.Upsample(scale_factor=2.0), nn.Conv2d(before, after, 3, padding=1)]
            up += [nn.GroupNorm(8, after), nn.SiLU()]
        self.encoder = nn.Sequential(*down, nn.Flatten())
        self.to_latent = nn.Linear(features + self._classes, 2 * latent)
        self.from_latent = nn.Linear(latent + self._classes, features)
        self.decoder = nn.Sequential(nn.SiLU(), *up, nn.Conv2d(widths[0], layout.colours, 3, padding=1))
        self.log_deviation = nn.Parameter(torch.zeros(()))

    def forward(self, pictures: Tensor, labels: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode, draw a latent, decode.

        Args:
            pictures: (N, C, S, S).
            labels: (N,), or None without classes.
            noise: standard normal, (N, latent).

        Returns:
            Means and log-variances of the latents, (N, latent); means of the pictures, (N, C, S, S), and the variance
            about them, ().
        """
        means, log_variances = self.to_latent(self._with_class(self.encoder(pictures), labels)).chunk(2, dim=1)
        latents = means + (log_variances / 2).exp() * noise
        # Pictures of 8 bits are never surer than the rounding: without this, pictures that are all known make it zero.
        variance = (2 * self.log_deviation).exp() + STEP_OF_8_BITS**2 / 12
        return means, log_variances, self.decode(latents, labels), variance

    def decode(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Means of pictures, (N, C, S, S), from latents (N, latent)."""
        features = self.from_latent(self._with_class(latents, labels)).unflatten(1, self._coarsest)
        decoded: Tensor = self.decoder(features)
        return decoded

    def _with_class(self, rows: Tensor, labels: Tensor | None) -> Tensor:
        if labels is None:
            return rows
        return torch.cat([rows, functional.one_hot(labels, self._classes).to(rows.dtype)], dim=1)


def divergence(means: Tensor, log_variances: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(means, variances) from N(0, I), nats.

    Args:
        means: (N, D).
        log_variances: (N, D).

    Returns:
        Shape (N,).

    Source: Kingma and Welling 2014, appendix B.
    """
    return (means.square() + log_variances.exp() - log_variances - 1).sum(1) / 2


def negative_log_likelihood(pictures: Tensor, means: Tensor, variance: Tensor) -> Tensor:
    """Of pictures under N(means, variance I), nats.

    Args:
        pictures: (N, C, S, S).
        means: (N, C, S, S).
        variance: (), above 0.

    Returns:
        Shape (N,).
    """
    squared = (pictures - means).square().flatten(1)
    return (squared.sum(1) / variance + squared.shape[1] * (variance.log() + log(2 * pi))) / 2
