"""What a probe holds when it is read back: local bias and luck, twins, the leading eigenvalue, and the basin map."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, isfinite
from typing import Any

from simulacra.copying.dynamics import (
    Basin,
    Decomposition,
    Estimate,
    Interval,
    basin,
    bias_and_variance,
    idempotence,
    run_on,
)
from simulacra.copying.dynamics.series import Series
from simulacra.copying.probe_starts import AS_GIVEN, END
from simulacra.copying.result import Chain, CopyResult, Reference
from simulacra.copying.settled import frame_at, number_at, value_at
from simulacra.measures.contract import Undefined, Value

LAB = ("lightness_mean", "a_mean", "b_mean")
DISTANCE = "delta_e00_pixel_mean"
BASINS = (*LAB, "sharpness_laplacian")
"""Attributes whose spread over starts is followed."""

EVENT = "probe"
"""The journal's event of a finished part."""


@dataclass(frozen=True)
class Local:
    """One frame, copied again and again: what one copy does there."""

    frame: int
    split: Decomposition | Undefined  # of the mean colour's change, in CIELAB units
    distances: tuple[float, ...]  # ΔE00 from the frame, a copy


@dataclass(frozen=True)
class Eigen:
    """The leading eigenvalue of one copy at the end of the chain."""

    value: complex
    residual: float
    converged: bool
    frame: int
    blob: str  # the vector as a picture, lossless WebP: grey is nothing

    @property
    def modulus(self) -> float:
        """The factor by which a copy changes the vector."""
        return hypot(self.value.real, self.value.imag)


@dataclass(frozen=True)
class Probed:
    """One picture."""

    picture: str
    chains: Mapping[str, Chain]  # by start
    idempotence: Estimate  # over the starts
    local: tuple[Local, ...]
    twins: Estimate | Undefined  # the exponent, per copy
    eigen: Eigen | Undefined
    basins: Mapping[str, Basin | Undefined]  # by attribute
    run_on: Estimate


@dataclass(frozen=True)
class Probe:
    """A probe of one copier."""

    copier: str
    pictures: tuple[Probed, ...]
    copied: CopyResult  # the chains behind it


def read_parts(events: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The finished parts of a probe by name; the newest of a name counts."""
    return {event["part"]: event for event in events if event["event"] == EVENT}


def read_probe(copied: CopyResult, parts: Mapping[str, Mapping[str, Any]]) -> Probe:
    """Put a probe together.

    Args:
        copied: its chains.
        parts: what the journal says of the other parts.
    """
    asked = copied.spec["settings"]["probe"]
    chains = {chain.picture: chain for chain in copied.chains}
    found = []
    for picture, labels in asked["starts"]:
        own = {label.removeprefix(f"{picture}, "): chains[label] for label in labels if label in chains}
        found.append(_probed(picture, own, parts, asked["frames"]))
    return Probe(copied.chains[0].copier, tuple(found), copied)


def _probed(
    picture: str, chains: Mapping[str, Chain], parts: Mapping[str, Mapping[str, Any]], frames: Iterable[int]
) -> Probed:
    begun = {start: chain for start, chain in chains.items() if start != END}
    last = min(len(chain.frames) - 1 if chain.ending.settled is None else 10**9 for chain in begun.values())
    last = min(last, max(len(chain.frames) - 1 for chain in begun.values()))
    courses = {name: [[_course(chain, "frame", name, last)] for chain in begun.values()] for name in BASINS}
    far = {start: _course(chain, "origin", DISTANCE, last) for start, chain in chains.items()}
    none = Undefined("the chain was not followed from its end")
    return Probed(
        picture,
        chains,
        idempotence([chain.values["previous"].get(DISTANCE, ()) for chain in begun.values()]),
        tuple(_local(chains[AS_GIVEN], picture, parts, frame) for frame in frames),
        _twins(parts.get(f"twins/{picture}")),
        _eigen(parts.get(f"eigenvalue/{picture}")),
        {name: basin(own) for name, own in courses.items()},
        run_on([far[AS_GIVEN]], [far[END]]) if END in far else Estimate(none, none),
    )


def _course(chain: Chain, reference: Reference, measure: str, last: int) -> Series:
    values = [value_at(chain, reference, measure, copy) for copy in range(last + 1)]
    return [Undefined("not measured") if value is None else value for value in values]


def _local(chain: Chain, picture: str, parts: Mapping[str, Mapping[str, Any]], frame: int) -> Local:
    copies = [event for name, event in parts.items() if name.startswith(f"local/{picture}/{frame}/")]
    made = [event for event in copies if event.get("lab") is not None]
    index = frame_at(chain, frame)
    origin = [number_at(chain, "frame", name, frame) for name in LAB]
    known = [value for value in origin if value is not None]
    if index is None or len(known) < len(LAB):
        return Local(frame, Undefined(f"the chain has no frame {frame} that was measured"), ())
    split = bias_and_variance(known, [event["lab"] for event in made])
    return Local(frame, split, tuple(event["distance"] for event in made))


def _twins(event: Mapping[str, Any] | None) -> Estimate | Undefined:
    if event is None:
        return Undefined("not asked yet")
    return Undefined(event["undefined"]) if "undefined" in event else estimate_from_json(event["exponent"])


def _eigen(event: Mapping[str, Any] | None) -> Eigen | Undefined:
    if event is None:
        return Undefined("not asked yet")
    if "undefined" in event:
        return Undefined(event["undefined"])
    return Eigen(complex(*event["value"]), event["residual"], event["converged"], event["frame"], event["blob"])


def estimate_to_json(estimate: Estimate) -> dict[str, Any]:
    """A value with its interval as JSON; an end that is not bounded is null."""
    interval = estimate.interval
    if isinstance(interval, Undefined):
        return {"value": _plain(estimate.value), "interval": _plain(interval)}
    low, high = (end if isfinite(end) else None for end in (interval.low, interval.high))
    told = {"low": low, "high": high, "level": interval.level, "method": interval.method}
    return {"value": _plain(estimate.value), "interval": told}


def estimate_from_json(found: Mapping[str, Any]) -> Estimate:
    """The inverse of `estimate_to_json`."""
    value, interval = found["value"], found["interval"]
    known: Value = Undefined(value["undefined"]) if isinstance(value, Mapping) else float(value)
    if "undefined" in interval:
        return Estimate(known, Undefined(interval["undefined"]))
    low = -float("inf") if interval["low"] is None else interval["low"]
    high = float("inf") if interval["high"] is None else interval["high"]
    return Estimate(known, Interval(low, high, interval["level"], interval["method"]))


def _plain(value: Value) -> Any:
    return {"undefined": value.reason} if isinstance(value, Undefined) else value
