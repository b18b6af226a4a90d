"""Who may call when: one pacer a server, shared by parallel chains; and how long to wait after a failure."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from random import SystemRandom
from threading import Lock
from time import monotonic, sleep
from typing import Any, Protocol

_CAREFUL_SPACING = 1.0
_CAREFUL_SECONDS = 60.0
"""For a minute after a "too many calls" ends, calls leave one second apart: whoever meets the limit again stops the
others before they do. Let go all at once, every waiting chain would be refused together."""

_SLACK = 1.01
"""Calls that leave evenly do not arrive evenly: a hundredth of a minute is what they may bunch up by on the way."""

_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 60.0


class Clock(Protocol):
    """Time, in seconds from some moment."""

    def now(self) -> float:
        """Seconds, never running backwards."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """See `Clock.now`."""
        return monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        sleep(seconds)


class Pacer:
    """Lets calls leave at most as fast as a server allows.

    With a known rate calls leave evenly, so that no minute ever holds more of them than the rate, and with enough
    chains waiting every place is taken. Without one, calls leave freely until the server says how long to wait; then
    nobody calls until that is over.
    """

    def __init__(self, calls_per_minute: float | None = None) -> None:
        self._spacing = _SLACK * 60.0 / calls_per_minute if calls_per_minute else 0.0
        self._next = float("-inf")
        self._held_until = float("-inf")
        self._lock = Lock()

    def claim(self, now: float) -> float:
        """Take the place for a call now.

        Returns:
            0 when the place is taken; else the seconds after which to ask again.
        """
        with self._lock:
            free = max(self._next, self._held_until)
            if now < free:
                return free - now
            careful = now < self._held_until + _CAREFUL_SECONDS
            self._next = now + max(self._spacing, _CAREFUL_SPACING if careful else 0.0)
            return 0.0

    def hold(self, until: float) -> None:
        """Let nobody call before this time: the server asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, until)

    def wait(self, clock: Clock) -> float:
        """Wait for a place and take it; returns the seconds waited."""
        began = clock.now()
        while pause := self.claim(clock.now()):
            clock.sleep(pause)
        return clock.now() - began


@cache
def shared_pacer(server: str, model: str, calls_per_minute: float | None) -> Pacer:
    """The one pacer of this process for a model at a server: limits are counted there, whoever calls."""
    return Pacer(calls_per_minute)


def backoff(failures: int, random: float | None = None) -> float:
    """Seconds to wait after so many failures in a row: exponential with full jitter.

    A draw from the whole of [0, bound) keeps chains that failed together from coming back together. It decides no
    picture, so it needs no seed.

    Args:
        failures: 1 or more.
        random: in [0, 1); None draws it.

    Source: Brooker 2015, "Exponential Backoff And Jitter".
    """
    bound = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (failures - 1))
    return bound * (SystemRandom().random() if random is None else random)


def asked_wait(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
    """Seconds a server asks us to wait; None when it does not say, or says it in no known way.

    Args:
        headers: of the answer, names in lower case: `retry-after-ms`, or `retry-after` in seconds or as a date, which
            is compared with the server's own `date`, because our clock may be wrong.
        error: the `error` of the answer's JSON, whose details may hold a google.rpc.RetryInfo.
    """
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    seconds = _seconds(stated)
    if seconds is not None:
        return seconds
    if stated and "date" in headers:
        try:
            ahead = parsedate_to_datetime(stated) - parsedate_to_datetime(headers["date"])
            return max(0.0, ahead.total_seconds())
        except (TypeError, ValueError):
            return None
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _seconds(delay[:-1])
    return None


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
