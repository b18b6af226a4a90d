"""Numbers as a reader sees them: three figures, a true minus, and no more digits than mean something."""

from collections.abc import Sequence
from math import ceil, floor, inf, log10

from simulacra.measures.contract import Undefined, Value

_NOTHING = 1e-300
"""Below it a number has no digits left to divide an axis by."""


def shown(value: float, *, signed: bool = False) -> str:
    """A number to about three figures, such as `31.2`, `0.041` or, signed, `+12.0`; page.js writes them alike.

    A number without a point is exactly that: similarity `1` means equal, `1.00` nearly so.
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1000 and size == round(size):
        text = f"{size:.0f}"
    elif size < 0.001:
        text = f"{size:.1e}".replace("e-0", "e-").replace("e-", "e−")
    else:
        text = f"{size:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3}f}"
    sign = "−" if value < 0 else "+" if signed else ""
    return sign + text


def ticks(low: float, high: float, wanted: int = 3) -> list[float]:
    """Round numbers from just below `low` to just above `high`, about `wanted` steps of 1, 2 or 5 times a power of ten.

    A constant gets an axis as long as it is large; a span below a thousandth of the values is widened to that, because
    rounding noise must not fill a chart.
    """
    size = max(abs(low), abs(high))
    if size < _NOTHING:
        low = high = size = 0.0
    least = (size or 1.0) if low == high else 1e-3 * max(1.0, size)
    if high - low < least:
        middle = (low + high) / 2
        low, high = (0.0, least) if 0 <= low < least / 2 else (middle - least / 2, middle + least / 2)
    raw = (high - low) / wanted
    power = 10.0 ** floor(log10(raw))
    step = power * next(factor for factor, below in ((1, 1.5), (2, 3.3), (5, 7.5), (10, inf)) if raw / power < below)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_label(value: float, step: float) -> str:
    """A tick of an axis, with the decimals its step needs."""
    decimals = max(0, -floor(log10(step) + 1e-9))
    text = f"{abs(value):.{decimals}f}"
    return f"−{text}" if value < 0 and float(text) else text


def reasons(values: Sequence[Value]) -> list[tuple[int, int, str]]:
    """Where values are undefined, and why: (first frame, last frame, reason) for every unbroken stretch."""
    stretches: list[tuple[int, int, str]] = []
    for index, value in enumerate(values):
        if not isinstance(value, Undefined):
            continue
        if stretches and stretches[-1][1] == index - 1 and stretches[-1][2] == value.reason:
            stretches[-1] = (stretches[-1][0], index, value.reason)
        else:
            stretches.append((index, index, value.reason))
    return stretches


def gaps(values: Sequence[Value]) -> list[tuple[int, int, str]]:
    """Unbroken stretches without a value, as (first frame, last frame, why), whatever reasons a stretch mixes.

    Reasons may hold numbers that differ from frame to frame; the first one speaks for its stretch.
    """
    merged: list[tuple[int, int, str]] = []
    for first, last, reason in reasons(values):
        if merged and merged[-1][1] == first - 1:
            merged[-1] = (merged[-1][0], last, merged[-1][2])
        else:
            merged.append((first, last, reason))
    return merged
