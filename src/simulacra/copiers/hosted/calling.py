"""One copy's calls: in turn, within the budget, again where that may help, and all of it written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from simulacra.copiers.hosted.budget import Budget
from simulacra.copiers.hosted.judging import Again, Halt, Stop, judge
from simulacra.copiers.hosted.key import Key
from simulacra.copiers.hosted.pacing import Clock, Pacer, backoff
from simulacra.copiers.hosted.pictures import Opened, open_bytes
from simulacra.copiers.hosted.prices import Price, Usage
from simulacra.copiers.hosted.settings import BUDGET_USD, Settings
from simulacra.copiers.hosted.transport import Answer, NoAnswer, Request, post
from simulacra.errors import UserError

ONWARD = "type the same command to go on"
"""What a person does about a stop that passes."""


@dataclass(frozen=True)
class Reply:
    """What a service's JSON holds, once read."""

    picture: bytes = field(repr=False)
    mime: str
    served: Mapping[str, Any]  # what the service says it used: model version, quality, size
    turn: Mapping[str, Any] | None = field(default=None, repr=False)  # its side of a conversation, word for word


@dataclass(frozen=True)
class Reader:
    """How a service's JSON is read."""

    usage: Callable[[Mapping[str, Any]], Usage | None]
    reply: Callable[[Mapping[str, Any]], Reply]  # raises Again where there is no picture, Halt where it is refused


@dataclass
class Called:
    """How it went."""

    reply: Reply | None = None
    opened: Opened | None = None
    stop: Stop | None = None
    message: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    usage: Usage | None = None
    cost_usd: float | None = None
    cost_basis: str | None = None  # "usage" as the service reported it, or "table" of usual numbers of tokens
    cost_at_least: bool = False  # an attempt without an answer may have cost something too
    received: str | None = None  # SHA-256 of the answer that was taken
    request_id: str | None = None


class Caller:
    """Makes calls to one model of one service."""

    def __init__(
        self,
        settings: Settings,
        pacer: Pacer,
        budget: Budget,
        clock: Clock,
        jitter: Callable[[int], float] = backoff,
    ) -> None:
        """Prepare to call.

        Args:
            settings: time-outs, patience, tries.
            pacer: who may call when; shared by all that call this server.
            budget: the purse; shared by all hosted copiers.
            clock: for every wait, and for the seconds that are written down.
            jitter: seconds to wait after a number of failures.
        """
        self._settings = settings
        self._pacer = pacer
        self._budget = budget
        self._clock = clock
        self._jitter = jitter
        self._dearest = 0.0  # US dollars of the dearest call so far: the best guess at the next

    def call(
        self,
        request: Request,
        key: Key,
        reader: Reader,
        price: Price | None,
        expected: Usage | None,
        copy: int,
        onward: str = ONWARD,
    ) -> Called:
        """Ask for one copy, as often as it takes and makes sense.

        Args:
            request: the same for every attempt.
            key: of the service.
            reader: of its answers.
            price: None when nobody knows.
            expected: tokens one call usually takes; None when nobody knows.
            copy: number of the copy that is asked for, for the sentence about the budget.
            onward: how to go on after a stop that passes, the end of its sentence.

        Returns:
            The picture, or why there is none; every attempt and every cost either way.
        """
        called, began = Called(), self._clock.now()
        usual = price.cost(expected) if price and expected else 0.0
        failures = crowds = 0
        pause = 0.0
        try:
            while True:
                self._clock.sleep(pause)
                waited = pause + self._pacer.wait(self._clock)
                reserved = max(usual, self._dearest)
                if not self._budget.reserve(reserved):
                    raise Halt(Stop.BUDGET, self._over_budget(copy, onward))
                try:
                    self._attempt(request, key, reader, price, usual, reserved, called, waited)
                    break
                except Again as again:
                    after = again.after
                    if again.crowded:
                        crowds += 1
                        pause = 0.0 if after is not None else self._jitter(crowds)
                        if self._clock.now() - began + (after or pause) > self._settings.patience_seconds:
                            raise Halt(Stop.RATE, _crowded(again, self._settings, onward)) from None
                        self._pacer.hold(self._clock.now() + (after or pause))
                    else:
                        failures += 1
                        if failures >= self._settings.tries:
                            stop = Stop.UNREACHABLE if isinstance(again.__cause__, NoAnswer) else Stop.SERVER
                            raise Halt(stop, f"{failures} tries failed; the last: {again}; {onward}") from None
                        pause = max(after or 0.0, self._jitter(failures))
                        if pause > self._settings.patience_seconds:
                            raise Halt(Stop.SERVER, f"{again}, and asks to wait {pause:.0f} s; {onward}") from None
        except Halt as halt:
            called.stop, called.message = halt.stop, str(halt)
        called.seconds = self._clock.now() - began
        return called

    def _attempt(
        self,
        request: Request,
        key: Key,
        reader: Reader,
        price: Price | None,
        usual: float,
        reserved: float,
        called: Called,
        waited: float,
    ) -> None:
        """One call; leaves its record, its cost and, if all is well, its picture in `called`."""
        began = self._clock.now()
        record: dict[str, Any] = {"status": None, "waited_seconds": round(waited, 3)}
        charged, known = 0.0, True  # what this attempt took from the purse, and whether somebody told us
        try:
            try:
                answer = post(request, key, self._settings.timeout_seconds)
            except NoAnswer as failure:
                charged, known = (reserved, False) if failure.sent else (0.0, True)
                if failure.hopeless:
                    raise Halt(Stop.UNREACHABLE, f"{failure}; check base-url and the certificates here") from failure
                raise Again(str(failure)) from failure
            record["status"] = answer.status
            if 200 <= answer.status < 300:
                charged, known = reserved, False  # until its usage is read
            value = judge(answer, key.variable)
            usage = reader.usage(value)
            if usage is not None:
                called.usage = usage if called.usage is None else called.usage + usage
                if price is not None:
                    charged, known = price.cost(usage), True
                    self._dearest = max(self._dearest, charged)
                    called.cost_basis = "usage"
            self._take(answer, reader.reply(value), called)
            if not known and price is not None and usual:
                charged, known = usual, True
                called.cost_basis = "table"
            record["reason"] = "a picture"
        except (Again, Halt) as failure:
            record["reason"] = str(failure)
            raise
        finally:
            self._budget.settle(reserved, charged)
            record["seconds"] = round(self._clock.now() - began, 3)
            if known and price is not None:
                record["cost_usd"] = charged
                called.cost_usd = (called.cost_usd or 0.0) + charged
            called.cost_at_least |= not known
            called.attempts.append(record)

    def _take(self, answer: Answer, reply: Reply, called: Called) -> None:
        try:
            called.opened = open_bytes(reply.picture)
        except UserError as error:
            raise Again(str(error).partition(";")[0]) from error
        called.reply = reply
        called.received = sha256(answer.body).hexdigest()
        called.request_id = answer.headers.get("x-request-id")

    def _over_budget(self, copy: int, onward: str) -> str:
        limit = self._budget.limit_usd or 0.0
        return (
            f"budget of ${limit:.2f} reached after copy {copy - 1} (${self._budget.spent_usd:.2f} spent, and the next "
            f"copy might exceed it); raise {BUDGET_USD} and {onward}"
        )


def _crowded(again: Again, settings: Settings, onward: str) -> str:
    asked = f", and asks to wait {again.after:.0f} s" if again.after else ""
    return f"{again}{asked}; {settings.patience_seconds:.0f} s is the longest we wait for a copy; {onward}"
