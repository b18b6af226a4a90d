from collections.abc import Callable

import numpy as np
import pytest

from simulacra import UserError
from simulacra.copying.dynamics import Forecast, Interval, forecast
from simulacra.measures.contract import Undefined, Value

from .coverage import autoregressive, bounds

Made = Callable[[np.random.Generator], list[float]]


def trend(slope: float) -> Made:
    return lambda rng: [float(value) for value in slope * np.arange(102) + rng.standard_normal(102)]


def saturating(half_life: float, way: float) -> Made:
    curve = way * (1 - 2 ** (-np.arange(102) / half_life))
    return lambda rng: [float(value) for value in curve + rng.standard_normal(102)]


def regression(slope: float, fixed: float) -> Made:
    return lambda rng: autoregressive(rng, slope, fixed, 0.0, 101)[0]


def foresee(values: list[float] | list[Value], target: int = 101) -> tuple[Forecast, Interval]:
    result = forecast(values, target)
    assert isinstance(result, Forecast)
    assert isinstance(result.value.interval, Interval)
    return result, result.value.interval


@pytest.mark.parametrize("made", [regression(0.9, 5.0), trend(1.0), saturating(9, 50.0)])
def test_the_interval_holds_copy_101_at_the_stated_rate(made: Made) -> None:
    # A weighed bank is wider than the one true model would be, so only too few are an error; a risk of 1e-4.
    trials, rng, held = 60, np.random.default_rng(6), 0
    for _ in range(trials):
        values = made(rng)
        held += values[101] in foresee(values[:15])[1]
    assert held >= bounds(trials)[0]


def test_units_change_nothing_else() -> None:
    values = saturating(6, 20.0)(np.random.default_rng(1))[:15]
    (found, limits), (scaled, wide) = foresee(values), foresee([2 * value - 7 for value in values])
    assert isinstance(found.value.value, float)
    # The same weights; what differs is rounding of the data.
    assert scaled.value.value == pytest.approx(2 * found.value.value - 7, rel=1e-6)
    assert (wide.low, wide.high) == pytest.approx((2 * limits.low - 7, 2 * limits.high - 7), rel=1e-6)
    assert scaled.settled == pytest.approx(found.settled)


def test_more_values_say_more() -> None:
    values = saturating(9, 30.0)(np.random.default_rng(2))
    few, many = foresee(values[:12])[1], foresee(values[:60])[1]
    assert many.high - many.low < (few.high - few.low) / 5
    assert 30 in many


def test_a_clean_curve_is_followed_to_its_end() -> None:
    # Rounding by 5e-7 is all there is to err by; the end of the curve is known a thousand times worse than its values.
    values = [round(5 + 40 * 0.8**k, 6) for k in range(15)]
    found, limits = foresee(values)
    assert found.value.value == pytest.approx(5, abs=1e-4)
    assert limits.high - limits.low < 5e-3
    assert found.settled > 0.99


def test_what_stands_still_goes_on_standing() -> None:
    found, limits = foresee([3.5] * 15)
    assert found.value.value == pytest.approx(3.5)
    assert limits.high - limits.low < 1e-3


def test_gaps_are_left_out() -> None:
    values: list[Value] = list(saturating(9, 50.0)(np.random.default_rng(3))[:15])
    values[0] = values[7] = Undefined("no face")
    found, limits = foresee(values)
    assert isinstance(found.value.value, float)
    assert found.value.value in limits


def test_says_why_there_is_no_forecast() -> None:
    assert isinstance(forecast([1.0, 2.0, 3.0]), Undefined)
    with pytest.raises(UserError, match="target is 14; it must come after the last measured frame, 14"):
        forecast([float(k) for k in range(15)], 14)
