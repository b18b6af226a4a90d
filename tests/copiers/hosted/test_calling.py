"""Every way a service can misbehave, and what becomes of the copy."""

from typing import Any

import pytest
import torch

from simulacra.copiers.contract import Receipt
from simulacra.copiers.hosted import Budget, Settings
from simulacra.copiers.hosted.openai import OpenAI, OpenAIParameters

from .service import KEY, Behaviour, Service, SimulatedClock, error, hang_up, made, picture_bytes, raw, reply

GOOD = made(picture_bytes(180))


def ask(service: Service, clock: SimulatedClock, settings: Settings | None = None, **given: Any) -> Receipt:
    parameters = OpenAIParameters(base_url=service.address, size="16x16", **given)
    subject = OpenAI(parameters, settings=settings or Settings(), budget=Budget(), clock=clock)
    picture = torch.full((1, 3, 16, 16), 0.5)
    copies, receipts = subject.copy(picture, [0], 1)
    assert (receipts[0].refusal is None) != torch.equal(copies, picture)  # without a copy, the picture comes back
    return receipts[0]


def statuses(receipt: Receipt) -> list[int | None]:
    return [attempt["status"] for attempt in receipt.effective["attempts"]]


@pytest.mark.parametrize(
    ("behaviour", "stopped", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY[:8]}***wxyz"), "key", "set a valid one (export OPENAI_API_KEY="),
        (
            error(403, "Your organization must be verified"),
            "key",
            "may not do this (status 403): Your organization must",
        ),
        (error(400, "bad key", details=[{"reason": "API_KEY_INVALID"}]), "key", "refused the key in OPENAI_API_KEY"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), "credit", "has no credit left (status 429)"),
        (error(402, "Pay first"), "credit", "has no credit left (status 402): Pay first; add some"),
        (error(400, "Unknown parameter: 'n'"), "call", "does not take this call (status 400): Unknown parameter: 'n'"),
        (reply({"error": "plain words"}, 400), "call", "(status 400): plain words; check model and base-url"),
        (error(404, "no such model"), "call", "(status 404): no such model; check model and base-url"),
        (raw(413, b"<html>"), "call", "does not take this call (status 413); check"),
        (raw(302, b"", {"Location": "http://127.0.0.1:9/"}), "call", "sends us elsewhere (status 302)"),
        (
            error(400, "no", code="content_policy_violation"),
            "refused",
            "the service refused (content_policy_violation)",
        ),
    ],
)
def test_what_no_try_can_help_stops_at_once(
    behaviour: Behaviour, stopped: str, words: str, service: Service, clock: SimulatedClock
) -> None:
    service.script = [behaviour]
    receipt = ask(service, clock)
    assert receipt.effective["stopped"] == stopped
    assert words in (receipt.refusal or "")
    assert len(service.asked) == 1
    assert clock.slept == []
    assert receipt.effective["attempts"][0]["reason"] == receipt.refusal


def test_the_words_of_a_401_are_not_quoted(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(401, f"Incorrect API key provided: {KEY[:8]}***{KEY[-4:]}")]
    assert KEY[-4:] not in str(ask(service, clock))


def test_a_key_that_a_server_quotes_is_taken_out(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(400, f"what is {KEY}?", {"x-request-id": KEY})]
    receipt = ask(service, clock)
    assert "what is ...?" in (receipt.refusal or "")
    assert KEY not in str(receipt)


def test_words_are_one_printable_line_of_bounded_length(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(400, "one\ntwo\x1b[31m" + "x" * 1000)]
    refusal = ask(service, clock).refusal or ""
    assert "one two [31mxxx" in refusal
    assert refusal.isprintable() and len(refusal) < 700


def test_too_many_calls_wait_as_long_as_the_server_asks(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(429, "slow down", {"Retry-After": "12"}), error(429, "still", {"Retry-After": "7"}), GOOD]
    receipt = ask(service, clock)
    assert receipt.refusal is None
    assert statuses(receipt) == [429, 429, 200]
    assert clock.slept == [12.0, 7.0]
    assert [attempt["waited_seconds"] for attempt in receipt.effective["attempts"]] == [0.0, 12.0, 7.0]
    assert receipt.effective["attempts"][0]["reason"] == "too many calls (status 429): slow down"
    assert receipt.seconds == 19.0


def test_too_many_calls_are_no_failures_but_patience_ends(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(429, "busy", {"Retry-After": "60"})]
    receipt = ask(service, clock, Settings(patience_seconds=600, tries=2))
    assert receipt.effective["stopped"] == "rate"
    assert len(service.asked) == 11
    assert sum(clock.slept) == 600
    assert "600 s is the longest we wait" in (receipt.refusal or "")


def test_a_wait_longer_than_our_patience_is_not_begun(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(429, "tomorrow", {"Retry-After": "86400"})]
    receipt = ask(service, clock)
    assert clock.slept == []
    assert "asks to wait 86400 s" in (receipt.refusal or "")


