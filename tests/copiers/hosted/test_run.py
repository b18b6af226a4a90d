"""A whole run against the service on this machine: what stands in the run folder, and what does not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simulacra.copying.experiment as experiment
from simulacra import copy
from simulacra.copiers.hosted import Budget, Settings
from simulacra.copiers.hosted.gemini import Gemini, GeminiParameters
from simulacra.copiers.hosted.openai import OpenAI, OpenAIParameters
from simulacra.copying import Ended

from .service import KEY, Behaviour, Service, SimulatedClock, error, hang_up, made, picture_bytes, raw, shown, spoken

GOOD = made(picture_bytes(180))


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "available_channels", lambda names: ({}, {}))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(path)
    return path


def replica(service: Service, clock: SimulatedClock, budget: Budget | None = None) -> OpenAI:
    parameters = OpenAIParameters(base_url=service.address, size="16x16")
    return OpenAI(parameters, settings=Settings(), budget=budget or Budget(), clock=clock)


@pytest.mark.parametrize(
    ("last", "copies"),
    [
        (GOOD, 4),
        (error(401, f"Incorrect API key provided: {KEY}"), 2),
        (error(429, f"Too many for {KEY}", {"Retry-After": "9999"}), 2),
        (error(500, f"crashed on {KEY}"), 2),
        (error(400, f"{KEY} is blocked", {"x-request-id": KEY}, code="moderation_blocked"), 2),
        (raw(200, f"{{{KEY}".encode()), 2),
        (hang_up, 2),
    ],
)
def test_the_key_is_in_no_file_whatever_happens(
    last: Behaviour, copies: int, picture: Path, service: Service, clock: SimulatedClock, own_store: Path
) -> None:
    service.script = [GOOD, made(picture_bytes(180), model=KEY, quality=KEY), last]
    result = copy(picture, copier=replica(service, clock), times=4, controls=False)
    assert len(result.chains[0].frames) == copies + 1  # a failure is never a frame
    assert all(asked.headers["authorization"].endswith(KEY) for asked in service.asked)
    files = [path for path in own_store.rglob("*") if path.is_file()]
    assert any(path.name == "journal.jsonl" for path in files)
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path


def test_a_chain_stops_at_the_budget_and_goes_on_with_a_new_one(
    picture: Path, service: Service, clock: SimulatedClock
) -> None:
    usage = {"input_tokens": 0, "output_tokens": 1_000_000}  # 32 dollars of gpt-image-1.5
    service.script = [made(picture_bytes(180), usage=usage)]
    first = copy(picture, copier=replica(service, clock, Budget(100.0)), times=5, controls=False)
    ending = first.chains[0].ending
    assert (ending.reason, ending.copies) == (Ended.REFUSED, 3)
    assert ending.message.startswith("budget of $100.00 reached after copy 3 ($96.00 spent")
    again = copy(picture, copier=replica(service, clock, Budget(100.0)), times=5, controls=False)
    assert again.identity == first.identity
    assert again.chains[0].ending.reason is Ended.TIMES
    assert len(service.asked) == 5  # no frame is paid for twice


def test_a_conversation_that_was_stopped_is_not_silently_begun_again(
    picture: Path, service: Service, clock: SimulatedClock
) -> None:
    def conversation() -> Gemini:
        parameters = GeminiParameters(base_url=service.address, context="conversation", size="auto")
        return Gemini(parameters, settings=Settings(), budget=Budget(), clock=clock)

    service.script = [spoken(shown(picture_bytes(level))) for level in (180, 170)] + [error(400, "not now")]
    first = copy(picture, copier=conversation(), times=5, controls=False)
    again = copy(picture, copier=conversation(), times=5, controls=False)
    ending = again.chains[0].ending
    assert again.identity == first.identity
    assert (ending.reason, ending.copies) == (Ended.REFUSED, 2)
    assert ending.message.startswith("no conversation ends with frame 2: ")
    assert len(service.asked) == 3  # nothing was sent again, and nothing paid
    assert again.chains[0].frames == first.chains[0].frames


def test_replicates_are_asked_for_each_by_itself(picture: Path, service: Service, clock: SimulatedClock) -> None:
    service.script = [GOOD]
    result = copy(picture, copier=replica(service, clock), times=2, replicates=3, controls=False)
    assert len(result.chains) == 3
    assert len(service.asked) == 6
    # Equal copies prove no fixed point here: the next answer may differ.
    assert all(chain.ending.reason is Ended.TIMES for chain in result.chains)


def test_every_attempt_is_in_the_journal(
    picture: Path, service: Service, clock: SimulatedClock, own_store: Path
) -> None:
    service.script = [error(503, "warming up"), GOOD]
    result = copy(picture, copier=replica(service, clock), times=1, controls=False)
    journal = (result.folder / "journal.jsonl").read_text()
    assert "the service failed (status 503): warming up" in journal
    assert '"status":200' in journal
