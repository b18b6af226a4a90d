"""Augmentation that does not leak: real and made pictures alike go through random transforms before they are judged.

Each group of transforms is applied to each picture with the same probability, which an adaptive training raises while
the discriminator overfits. A differentiable gather and a matrix of colours are all it takes, so that it runs, and gives
gradients, anywhere.

Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 2 and appendix B. Here
pixels between pixels are bilinear, where the paper resamples with wavelet filters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, pi

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 0.125
"""Largest shift, as a share of the side: appendix B's."""
SCALE = 0.2 * log(2)
"""Standard deviation of the logarithm of a change of size."""
BRIGHTNESS, CONTRAST, HUE, SATURATION = 0.2, 0.5 * log(2), pi, log(2)
"""Spreads of the transforms of colour: added, log factor, angle, log factor."""


@dataclass(frozen=True)
class Draws:
    """Random numbers for a batch, one for each picture at a time."""

    count: int  # pictures
    side: int  # of the pictures, px
    generator: torch.Generator  # on the processor

    def uniform(self) -> Tensor:
        """In [0, 1), shape (count,)."""
        return torch.rand(self.count, generator=self.generator)

    def between(self, limit: float) -> Tensor:
        """Uniform in [-limit, limit), shape (count,)."""
        return (2 * self.uniform() - 1) * limit

    def normal(self) -> Tensor:
        """Standard normal, shape (count,)."""
        return torch.randn(self.count, generator=self.generator)


def _flip(draws: Draws) -> Tensor:
    sign = torch.where(draws.uniform() < 0.5, -1.0, 1.0)
    return _linear(sign, torch.zeros_like(sign), torch.zeros_like(sign), torch.ones_like(sign))


def _quarter_turn(draws: Draws) -> Tensor:
    return _rotation((4 * draws.uniform()).floor() * (pi / 2))


def _shift(draws: Draws) -> Tensor:
    moved = torch.eye(3).repeat(draws.count, 1, 1)
    for axis in (0, 1):
        pixels = draws.between(SHIFT * draws.side).round()  # whole ones, which blur nothing
        moved[:, axis, 2] = pixels * 2 / draws.side  # a picture reaches from -1 to 1
    return moved


def _scale(draws: Draws) -> Tensor:
    factor = (SCALE * draws.normal()).exp()
    return _linear(factor, torch.zeros_like(factor), torch.zeros_like(factor), factor)


def _rotate(draws: Draws) -> Tensor:
    return _rotation(draws.between(pi))


def _stretch(draws: Draws) -> Tensor:
    factor = (SCALE * draws.normal()).exp()
    return _linear(factor, torch.zeros_like(factor), torch.zeros_like(factor), 1 / factor)


def _brightness(draws: Draws) -> Tensor:
    changed = torch.eye(4).repeat(draws.count, 1, 1)
    changed[:, :3, 3] = (BRIGHTNESS * draws.normal())[:, None]
    return changed


def _contrast(draws: Draws) -> Tensor:
    changed = torch.eye(4).repeat(draws.count, 1, 1)
    changed[:, :3, :3] *= (CONTRAST * draws.normal()).exp()[:, None, None]
    return changed


def _hue(draws: Draws) -> Tensor:
    return _around_grey(draws.between(HUE), torch.ones(draws.count))


def _saturation(draws: Draws) -> Tensor:
    return _around_grey(torch.zeros(draws.count), (SATURATION * draws.normal()).exp())


PLACES = {
    "flip": _flip,
    "quarter-turn": _quarter_turn,
    "shift": _shift,
    "scale": _scale,
    "rotate": _rotate,
    "stretch": _stretch,
}
"""Transforms of place: each draws 3x3 matrices from a place in the result to the place it is taken from."""

COLOURS = {"brightness": _brightness, "contrast": _contrast, "hue": _hue, "saturation": _saturation}
"""Transforms of colour: each draws 4x4 matrices for (red, green, blue, 1), nominally in [-1, 1]."""

GROUPS = (*PLACES, *COLOURS)


@dataclass(frozen=True)
class Augmentation:
    """Some groups of transforms, of `GROUPS` and in that order."""

    groups: tuple[str, ...]

    def __call__(self, pictures: Tensor, share: float, generator: torch.Generator) -> Tensor:
        """Transform pictures.

        Args:
            pictures: shape (N, C, H, W), nominally in [-1, 1]; channels after the third keep their values.
            share: probability of each group, for each picture.
            generator: of random numbers, on the processor, so that every device draws the same.

        Returns:
            The same shape and dtype. What comes from outside the picture is mirrored in.
        """
        if share <= 0 or not self.groups:
            return pictures
        draws = Draws(len(pictures), pictures.shape[-1], generator)
        places = _drawn(PLACES, self.groups, share, draws)
        colours = _drawn(COLOURS, self.groups, share, draws)
        if places is not None:
            pictures = _moved(pictures, places)
        return pictures if colours is None else _coloured(pictures, colours)


def _drawn(
    table: Mapping[str, Callable[[Draws], Tensor]], groups: Sequence[str], share: float, draws: Draws
) -> Tensor | None:
    """The product of the chosen transforms, shape (N, 3, 3) or (N, 4, 4); None where no group is of this table."""
    whole: Tensor | None = None
    for name, transform in table.items():
        if name in groups:
            applied = draws.uniform() < share
            drawn = transform(draws)
            one = torch.where(applied[:, None, None], drawn, torch.eye(drawn.shape[-1]))
            whole = one if whole is None else one @ whole
    return whole


def _moved(pictures: Tensor, matrices: Tensor) -> Tensor:
    grid = F.affine_grid(matrices[:, :2].to(pictures), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _coloured(pictures: Tensor, matrices: Tensor) -> Tensor:
    matrices = matrices.to(pictures)
    rgb = torch.einsum("nij,njhw->nihw", matrices[:, :3, :3], pictures[:, :3]) + matrices[:, :3, 3, None, None]
    return rgb if pictures.shape[1] == 3 else torch.cat([rgb, pictures[:, 3:]], dim=1)


def _linear(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    matrices = torch.eye(3).repeat(len(a), 1, 1)
    matrices[:, :2, :2] = torch.stack([a, b, c, d], dim=1).reshape(-1, 2, 2)
    return matrices


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return _linear(cos, -sin, sin, cos)


def _around_grey(angle: Tensor, factor: Tensor) -> Tensor:
    """Turn colours about the grey axis, and stretch their distance from it: Rodrigues' formula, of length `factor`."""
    grey = torch.full((3, 3), 1 / 3)
    across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / 3**0.5
    cos, sin = (function(angle)[:, None, None] for function in (torch.cos, torch.sin))
    matrices = torch.eye(4).repeat(len(angle), 1, 1)
    matrices[:, :3, :3] = grey + factor[:, None, None] * (cos * (torch.eye(3) - grey) + sin * across)
    return matrices
