"""A service that misbehaves on request, keys, and an environment with nothing else in it."""

from collections.abc import Iterator

import pytest

from simulacra.copiers.hosted.pacing import shared_pacer
from simulacra.copiers.hosted.prices import PRICES
from simulacra.copiers.hosted.settings import BUDGET_USD, CALL_SECONDS, CALLS_PER_MINUTE

from .service import KEY, Service, SimulatedClock


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (BUDGET_USD, CALL_SECONDS, CALLS_PER_MINUTE, PRICES):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shared_pacer.cache_clear()  # a port may come again, and with it a hold that another test's server asked for


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()
