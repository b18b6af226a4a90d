"""What a copying run holds when it is read back: chains of frames with their measures and how each ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from simulacra.copying.energy import Energy
from simulacra.images.pixels import Pixels
from simulacra.measures.contract import Measure, Value

Reference = Literal["frame", "origin", "previous"]
"""What a value is about: the frame alone, the frame against frame 0, the frame against frame k-1."""


class Ended(StrEnum):
    """Why a chain has no further frame."""

    TIMES = "times"
    """It made every copy asked for."""
    FIXED_POINT = "fixed point"
    """A copy equals its own original exactly, so every later one would too."""
    CYCLE = "cycle"
    """A copy equals an earlier frame exactly, so the chain repeats from there."""
    REFUSED = "refused"
    """The copier could not or would not make the next copy; the frames before it stand."""


@dataclass(frozen=True)
class Ending:
    """How a chain ended."""

    reason: Ended
    copies: int  # frames made, frame 0 not counted
    settled: int | None = None  # the frame at which a fixed point or cycle begins
    period: int | None = None  # 1 for a fixed point
    message: str = ""  # the refusal in words


@dataclass(frozen=True)
class Frame:
    """One frame of a chain."""

    index: int  # 0 is the original
    step: str  # identity: parent step, operator, seed
    pixels: str  # pixel digest
    blob: str  # SHA-256 of the stored lossless WebP
    seconds: float  # of the copier alone; 0 for frame 0
    reused: bool  # taken from the store instead of made
    receipt: Mapping[str, Any] = field(default_factory=dict, compare=False)  # what was really done; see `Receipt`


@dataclass(frozen=True)
class Chain:
    """One chain: frame 0 and its copies, with the measures of every frame."""

    name: str  # unique in the run: "astronaut/realesrgan/1"
    picture: str  # label of frame 0: "astronaut"
    copier: str  # specification of the copier of the last leg: "realesrgan:model=x4plus"
    control: bool
    replicate: int  # 1 for the first
    frames: tuple[Frame, ...]
    ending: Ending
    values: Mapping[Reference, Mapping[str, tuple[Value, ...]]]  # by reference, then measure: one value a frame
    # values["frame"] covers frames 0..N; values["origin"] too (frame 0 against itself); values["previous"] has
    # Undefined at frame 0, which has no frame before it.
    remedy: str | None = None  # specification of what was tried against its drift; None for a chain left alone


@dataclass(frozen=True)
class CopyResult:
    """A copying run read back from its folder."""

    identity: str
    folder: Path
    command: str  # what a person types to make this run again
    spec: Mapping[str, Any]  # identity and settings as stored
    manifest: Mapping[str, Any]  # the environment it ran in
    size: tuple[int, int]  # width, height of every frame of the first picture
    times: int  # copies asked for
    chains: tuple[Chain, ...]
    measures: tuple[Measure, ...]  # what each number means, in channel order
    channels: Mapping[str, tuple[str, ...]]  # channel -> names of its measures
    absent: Mapping[str, str]  # channel -> why it was not measured
    blobs: Path  # folder of the content-addressed store
    refusals: tuple[Mapping[str, Any], ...] = ()  # receipts of the copies that were asked for and not made
    energy: tuple[Energy, ...] = ()  # what each attempt took that made copies

    def frame_file(self, frame: Frame) -> Path:
        """The lossless WebP of a frame."""
        return self.blobs / "sha256" / frame.blob[:2] / frame.blob

    def frame_pixels(self, frame: Frame) -> Pixels:
        """The pixels of a frame, shape (H, W, 3), uint8."""
        from simulacra.images.webp import decode

        return decode(self.frame_file(frame).read_bytes())
