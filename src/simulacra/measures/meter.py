"""Measures a chain as it grows: every frame alone, against frame 0, and against the frame before it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Literal, Self

import torch
from torch import Tensor

from simulacra.errors import UserError, unknown
from simulacra.measures.contract import Against, Channel, Columns, Features, Undefined, Value
from simulacra.registry import registry
from simulacra.workers import Workers

Reference = Literal["frame", "origin", "previous"]
"""What a value is about: the frame alone, the frame against frame 0, the frame against frame k-1."""

FrameValues = dict[Reference, dict[str, Value]]
"""One frame's numbers: reference -> measure -> value."""

NO_PREVIOUS = Undefined("frame 0 has no frame before it")
PIXEL_BUDGET = 2**18
"""Pixels worked on at once. Larger batches leave the processor's cache and are slower; see design/measures.md."""


class ChainMeter:
    """Measures consecutive frames of one chain, in as many calls as the caller likes.

    It keeps the features of frame 0 and of the last frame, and works on a few frames at a time, so its memory does not
    grow with the chain. Where the calls cut the chain does not change the values beyond rounding, and equal frames
    differ by exactly nothing.
    """

    def __init__(self, channels: Iterable[Channel], pixel_budget: int = PIXEL_BUDGET) -> None:
        """Start before frame 0.

        Args:
            channels: what to measure; channels never share a measure's name.
            pixel_budget: how many pixels to work on at once, at least one frame.

        Raises:
            ValueError: two channels claim one measure.
        """
        self.channels = tuple(channels)
        self.pixel_budget = pixel_budget
        names = [measure.name for channel in self.channels for measure in channel.measures]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"two channels claim the measure {', '.join(twice)}")
        self._pairs = [m.name for c in self.channels for m in c.measures if m.against is Against.REFERENCE]
        self._origin: tuple[Features, ...] = ()
        self._last: tuple[Features, ...] = ()
        self._shape: torch.Size | None = None

    @classmethod
    def resume(
        cls, channels: Iterable[Channel], origin: Tensor, previous: Tensor, pixel_budget: int = PIXEL_BUDGET
    ) -> Self:
        """A meter that stands after frame k-1, so that the next frame it measures is frame k.

        Args:
            channels: what to measure.
            origin: frame 0, shape (1, 3, H, W), float32, sRGB in [0, 1].
            previous: frame k-1, of the same shape.
            pixel_budget: how many pixels to work on at once.
        """
        meter = cls(channels, pixel_budget)
        meter._check(origin)
        meter._check(previous)
        with Workers() as workers:
            meter._origin = tuple(workers.run(partial(channel.prepare, origin) for channel in meter.channels))
            meter._last = tuple(workers.run(partial(channel.prepare, previous) for channel in meter.channels))
        return meter

    def measure(self, frames: Tensor) -> list[FrameValues]:
        """The numbers of the next frames of the chain; the first frame it ever sees is frame 0.

        Args:
            frames: shape (N, 3, H, W), float32, sRGB in [0, 1]; N may be 1.

        Returns:
            One `FrameValues` a frame. "origin" compares frame 0 with itself; "previous" is undefined there.

        Raises:
            ValueError: the frames are not of the shape and type above, or not of the size of frame 0.
        """
        self._check(frames)
        batch = max(1, self.pixel_budget // (frames.shape[-2] * frames.shape[-1]))
        with Workers() as workers:
            return [values for part in torch.split(frames, batch) for values in self._measure_batch(part, workers)]

    def _measure_batch(self, frames: Tensor, workers: Workers) -> list[FrameValues]:
        first = not self._origin
        features = tuple(workers.run(partial(channel.prepare, frames) for channel in self.channels))
        if first:
            self._origin = self._last = tuple(_rows(each, 0, 1) for each in features)
        rows: list[FrameValues] = [{"frame": {}, "origin": {}, "previous": {}} for _ in frames]
        calls: list[tuple[Reference, Callable[[], Columns]]] = []
        for channel, now, origin, last in zip(self.channels, features, self._origin, self._last, strict=True):
            calls.append(("origin", partial(channel.compare, now, origin)))
            calls.append(("previous", partial(channel.compare, now, _one_earlier(now, last))))
            calls.append(("frame", partial(channel.describe, now)))
        for (reference, _), columns in zip(calls, workers.run(call for _, call in calls), strict=True):
            for name, column in columns.items():
                for row, value in zip(rows, column, strict=True):
                    row[reference][name] = _honest(name, value)
        if first:
            rows[0]["previous"] = dict.fromkeys(self._pairs, NO_PREVIOUS)
        self._last = tuple(_rows(each, -1, None) for each in features)
        return rows

    def _check(self, frames: Tensor) -> None:
        if frames.ndim != 4 or frames.shape[1] != 3 or frames.dtype != torch.float32 or 0 in frames.shape:
            raise ValueError(f"frames must be float32 of shape (N, 3, H, W), not {frames.dtype} {tuple(frames.shape)}")
        if self._shape is not None and frames.shape[1:] != self._shape:
            raise ValueError(f"a frame of {tuple(frames.shape[1:])} cannot follow frames of {tuple(self._shape)}")
        self._shape = frames.shape[1:]


def available_channels(names: Sequence[str] | None = None) -> tuple[dict[str, Channel], dict[str, str]]:
    """The wanted channels that can run here, by name, and why each of the others cannot, with what to type.

    Args:
        names: the channels that are wanted; None means all that are measured by default.

    Raises:
        UserError: no channel has one of the names.
    """
    channels: dict[str, Channel] = {}
    absent: dict[str, str] = {}
    known = registry("measure")
    for name in known if names is None else names:
        if name not in known:
            raise unknown("channel", name, known)
        try:
            channel: Channel = known[name]()
        except UserError as error:  # a plugin that does not load
            absent[name] = str(error)
            continue
        if names is None and not channel.by_default:
            continue
        reason = channel.unavailable()
        if reason is None:
            channels[name] = channel
        else:
            absent[name] = reason
    return channels, absent


def _one_earlier(features: Features, last: Features) -> Features:
    """The features of each frame's predecessor, where `last` belongs to the one before the batch."""
    return {
        key: last[key] if len(value) == 1 else torch.cat([last[key], value[:-1]]) for key, value in features.items()
    }


def _rows(features: Mapping[str, Tensor], start: int, stop: int | None) -> Features:
    """Some frames' features, copied unless they are the whole batch: a view would keep all of it in memory."""
    return {key: value if len(value) == 1 else value[start:stop].clone() for key, value in features.items()}


def _honest(name: str, value: Value) -> Value:
    """A number that is not finite is a fault of its channel: told, not passed on, and not fatal to a costly chain."""
    if isinstance(value, Undefined) or isfinite(value):
        return value
    return Undefined(f"{name} came out as {value}, which is a fault of its channel")
