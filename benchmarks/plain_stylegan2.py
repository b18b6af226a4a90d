"""The peer of `stylegan_training.py`: a small StyleGAN2 at 64 px and its training, as tutorials write them.

A kernel for every picture in grouped convolutions, plain up- and down-sampling with a blur, and the average one weight
after the other.
"""

import copy
from itertools import pairwise
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE, LATENT = 64, 64
MAPS = (64, 64, 64, 32, 16)
"""At 4 to 64 px."""
RATE, R1_EVERY, R1_GAMMA, AVERAGE = 0.002, 16, 0.5, 0.998


class Peer:
    """Both networks with their optimisers."""

    def __init__(self, batch: int, maps: tuple[int, ...] = MAPS) -> None:
        self.batch = batch
        self.generator, self.discriminator = Generator(maps), Discriminator(maps)
        self.average = copy.deepcopy(self.generator)
        self.of_generator = torch.optim.Adam(self.generator.parameters(), lr=RATE, betas=(0.0, 0.99))
        self.of_discriminator = torch.optim.Adam(self.discriminator.parameters(), lr=RATE, betas=(0.0, 0.99))
        self.real = 2 * torch.rand(batch, 3, SIDE, SIDE) - 1
        self.steps = 0

    def step(self) -> None:
        """One step of both."""
        made = self.generator(torch.randn(self.batch, LATENT))
        loss = F.softplus(self.discriminator(made.detach())).mean() + F.softplus(-self.discriminator(self.real)).mean()
        self._learn(self.of_discriminator, loss)
        if self.steps % R1_EVERY == 0:
            real = self.real.clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.discriminator(real).sum(), real, create_graph=True)
            penalty = slope.square().sum((1, 2, 3)).mean()
            self._learn(self.of_discriminator, R1_GAMMA / 2 * R1_EVERY * penalty)
        made = self.generator(torch.randn(self.batch, LATENT))
        self._learn(self.of_generator, F.softplus(-self.discriminator(made)).mean())
        with torch.no_grad():
            for average, newest in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                average.copy_(average * AVERAGE + newest * (1 - AVERAGE))
        self.steps += 1

    def _learn(self, optimiser: torch.optim.Adam, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


class Modulated(nn.Module):
    """Equation 1 to 3 of the paper, letter by letter."""

    def __init__(self, before: int, after: int, side: int, demodulate: bool = True, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, side, side))
        self.bias = nn.Parameter(torch.zeros(after))
        self.strength = nn.Parameter(torch.zeros(()))
        self.style = nn.Linear(LATENT, before)
        nn.init.ones_(self.style.bias)
        self.demodulate, self.up = demodulate, up

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Shape (N, before, r, r) to (N, after, r, r), or twice the size."""
        if self.up:
            x = blurred(F.interpolate(x, scale_factor=2))
        batch, before, height, width = x.shape
        after, _, side, _ = self.weight.shape
        kernels = self.weight / sqrt(before * side**2) * self.style(w)[:, None, :, None, None]
        if self.demodulate:
            kernels = kernels * torch.rsqrt(kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        kernels = kernels.reshape(batch * after, before, side, side)
        x = F.conv2d(x.reshape(1, batch * before, height, width), kernels, padding=side // 2, groups=batch)
        x = x.reshape(batch, after, height, width) + self.bias[:, None, None]
        if not self.demodulate:
            return x
        return F.leaky_relu(x + self.strength * torch.randn(batch, 1, height, width), 0.2) * sqrt(2)


class Generator(nn.Module):
    """With output skips."""

    def __init__(self, maps: tuple[int, ...]) -> None:
        super().__init__()
        self.mapping = nn.Sequential(
            nn.Linear(LATENT, LATENT), nn.LeakyReLU(0.2), nn.Linear(LATENT, LATENT), nn.LeakyReLU(0.2)
        )
        self.const = nn.Parameter(torch.randn(1, maps[0], 4, 4))
        self.first = Modulated(maps[0], maps[0], 3)
        self.ups = nn.ModuleList(Modulated(before, after, 3, up=True) for before, after in pairwise(maps))
        self.convolutions = nn.ModuleList(Modulated(after, after, 3) for after in maps[1:])
        self.colours = nn.ModuleList(Modulated(after, 3, 1, demodulate=False) for after in maps)

    def forward(self, z: Tensor) -> Tensor:
        """Shape (N, 64) to (N, 3, 64, 64)."""
        w = self.mapping(z)
        x = self.first(self.const.repeat(len(z), 1, 1, 1), w)
        pictures: Tensor = self.colours[0](x, w)
        for up, convolution, colour in zip(self.ups, self.convolutions, self.colours[1:], strict=True):
            x = convolution(up(x, w), w)
            pictures = blurred(F.interpolate(pictures, scale_factor=2)) + colour(x, w)
        return pictures


class Equal(nn.Conv2d):
    """A convolution at equalised learning rate."""

    def forward(self, x: Tensor) -> Tensor:
        """As its parent."""
        return F.conv2d(x, self.weight / sqrt(self.weight[0].numel()), self.bias, self.stride, self.padding)


class Discriminator(nn.Module):
    """Residual."""

    def __init__(self, maps: tuple[int, ...]) -> None:
        super().__init__()
        maps = maps[::-1]
        self.colour = Equal(3, maps[0], 1)
        self.same = nn.ModuleList(Equal(before, before, 3, padding=1) for before in maps[:-1])
        self.down = nn.ModuleList(Equal(before, after, 3, padding=1, stride=2) for before, after in pairwise(maps))
        self.shortcuts = nn.ModuleList(
            Equal(before, after, 1, stride=2, bias=False) for before, after in pairwise(maps)
        )
        self.last = Equal(maps[-1] + 1, maps[-1], 3, padding=1)
        self.dense, self.logit = nn.Linear(16 * maps[-1], maps[-1]), nn.Linear(maps[-1], 1)
        for module in self.modules():
            if isinstance(module, Equal):
                nn.init.normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, 3, 64, 64) to (N, 1)."""
        x = F.leaky_relu(self.colour(x), 0.2) * sqrt(2)
        for same, down, shortcut in zip(self.same, self.down, self.shortcuts, strict=True):
            y = F.leaky_relu(same(x), 0.2) * sqrt(2)
            y = F.leaky_relu(down(blurred(y)), 0.2) * sqrt(2)
            x = (y + shortcut(blurred(x))) / sqrt(2)
        deviation = (x.reshape(4, -1, *x.shape[1:]).var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
        x = torch.cat([x, deviation.repeat(4)[:, None, None, None].expand(-1, 1, 4, 4)], dim=1)
        x = F.leaky_relu(self.last(x), 0.2) * sqrt(2)
        return self.logit(F.leaky_relu(self.dense(x.flatten(1)), 0.2) * sqrt(2))


def blurred(x: Tensor) -> Tensor:
    """By [1, 3, 3, 1] along both axes."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (torch.outer(taps, taps) / 64).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, (2, 1, 2, 1)), kernel, groups=x.shape[1])