def test_too_many_calls_without_a_time_back_off(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(429), error(429), GOOD]
    receipt = ask(service, clock)
    assert statuses(receipt) == [429, 429, 200]
    assert sum(clock.slept) <= 2 + 4 + 2  # full jitter below 2 s and 4 s, and the second between careful calls


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
def test_failures_of_the_server_are_tried_again(status: int, service: Service, clock: SimulatedClock) -> None:
    service.script = [error(status, "oops"), raw(status, b"<html>not even JSON"), GOOD]
    receipt = ask(service, clock)
    assert statuses(receipt) == [status, status, 200]
    assert receipt.effective["attempts"][0]["reason"] == f"the service failed (status {status}): oops"
    assert all(pause < 4 for pause in clock.slept)


def test_a_failing_server_is_asked_to_come_back_later(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(503, "down", {"Retry-After": "30"}), GOOD]
    ask(service, clock)
    assert clock.slept[0] == 30.0


def test_tries_are_bounded(service: Service, clock: SimulatedClock) -> None:
    service.script = [error(500, "always")]
    receipt = ask(service, clock)
    assert len(service.asked) == len(receipt.effective["attempts"]) == 6
    assert receipt.effective["stopped"] == "server"
    assert receipt.refusal == (
        "6 tries failed; the last: the service failed (status 500): always; type the same command to go on"
    )
    assert sum(clock.slept) < 2 + 4 + 8 + 16 + 32


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (hang_up, "the connection broke off: "),
        (raw(200, b'{"data": [', promised=4000), "the answer broke off 3990 bytes before its end"),
        (raw(200, b'{"data": [{"b64_json": "iVBO'), "an answer that is no JSON object"),
        (raw(200, b"[]"), "an answer that is no JSON object"),
        (raw(200, b"\xff\xfe\x00"), "an answer that is no JSON object"),
        (raw(200, b""), "an empty answer"),
        (reply({}), "an answer without a picture"),
        (reply({"data": [{}]}), "an answer without a picture"),
        (reply({"data": {"b64_json": 5}, "usage": [], "quality": 7}), "an answer without a picture"),
    ],
)
def test_broken_answers_are_tried_again(
    behaviour: Behaviour, reason: str, service: Service, clock: SimulatedClock
) -> None:
    service.script = [behaviour, GOOD]
    receipt = ask(service, clock)
    assert receipt.refusal is None
    assert receipt.effective["attempts"][0]["reason"].startswith(reason)
    assert receipt.effective["cost"]["at_least"]  # the service may charge for what never arrived whole


def test_no_answer_in_time_is_tried_again(service: Service, clock: SimulatedClock) -> None:
    def keep_waiting(handler: Any, asked: Any) -> None:
        service.over.wait(10)

    service.script = [keep_waiting, GOOD]
    receipt = ask(service, clock, Settings(timeout_seconds=0.2))
    assert statuses(receipt) == [None, 200]
    assert receipt.effective["attempts"][0]["reason"] == "no answer within 0.2 s"


def test_an_answer_that_trickles_is_given_up(service: Service, clock: SimulatedClock) -> None:
    def trickle(handler: Any, asked: Any) -> None:
        raw(200, b"", promised=10**6)(handler, asked)
        try:
            while not service.over.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            pass  # given up

    service.script = [trickle, GOOD]
    receipt = ask(service, clock, Settings(timeout_seconds=0.3))
    assert receipt.effective["attempts"][0]["reason"] == "no answer within 0.3 s"


def test_nobody_there_is_told_and_costs_nothing(service: Service, clock: SimulatedClock) -> None:
    address = service.address
    service.close()
    parameters = OpenAIParameters(base_url=address, size="16x16")
    budget = Budget(1.0)
    subject = OpenAI(parameters, settings=Settings(tries=2), budget=budget, clock=clock)
    receipt = subject.copy(torch.zeros(1, 3, 16, 16), [0], 1)[1][0]
    assert receipt.effective["stopped"] == "unreachable"
    assert (receipt.refusal or "").startswith("2 tries failed; the last: no connection: Connection refused")
    assert budget.spent_usd == 0.0


def test_an_answer_that_never_came_is_paid_from_the_budget(service: Service, clock: SimulatedClock) -> None:
    service.script = [hang_up, GOOD]
    budget = Budget(0.05)  # one copy at about 3.5 cents
    parameters = OpenAIParameters(base_url=service.address, size="1024x1024")
    subject = OpenAI(parameters, settings=Settings(), budget=budget, clock=clock)
    receipt = subject.copy(torch.zeros(1, 3, 16, 16), [0], 1)[1][0]
    assert receipt.effective["stopped"] == "budget"
    assert len(service.asked) == 1
