import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulacra.measures.contract import Undefined
from simulacra.reports.numbers import gaps, reasons, shown, tick_label, ticks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-3.0, "−3"),
        (0.99999, "1.00"),
        (31.24, "31.2"),
        (9.996, "10.0"),
        (128.6, "129"),
        (0.0412, "0.041"),
        (-0.5, "−0.500"),
        (0.00031, "3.1e−4"),
        (1e-12, "1.0e−12"),
    ],
)
def test_three_figures_and_a_true_minus(value: float, text: str) -> None:
    assert shown(value) == text


def test_a_signed_number_says_so_unless_it_is_zero() -> None:
    assert [shown(value, signed=True) for value in (12.04, -12.04, 0.0)] == ["+12.0", "−12.0", "0"]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
@example(-1.0, 100_002.0)  # a little over five steps, and a little beyond both ends
def test_ticks_are_few_even_and_enclose_the_values(low: float, width: float) -> None:
    marks = ticks(low, low + width)
    step = marks[1] - marks[0]
    # Six decimals of a step: what the sums of floats may lose.
    assert marks[0] <= low + step * 1e-6
    assert marks[-1] >= low + width - step * 1e-6
    assert 2 <= len(marks) <= 7


def test_rounding_noise_does_not_fill_a_chart() -> None:
    marks = ticks(50.0, 50.000001)
    assert marks[-1] - marks[0] >= 0.05


def test_a_distance_that_stays_nothing_has_no_negative_axis() -> None:
    assert ticks(0.0, 0.0)[0] == 0


def test_tick_labels_have_the_decimals_of_their_step() -> None:
    assert [tick_label(mark, 0.5) for mark in (-0.5, 0.0, 0.5)] == ["−0.5", "0.0", "0.5"]
    assert tick_label(-20.0, 10.0) == "−20"


def test_reasons_are_told_once_a_stretch() -> None:
    lost, small = Undefined("no face found"), Undefined("too small")
    assert reasons([1.0, lost, lost, 2.0, lost, small]) == [
        (1, 2, "no face found"),
        (4, 4, "no face found"),
        (5, 5, "too small"),
    ]


def test_a_gap_is_one_gap_whatever_numbers_its_reasons_hold() -> None:
    low, lower = Undefined("correlation 0.34"), Undefined("correlation 0.30")
    assert gaps([low, lower, 1.0, lower]) == [(0, 1, "correlation 0.34"), (3, 3, "correlation 0.30")]
