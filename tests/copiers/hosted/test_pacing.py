"""Parallel chains against a server that counts, in simulated time: an event queue stands for the threads."""

from heapq import heappop, heappush
from random import Random

import pytest

from simulacra.copiers.hosted.pacing import Pacer, asked_wait, backoff, shared_pacer

from .service import SimulatedClock

MINUTE = 60.0


class CountingServer:
    """Takes `rate` calls in any minute and tells the others when the oldest of them is a minute old."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.taken: list[float] = []
        self.refused = 0

    def call(self, now: float) -> float | None:
        """None when the call is taken, else the seconds to wait."""
        recent = [time for time in self.taken if time > now - MINUTE]
        if len(recent) >= self.rate:
            self.refused += 1
            return recent[0] + MINUTE - now
        self.taken.append(now)
        return None


def simulate(pacer: Pacer, server: CountingServer, chains: int, latency: float, minutes: float) -> None:
    """Chains that each wait for a place, call, wait for the picture, and call again; the network is uneven."""
    network = Random(20261121)
    queue = [(0.0, chain, False) for chain in range(chains)]
    while queue and queue[0][0] < minutes * MINUTE:
        now, chain, arrives = heappop(queue)
        if not arrives:
            pause = pacer.claim(now)
            leaves = now + (pause or network.uniform(0.01, 0.1))
            heappush(queue, (leaves, chain, not pause))
            continue
        after = server.call(now)
        if after is None:
            heappush(queue, (now + latency, chain, False))
        else:
            pacer.hold(now + after)
            heappush(queue, (now, chain, False))


@pytest.mark.parametrize(("rate", "chains", "latency"), [(5, 4, 30.0), (20, 12, 30.0), (50, 32, 35.0), (7, 40, 3.0)])
def test_a_known_rate_is_kept_busy_and_never_exceeded(rate: int, chains: int, latency: float) -> None:
    server = CountingServer(rate)
    simulate(Pacer(rate), server, chains, latency, minutes=10)
    possible = min(rate, chains * MINUTE / latency) * 10
    assert server.refused == 0
    assert len(server.taken) >= 0.98 * possible  # the pacer itself leaves 1 % free


@pytest.mark.parametrize("rate", [5, 20, 50])
def test_an_unknown_rate_is_found_by_asking_little(rate: int) -> None:
    server = CountingServer(rate)
    simulate(Pacer(), server, 40, 30.0, minutes=10)
    assert len(server.taken) >= 0.98 * 10 * rate
    # All 40 chains may call before the first refusal is heard; from then on about one call a minute is too many.
    assert server.refused <= 40 + 2 * 10


def test_a_hold_stops_every_chain_and_is_left_one_by_one() -> None:
    pacer = Pacer()
    assert pacer.claim(0.0) == pacer.claim(0.0) == 0.0
    pacer.hold(12.0)
    pacer.hold(5.0)  # a shorter one does not shorten it
    assert pacer.claim(2.0) == 10.0
    assert pacer.claim(12.0) == 0.0
    assert pacer.claim(12.0) == 1.0


def test_waiting_takes_the_place() -> None:
    pacer, clock = Pacer(6), SimulatedClock()
    assert [pacer.wait(clock) for _ in range(3)] == pytest.approx([0.0, 10.1, 10.1])  # floats of whole seconds


def test_copiers_of_one_model_share_a_pacer() -> None:
    assert shared_pacer("a", "m", 5.0) is shared_pacer("a", "m", 5.0)
    assert shared_pacer("a", "m", 5.0) is not shared_pacer("a", "n", 5.0)


def test_backoff_doubles_to_a_bound_and_draws_from_all_of_it() -> None:
    assert [backoff(failures, 0.5) for failures in (1, 2, 3, 6, 50)] == [1.0, 2.0, 4.0, 30.0, 30.0]
    assert backoff(3, 0.0) == 0.0
    assert all(0 <= backoff(3) < 8 for _ in range(50))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "soon", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_every_way_to_ask_for_a_wait_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, {}) == seconds


def test_a_wait_in_the_body_is_understood() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure"}, {"retryDelay": "39s"}]
    assert asked_wait({}, {"details": details}) == 39.0
