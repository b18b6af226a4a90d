"""The contract of a measure: a number with its protocol, or null with the reason, in one of separate channels."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from torch import Tensor


class Against(StrEnum):
    """What a value is about: the frame alone, or the frame against a reference (frame 0, or frame k-1)."""

    NOTHING = "frame"
    REFERENCE = "pair"


class Better(StrEnum):
    """Which direction is less drift; NEITHER for attributes such as mean lightness."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True)
class Measure:
    """What one number means."""

    name: str  # states the protocol: "delta_e00_pixel_mean"
    unit: str  # "ΔE00", "px", "dB", "1" for a pure number
    against: Against
    better: Better
    definition: str  # one sentence
    source: str  # paper, equation or standard


@dataclass(frozen=True)
class Undefined:
    """A measure that has no value here, and why: never a zero, never a silent NaN."""

    reason: str


Value = float | Undefined
Columns = Mapping[str, Sequence[Value]]
"""Measure name -> one value a frame of the batch."""

Features = dict[str, Tensor]
"""What a channel keeps of each picture, batch first, so that a frame is prepared once and compared twice."""


class Channel(ABC):
    """A group of measures that share their preparation. Channels are never blended into one score.

    A frame is prepared once; its features are then compared with those of frame 0 and of frame k-1. Values must not
    depend on the batch size beyond rounding. Calls come from several threads at once, without gradients, and the caller
    may overwrite the pictures after `prepare`: what is kept of them is copied.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised whenever the same pictures would get other numbers."""
    by_default: ClassVar[bool] = True
    """Whether a chain is measured in it unasked; a slow channel is asked for by name."""
    measures: ClassVar[tuple[Measure, ...]]

    @abstractmethod
    def prepare(self, pictures: Tensor) -> Features:
        """Whatever the measures need of each picture.

        Args:
            pictures: shape (N, 3, H, W), float32, sRGB in [0, 1].

        Returns:
            Tensors whose first axis is N.
        """

    @abstractmethod
    def describe(self, features: Features) -> Columns:
        """The measures of each frame alone: those with `Against.NOTHING`."""

    @abstractmethod
    def compare(self, features: Features, reference: Features) -> Columns:
        """The measures of each frame against its reference: those with `Against.REFERENCE`.

        Args:
            features: of N frames.
            reference: of N frames, or of one that serves them all.
        """

    def weights(self) -> dict[str, str]:
        """Digest (SHA-256, hex) of each weight file behind the features; empty without networks."""
        return {}

    def unavailable(self) -> str | None:
        """Why this channel cannot run here (missing extra, missing weights), with what to type; None when it can."""
        return None
