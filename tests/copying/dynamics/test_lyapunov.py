from math import log

import pytest
import torch

from simulacra import UserError
from simulacra.copying.dynamics import Interval, lyapunov, lyapunov_of_chains
from simulacra.measures.contract import Undefined

from .toys import GREY, Forgetful, Noisy, Toy, linear, rotated

SPECTRUM = torch.diag(torch.linspace(0.1, 0.5, 48)).index_fill(0, torch.tensor([0]), 0.0)
SPECTRUM[0, 0] = -0.9


@pytest.mark.parametrize("copier", [Toy(linear(rotated(SPECTRUM))), Noisy(linear(rotated(SPECTRUM)))])
def test_a_linear_copier_has_the_logarithm_of_its_largest_eigenvalue(copier: Toy) -> None:
    # After the turning, other eigenvalues weigh (0.5 / 0.9)^40; float32 pictures leave 1e-4 of a difference of 1e-3.
    found = lyapunov(copier, GREY, copies=100, turning=40, size=0.02)
    assert found.exponent.value == pytest.approx(log(0.9), abs=1e-4)
    assert isinstance(found.exponent.interval, Interval)
    assert found.exponent.interval.high - found.exponent.interval.low < 1e-3


def test_the_logistic_map_has_ln_2() -> None:
    # At r = 4 the sum of ln|f'| over K steps is K ln 2 + ln(x_K (1 - x_K) / (x_0 (1 - x_0))) / 2: off by a few / K.
    found = lyapunov(Toy(lambda x: 4 * x * (1 - x)), torch.full((1, 3, 1, 1), 0.3), copies=1000, size=1e-4)
    assert found.exponent.value == pytest.approx(log(2), abs=5e-3)
    assert isinstance(found.exponent.interval, Interval)
    assert log(2) in found.exponent.interval


def test_a_rounding_copier_makes_small_twins_equal_and_says_so() -> None:
    found = lyapunov(Toy(lambda x: (x * 255).round() / 255), torch.full((1, 3, 4, 4), 100 / 255), size=1e-4)
    assert isinstance(found.exponent.value, Undefined)
    assert "became equal at copy 1" in found.exponent.value.reason


def test_differences_stay_inside_the_range() -> None:
    seen: list[tuple[float, float]] = []

    def watch(pictures: torch.Tensor) -> torch.Tensor:
        seen.append((float(pictures.min()), float(pictures.max())))
        return pictures.clone()

    found = lyapunov(Toy(watch), (torch.arange(48) % 2).float().reshape(1, 3, 4, 4), copies=5, size=0.1)
    assert all(low >= 0 and high <= 1 for low, high in seen)
    assert found.exponent.value == pytest.approx(0, abs=1e-6)  # the identity neither shrinks nor grows them


def test_stored_chains_are_followed_until_they_meet_or_part() -> None:
    shrinking = [8.0, 4.0, 2.0, 1.0, 0.0, 0.0]
    growing = [1.0, 3.0, 9.0, 9.5]
    assert lyapunov_of_chains([shrinking]).exponent.value == pytest.approx(log(0.5))
    assert lyapunov_of_chains([growing], ceiling=9.2).exponent.value == pytest.approx(log(3))
    both = lyapunov_of_chains([shrinking, growing], ceiling=9.2)
    assert both.exponent.value == pytest.approx((log(0.5) + log(3)) / 2)
    assert isinstance(both.exponent.interval, Interval)
    assert both.copies == 3
    assert isinstance(lyapunov_of_chains([[0.0, 1.0]]).exponent.value, Undefined)
    assert isinstance(lyapunov_of_chains([]).exponent.value, Undefined)


def test_refuses_what_cannot_be_followed() -> None:
    with pytest.raises(UserError, match="answers differently when asked again"):
        lyapunov(Forgetful(lambda x: x), GREY)
    with pytest.raises(UserError, match="copies is 0"):
        lyapunov(Toy(lambda x: x), GREY, copies=0)
    with pytest.raises(UserError, match=r"size is 2.0"):
        lyapunov(Toy(lambda x: x), GREY, size=2.0)
