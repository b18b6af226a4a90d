"""What a copying run will do, before it does anything: pictures, legs, controls, replicates, and their identity."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from simulacra.canonical import identity
from simulacra.copiers.contract import Copier, Determinism
from simulacra.copying.remedies.contract import Remedy
from simulacra.images.pixels import Pixels
from simulacra.seeds import derive_seed

CONTROL_CODEC = "jpeg:quality=90"
"""The codec control: what a harness that hands pictures over as ordinary JPEG does all by itself."""


@dataclass(frozen=True)
class Source:
    """Frame 0 of a chain: a picture at the size at which it will be copied."""

    label: str  # what reports call it
    pixels: Pixels
    digest: str
    told: tuple[str, ...] = ()  # every conversion that opening and fitting it made


@dataclass(frozen=True)
class Leg:
    """A stretch of a chain made by one copier. A chain has several after a fork."""

    copier: Copier
    copies: int
    remedy: Remedy | None = None

    @cached_property
    def asked(self) -> Copier:
        """The copier that is really asked: a remedy may change what it is told."""
        return self.copier if self.remedy is None else self.remedy.copier(self.copier)

    @cached_property
    def operator(self) -> dict[str, Any]:
        """The leg's part of every step identity, asked for once: a copier may hash weight files."""
        operator = self.asked.operator()
        return operator if self.remedy is None else {"copier": operator, "remedy": self.remedy.operator()}

    @property
    def determinism(self) -> Determinism:
        """How far a copy of this leg can be repeated bit for bit."""
        return Determinism.weakest(part.determinism for part in (self.asked, self.remedy) if part is not None)

    @property
    def repeats(self) -> bool:
        """Whether an exact repeat proves a fixed point or a cycle: the map must be one and the same at every step."""
        same = self.asked.autonomous and (self.remedy is None or self.remedy.autonomous)
        return same and not varies(self.asked)


@dataclass(frozen=True)
class ChainPlan:
    """One chain to make."""

    name: str
    source: Source
    legs: tuple[Leg, ...]
    control: bool
    replicate: int
    seed: int

    @property
    def copies(self) -> int:
        """Copies asked for, over all legs."""
        return sum(leg.copies for leg in self.legs)

    @property
    def concurrency(self) -> int:
        """Chains like this one that may be made at the same time."""
        return min(leg.asked.concurrency for leg in self.legs)

    def leg_at(self, index: int) -> tuple[Leg, int]:
        """The leg that makes frame `index` (1 or more), and the frame that leg starts from."""
        start = 0
        for leg in self.legs:
            if index <= start + leg.copies:
                return leg, start
            start += leg.copies
        raise IndexError(f"frame {index} is beyond the chain's {start} copies")

    def root(self) -> str:
        """The identity of frame 0."""
        return identity("step", {"picture": self.source.digest})

    def step(self, parent: str, index: int) -> tuple[str, int]:
        """The identity of frame `index`, given its parent's, and the seed its copier gets.

        What cannot change the picture stays out: the seed of a copier that draws nothing. A copier that never answers
        twice alike has seed and replicate in the identity: a longer or forked chain goes on from the frames that were
        made, and another seed asks for new ones.
        """
        leg, _ = self.leg_at(index)
        seed = derive_seed(self.seed, "copy", self.replicate, index)
        decided: dict[str, Any] = {"parent": parent, "operator": leg.operator, "step": index}
        if varies(leg.asked):
            decided["seed"] = seed
        return identity("step", decided), seed


def default_controls(copier: Copier) -> tuple[str, ...]:
    """The control chains of a copier: identity, the copier's own resizing without its model, and a codec."""
    resize = copier.resize_path()
    return ("identity", *([resize] if resize else []), CONTROL_CODEC)


def plan_chains(
    sources: Sequence[Source],
    legs: Sequence[Leg],
    controls: Sequence[Copier],
    replicates: int,
    seed: int,
    remedies: Sequence[Remedy] = (),
) -> tuple[list[ChainPlan], str | None]:
    """Every chain of a run: the model's by picture and replicate, the same with each remedy, then the controls.

    A remedy treats the last leg: what an earlier run made before a fork stays as it is.

    Returns:
        The plans, and a sentence when fewer replicates are planned than asked for, because they would be equal.
    """
    told = None
    if replicates > 1 and not any(varies(leg.asked) for leg in legs):
        told = f"{legs[-1].copier.specification} draws nothing at random, so its replicates are equal: one is made"
        replicates = 1
    times = sum(leg.copies for leg in legs)
    arms = [tuple(legs), *((*legs[:-1], replace(legs[-1], remedy=remedy)) for remedy in remedies)]
    plans = [
        ChainPlan(_name(source, arm[-1], replicate), source, arm, False, replicate, seed)
        for arm in arms
        for source in sources
        for replicate in range(1, replicates + 1)
    ]
    plans += [
        ChainPlan(f"{source.label}/control {copier.specification}", source, (Leg(copier, times),), True, 1, seed)
        for source in sources
        for copier in controls
    ]
    return plans, told


def run_identity(
    sources: Sequence[Source],
    legs: Sequence[Leg],
    controls: Sequence[Copier],
    replicates: int,
    seed: int,
    remedies: Sequence[Remedy] = (),
) -> dict[str, Any]:
    """What makes one copying run differ from another: nothing but this is hashed."""
    treated = {"remedies": [remedy.operator() for remedy in remedies]} if remedies else {}
    return {
        "pictures": [source.digest for source in sources],
        "legs": [{"operator": leg.operator, "copies": leg.copies} for leg in legs],
        "controls": [copier.operator() for copier in controls],
        "replicates": replicates,
        "seed": seed,
        **treated,
    }


def varies(copier: Copier) -> bool:
    """Whether asking again, with another seed or at another time, may give another copy."""
    return copier.seeded or copier.determinism is Determinism.NEVER


def _name(source: Source, leg: Leg, replicate: int) -> str:
    name = f"{source.label}/{leg.copier.specification}/{replicate}"
    return name if leg.remedy is None else f"{name} with {leg.remedy.specification}"
