"""What an answer means for the copy: a value to read, another try, or the end."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from simulacra.copiers.hosted.pacing import asked_wait
from simulacra.copiers.hosted.transport import Answer

_WORDS = 500
"""Letters of a server's own words that a message or a journal keeps."""

_POLICY = frozenset({"moderation_blocked", "content_policy_violation", "content_filter", "image_generation_user_error"})
"""Codes and types of errors that mean "I will not", not "I cannot"."""

_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_BAD_KEY = frozenset({"API_KEY_INVALID"})

_PASSING = frozenset({408, 409, 425})
"""Statuses below 500 that another try may get past: a time-out, a conflict, too early."""


class Stop(StrEnum):
    """Why a copy was not made."""

    REFUSED = "refused"
    """The service would not, in words of its own."""
    KEY = "key"
    """The key is wrong, or may not do this."""
    CREDIT = "credit"
    """The account has no money left."""
    RATE = "rate"
    """Too many calls, for longer than we wait."""
    BUDGET = "budget"
    """The user's own limit."""
    CALL = "call"
    """The service does not take the call as it is: an unknown model, a parameter it does not have."""
    SERVER = "server"
    """The service failed, again and again."""
    UNREACHABLE = "unreachable"
    """There was no connection, or no whole answer, again and again."""
    CONVERSATION = "conversation"
    """The conversation that the copy would go on with is not there."""


class Halt(Exception):
    """No further try can help: the copy is not made, and the chain ends before it."""

    def __init__(self, stop: Stop, sentence: str) -> None:
        super().__init__(sentence)
        self.stop = stop


class Again(Exception):
    """Another try may help."""

    def __init__(self, reason: str, *, after: float | None = None, crowded: bool = False) -> None:
        super().__init__(reason)
        self.after = after  # seconds, where the server asked for them
        self.crowded = crowded  # too many calls: every chain waits, and it is no failure


def judge(answer: Answer, variable: str) -> Mapping[str, Any]:
    """The JSON of an answer that went well.

    Args:
        answer: as it came.
        variable: name of the environment variable with the key, for the sentence the user reads.

    Raises:
        Again: the server failed, is busy, or its JSON is damaged.
        Halt: the server will not take this call, now or later.
    """
    value = _json(answer.body)
    if 200 <= answer.status < 300:
        if value is None:
            raise Again("an answer that is no JSON object" if answer.body else "an empty answer")
        return value
    error = _error(value)
    words = [str(error.get(key)) for key in ("code", "type", "status")] + _reasons(error)  # the most telling first
    refusal = next((word for word in words if word in _POLICY), None)
    status, said = f"status {answer.status}", clean(error.get("message"))
    quoted = f": {said}" if said else ""
    match answer.status:
        case 401:  # its words are not quoted: they tend to hold part of the key
            raise Halt(Stop.KEY, f"the service refused the key in {variable} ({status}); {_set(variable)}")
        case _ if _BAD_KEY.intersection(words):
            raise Halt(Stop.KEY, f"the service refused the key in {variable} ({status}); {_set(variable)}")
        case _ if refusal is not None:
            raise Halt(Stop.REFUSED, f"the service refused ({refusal}){quoted}")
        case 402 | 429 if answer.status == 402 or _NO_CREDIT.intersection(words):
            raise Halt(
                Stop.CREDIT, f"the account of the key in {variable} has no credit left ({status}){quoted}; add some"
            )
        case 403:
            raise Halt(Stop.KEY, f"the key in {variable} may not do this ({status}){quoted}")
        case 429:
            after = asked_wait(answer.headers, error)
            raise Again(f"too many calls ({status}){quoted}", after=after, crowded=True)
        case code if code >= 500 or code in _PASSING:
            raise Again(f"the service failed ({status}){quoted}", after=asked_wait(answer.headers, error))
        case code if 300 <= code < 400:
            raise Halt(Stop.CALL, f"the service sends us elsewhere ({status}); give base-url of where it really is")
        case _:
            raise Halt(Stop.CALL, f"the service does not take this call ({status}){quoted}; check model and base-url")


def clean(text: object) -> str:
    """A server's words as one printable line of bounded length; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"


def _json(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _error(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    error = (value or {}).get("error")
    if isinstance(error, str):  # some compatible servers send the bare message
        return {"message": error}
    return error if isinstance(error, Mapping) else {}


def _reasons(error: Mapping[str, Any]) -> list[str]:
    """The reasons in a google.rpc.ErrorInfo."""
    details = error.get("details")
    listed = details if isinstance(details, list) else []
    return [str(detail["reason"]) for detail in listed if isinstance(detail, Mapping) and "reason" in detail]


def _set(variable: str) -> str:
    return f"set a valid one (export {variable}=...) and type the same command again"
