"""A film as MP4, for places that play no animated picture; needs the extra `video`."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from simulacra.extras import require
from simulacra.images.pixels import Pixels
from simulacra.reports.files import writing

RATE_FACTOR = 18
"""Of x264, 0 (lossless) to 51; at 18 the eye hardly sees the loss."""

_TICK = Fraction(1, 100)  # of a second: the films' durations are multiples of 10 ms


def can_write() -> bool:
    """Whether the extra is installed."""
    return find_spec("av") is not None


def write_mp4(path: Path, frames: Iterable[Pixels], milliseconds: Sequence[int]) -> None:
    """Write an H.264 film that every browser plays, holding one frame in memory; the file is whole or absent.

    The film has one picture a frame and no others: each stands for its own time. An odd side repeats its last row or
    column, because the colours of the film have half its resolution.

    Args:
        path: of the file; an older one is replaced.
        frames: equal shapes (H, W, 3), uint8; at least one.
        milliseconds: how long each frame stands, multiples of 10.

    Raises:
        MissingExtra: PyAV is not installed.
        UserError: the file cannot be written there.

    Source: ITU-T H.264; ISO/IEC 14496-12, the container; BT.709 for its colours.
    """
    av = require("av", "video", "a film as MP4")
    with (
        writing(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as film,
    ):
        stream = None
        stands: dict[int, int] = {}  # when a frame begins, and for how long
        now = 0
        for pixels, duration in zip(frames, milliseconds, strict=True):
            height, width, _ = pixels.shape
            if stream is None:
                stream = _stream(film, width + width % 2, height + height % 2)
            even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            frame = av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
                format="yuv420p", src_colorspace="ITU709", dst_colorspace="ITU709"
            )
            frame.time_base, frame.pts = _TICK, now
            stands[now] = duration // 10
            now += duration // 10
            _write(film, stream.encode(frame), stands)
        if stream is not None:
            _write(film, stream.encode(None), stands)


def _stream(film: Any, width: int, height: int) -> Any:
    # One thread: the bytes of x264 may depend on the number of threads.
    stream = film.add_stream("libx264", rate=1 / _TICK, options={"crf": str(RATE_FACTOR), "threads": "1"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = _TICK
    stream.codec_context.color_range, stream.codec_context.colorspace = 1, 1  # limited range, BT.709
    stream.codec_context.color_primaries, stream.codec_context.color_trc = 1, 13  # BT.709, sRGB
    return stream


def _write(film: Any, packets: Iterable[Any], stands: dict[int, int]) -> None:
    for packet in packets:
        # The encoder forgets it, and with it how long the last frame stands.
        packet.duration = round(stands[round(packet.pts * packet.time_base / _TICK)] * _TICK / packet.time_base)
        film.mux(packet)
