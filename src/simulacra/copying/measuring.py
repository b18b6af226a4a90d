"""The measures of a chain: streamed over its stored frames, journalled, and continued where they stopped."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from simulacra.canonical import identity
from simulacra.copying.result import Frame, Reference
from simulacra.images.pixels import to_picture
from simulacra.images.webp import decode
from simulacra.measures.contract import Channel, Undefined, Value
from simulacra.measures.meter import ChainMeter, FrameValues
from simulacra.runs import Journal, Store

_DIGITS = 7
"""Significant digits that are kept of a value: as many as float32 pictures carry."""
_BATCH_PIXELS = 2**21
"""Pixels decoded, measured and journalled at a time."""


def protocol(channels: Sequence[Channel]) -> str:
    """The identity of how frames are measured: channels, versions and weights. Values of two protocols never mix."""
    return identity("protocol", [[channel.name, channel.version, channel.weights()] for channel in channels])


def measure_chain(
    chain: str,
    frames: Sequence[Frame],
    measured: Mapping[int, FrameValues],
    channels: Sequence[Channel],
    store: Store,
    journal: Journal,
) -> Iterator[int]:
    """Measure the frames of a chain that have no values yet, and journal them a batch at a time.

    Args:
        chain: its name in the journal.
        frames: all its frames, frame 0 first.
        measured: what the journal holds already under the same protocol, by frame index.
        channels: what to measure.
        store: where the frames' pixels are.
        journal: where values go.

    Yields:
        The number of frames measured so far, after each batch is safe.
    """
    start = next((index for index in range(len(frames)) if index not in measured), len(frames))
    yield start
    if start == len(frames):
        return
    if start == 0:
        meter = ChainMeter(channels)
    else:
        origin, previous = (_pictures(store, [frames[index]]) for index in (0, start - 1))
        meter = ChainMeter.resume(channels, origin, previous)
    name = protocol(channels)
    height, width = decode(store.blobs.get(frames[0].blob)).shape[:2]
    batch = max(1, _BATCH_PIXELS // (width * height))
    for first in range(start, len(frames), batch):
        part = frames[first : first + batch]
        rows = meter.measure(_pictures(store, part))
        journal.append_many(
            [
                ("measures", {"chain": chain, "frame": frame.index, "protocol": name, "values": to_json(row)})
                for frame, row in zip(part, rows, strict=True)
            ]
        )
        yield first + len(part)


def to_json(values: FrameValues) -> dict[str, dict[str, Any]]:
    """Values as the journal and the summary hold them: a number, or the reason why there is none."""
    return {reference: {name: plain_value(value) for name, value in row.items()} for reference, row in values.items()}


def from_json(values: Mapping[Reference, Mapping[str, Any]]) -> FrameValues:
    """The inverse of `to_json`."""
    return {
        reference: {
            name: Undefined(value["undefined"]) if isinstance(value, Mapping) else float(value)
            for name, value in row.items()
        }
        for reference, row in values.items()
    }


def plain_value(value: Value) -> float | dict[str, str]:
    """One value as JSON: a number of `_DIGITS` significant digits, or `{"undefined": reason}`."""
    return {"undefined": value.reason} if isinstance(value, Undefined) else float(f"{value:.{_DIGITS}g}")


def _pictures(store: Store, frames: Sequence[Frame]) -> Tensor:
    return torch.cat([to_picture(decode(store.blobs.get(frame.blob))) for frame in frames])
