"""Complete experiments by name: a loop of a paper with its generator, data and sizes."""

from dataclasses import dataclass, field
from typing import Any

from simulacra.autophagy.presets import PRESETS
from simulacra.errors import unknown


@dataclass(frozen=True)
class Experiment:
    """A loop with everything it needs; what is None follows from the data."""

    name: str
    summary: str
    loop: str
    """Name of the policy."""
    generator: str | None = None
    data: str | None = None
    samples: int | None = None
    generations: int = 10
    reference: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings of the policy that differ from the loop's."""


_TINY: dict[str, Any] = {
    "generator": "ddpm:channels=16,steps=450",
    "data": "digits",
    "generations": 6,
    "reference": 384,  # six chunks of 64, which is how a DDPM draws
}
_MNIST = "sizes of the paper's MNIST experiment; give such a set with --data, 70,000 digits, and hours"

EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in (
        Experiment(
            "tiny-synthetic",
            "Fully synthetic on 8x8 digits with a small DDPM: minutes on two cores.",
            "fully-synthetic",
            samples=500,
            **_TINY,
        ),
        Experiment(
            "tiny-augmentation",
            "Synthetic augmentation on 8x8 digits with a small DDPM: minutes on two cores.",
            "augmentation",
            samples=500,
            **_TINY,
        ),
        Experiment(
            "tiny-fresh",
            "Fresh data on 8x8 digits with a small DDPM: minutes on two cores.",
            "fresh-data",
            samples=500,
            changes={"fresh": 150, "synthetic": 350},
            **_TINY,
        ),
        Experiment(
            "mad-synthetic",
            f"Fully synthetic with a class-conditional DDPM, {_MNIST}.",
            "fully-synthetic",
            generator="ddpm:levels=500",
            samples=60_000,
            reference=10_000,
        ),
        Experiment(
            "mad-augmentation",
            f"Synthetic augmentation with a class-conditional DDPM, {_MNIST}.",
            "augmentation",
            generator="ddpm:levels=500",
            samples=60_000,
            reference=10_000,
        ),
        Experiment(
            "mad-fresh",
            f"Fresh data, 2,000 real and 2,000 synthetic, with a class-conditional DDPM, {_MNIST}.",
            "fresh-data",
            generator="ddpm:levels=500",
            samples=2000,
            generations=15,
            reference=10_000,
            changes={"fresh": 2000, "synthetic": 2000},
        ),
    )
}


def experiment(name: str) -> Experiment:
    """A complete experiment, or a policy of a paper with everything else left open.

    Raises:
        UserError: nothing has this name.
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    if name in PRESETS:
        return Experiment(name, PRESETS[name].summary, name)
    raise unknown("preset", name, [*EXPERIMENTS, *PRESETS])
