"""What goes wrong in a training, seen from its numbers: the cause, the evidence, and what to try."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn

from simulacra.stylegan.networks import Generator, latents
from simulacra.stylegan.training.recipe import Recipe

OVERFITTED = 0.95
"""Mean sign of D on real pictures above which the discriminator knows them by heart; 0.6 is the usual target."""
ALIKE = 0.25
"""Distance between made pictures over that between real ones, below which diversity is lost."""
DEAD_NOISE = 1e-3
"""Noise strengths that after `SETTLED_KIMG` are all below this leave the noise unused; they start at exactly 0."""
SETTLED_KIMG = 20.0
"""Before this much training only divergence is told: two networks that have just met say nothing else for sure."""
DROPLET = 0.5
"""Share of a feature map's energy within 3x3 pixels at which that map holds a droplet."""
DROPLET_PICTURES = 0.9
"""Share of pictures that must have it in the same map: a droplet is in every picture."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    cause: str  # a name, such as "overfitting"
    evidence: str  # with its numbers
    proposal: str  # what to type or change
    fatal: bool = False  # nothing good can follow: go back to the last checkpoint

    def __str__(self) -> str:
        return f"{self.cause}: {self.evidence}; {self.proposal}"


def examine(
    recipe: Recipe,
    kimg: float,
    means: Mapping[str, float],
    average: Generator,
    made: Tensor,
    real: Tensor,
    labels: Tensor | None = None,
    lod: float = 0.0,
) -> list[Finding]:
    """Look at a training.

    Args:
        recipe: what is trained.
        kimg: real pictures shown so far, in thousands.
        means: of the last tick, as `Sums.means` gives them.
        average: the averaged generator.
        made: pictures of fixed latents by it, shape (N, C, H, W), nominally in [-1, 1].
        real: as many real ones.
        labels: for pictures of the averaged generator, shape (N, labels); None for a network without labels.
        lod: level of detail, 0 when fully grown.
    """
    broken = list(_not_finite(recipe, means, made))
    if broken or kimg < SETTLED_KIMG:
        return broken
    return [
        *_overfitting(recipe, means),
        *_lost_diversity(recipe, made, real),
        *_dead_noise(average),
        *_droplets(average, labels, lod),
    ]


def diverged(recipe: Recipe, where: str) -> Finding:
    """The finding that somewhere there are no numbers any more."""
    return Finding(
        "divergence",
        f"no finite numbers any more in {where}",
        f"try --rate {max(recipe.rate.values()) / 2:g} or --r1-gamma {2 * recipe.r1_gamma or 1:g}",
        fatal=True,
    )


def _not_finite(recipe: Recipe, means: Mapping[str, float], made: Tensor) -> Iterator[Finding]:
    broken = sorted(name for name, value in means.items() if not isfinite(value))
    if not bool(torch.isfinite(made).all()):
        broken.append("pictures")
    if broken:
        yield diverged(recipe, " and ".join(broken).replace("_", " "))


def _overfitting(recipe: Recipe, means: Mapping[str, float]) -> Iterator[Finding]:
    sign = means["real_sign"]
    if recipe.loss == "logistic" and sign > OVERFITTED:
        proposal = (
            "find more pictures, or take an earlier network"
            if recipe.augment
            else "try --augment shift --augment brightness, which adapts to small sets"
        )
        yield Finding(
            "overfitting", f"the discriminator is sure of {(1 + sign) / 2:.1%} of the real pictures", proposal
        )


def _lost_diversity(recipe: Recipe, made: Tensor, real: Tensor) -> Iterator[Finding]:
    ratio = _spread(made) / max(_spread(real), 1e-12)
    if ratio < ALIKE:
        yield Finding(
            "lost diversity",
            f"made pictures differ by {ratio:.0%} of what real ones do",
            f"try --r1-gamma {4 * recipe.r1_gamma or 1:g}, or take an earlier network",
        )


def _dead_noise(average: Generator) -> Iterator[Finding]:
    strengths = [p.detach().abs().max() for name, p in average.named_parameters() if name.endswith("strength")]
    if strengths and float(torch.stack(strengths).max()) < DEAD_NOISE:
        yield Finding(
            "dead noise",
            f"no strength of the noise has reached {DEAD_NOISE:g}",
            "train longer, or leave the noise out: --set noise=false",
        )


def _droplets(average: Generator, labels: Tensor | None, lod: float) -> Iterator[Finding]:
    if average.description.family == "stylegan1" and (found := droplets(average, labels, lod)):
        yield Finding(
            "droplets",
            f"in {', '.join(found)} one spot holds most of a feature map in every picture, to steer the normalisation",
            "StyleGAN 1 does that; --preset tiny2 or stylegan2 trains networks without",
        )


@torch.no_grad()
def droplets(generator: Generator, labels: Tensor | None = None, lod: float = 0.0, count: int = 16) -> list[str]:
    """Names of layers in which a feature map spends its energy on one spot, in almost every picture.

    Args:
        generator: of the family stylegan1.
        labels: shape (N, labels), taken in turn; None for a network without labels.
        lod: level of detail.
        count: pictures to look at.

    Source: Karras et al. 2020, section 2: droplets are in every picture.
    """
    device = next(generator.parameters()).device
    z = latents(generator.description, range(count), device)
    chosen = None if labels is None else labels[torch.arange(count) % len(labels)].to(device)
    crowded: list[str] = []
    layers = dict(zip(_layers(generator), generator.description.layers, strict=True))

    def look(module: nn.Module, _: object, features: Tensor) -> None:
        layer = layers[module]
        if layer.resolution >= 16:  # 3x3 pixels of fewer are a good part of the map
            energy = (features.float() - features.float().mean((2, 3), keepdim=True)).square()
            spot = nn.functional.avg_pool2d(energy, 3, stride=1, padding=1).amax((2, 3)) * 9
            share = spot / energy.sum((2, 3)).clamp_min(1e-12)  # (N, C)
            if bool(((share > DROPLET).float().mean(0) >= DROPLET_PICTURES).any()):
                crowded.append(layer.name)

    hooks = [module.register_forward_hook(look) for module in layers]
    try:
        generator(z, chosen, lod=lod)
    finally:
        for hook in hooks:
            hook.remove()
    return crowded


def _layers(generator: Generator) -> list[nn.Module]:
    layers = generator.synthesis.layers
    if not isinstance(layers, nn.ModuleList):
        raise TypeError(f"{type(generator.synthesis).__name__} has no list of layers")
    return list(layers)


def _spread(pictures: Tensor) -> float:
    """Root mean square distance between pictures, by pixel."""
    return float(pictures.float().var(0, correction=1).mean().sqrt()) if len(pictures) > 1 else 0.0
