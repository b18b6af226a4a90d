"""What is known of a loop generation by generation: written into the journal of its run, read by tables and pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from simulacra.autophagy.policy import Policy

Arm = Literal["loop", "null"]
"""A loop, or its null arm: fits from scratch on the real data of generation 1, each with draws of its own."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reading(_Frozen):
    """One number of a generation, with what chance alone would have given."""

    value: float
    floor: float | None = Field(None, description="what as many real samples would measure; None where it is unknown")
    low: float | None = Field(None, description="lower end of the null band at 95 %")
    high: float | None = Field(None, description="upper end of the null band at 95 %")


class Measured(_Frozen):
    """What was measured of the samples of one generation."""

    readings: dict[str, Reading] = Field(description="by name, such as `precision`, in the order they are shown")
    modes: dict[str, Reading] = Field({}, description="recall of every class or mode, by its name")
    spectrum: tuple[float, ...] = Field((), description="eigenvalues of the covariance in features, largest first")
    projection: tuple[tuple[float, float], ...] = Field(
        (),
        description="some samples on the first two principal axes of the real ones, or as they are where they are 2-D",
    )
    histogram: tuple[float, ...] = Field((), description="density in the bins of the reference; 1-D samples only")


class Reference(_Frozen):
    """The real samples that every generation is measured against."""

    features: str = Field(description="name of the features, such as `digits`")
    count: int
    spectrum: tuple[float, ...] = ()
    projection: tuple[tuple[float, float], ...] = ()
    edges: tuple[float, ...] = Field((), description="ends of the histogram's bins, one more than bins")
    histogram: tuple[float, ...] = ()


class Round(_Frozen):
    """One generation of one arm, as its journal line holds it."""

    generation: int = Field(ge=1, description="t; in a null arm the number of the restart")
    fixed: int
    fresh: int
    synthetic: int
    kept: int
    trained_on: int = Field(description="samples in the pool after subsampling")
    ancestry: float = Field(
        ge=0,
        le=1,
        description="real samples its pool is worth through all parents, over those of generation 1; at most 1",
    )
    model: str = Field(description="digest of the blob of the generator")
    shown: str | None = Field(
        None, description="digest of the blob of a PNG sheet of samples, always of the same streams; pictures only"
    )
    measured: Measured
    seconds: dict[str, float] = Field(description="by part: draw, fit, measure, store")


@dataclass(frozen=True)
class LoopRecord:
    """One arm of an experiment with one seed, as it stands in the store."""

    run: str
    """Identity of the run."""
    arm: Arm
    name: str
    """The preset's, or "own"."""
    policy: Policy
    generator: str
    """As a person types it, such as `vae:latent=8`."""
    data: str
    """As a person types it, such as `digits`."""
    setting: str
    """Digest of generator, budget, real samples and measurement: what loops share that have one null arm."""
    course: str
    """Digest of the policies it goes through: loops that differ in their seed or length alone have the same."""
    details: tuple[str, ...]
    """What else a person chose, in words: budget, classes, features, samples measured."""
    seed: int
    planned: int
    """Generations asked for, or restarts."""
    reference: Reference
    rounds: tuple[Round, ...]
    stopped: str | None
    """Why it ended before its time; None where it did not."""
    blob: Callable[[str], bytes]
    """The bytes of a blob of its store by digest."""
