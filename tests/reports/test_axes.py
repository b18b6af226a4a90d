import pytest

from simulacra.reports.axes import Axis, area, dots, path


def test_a_linear_axis_holds_all_values_between_round_marks() -> None:
    axis = Axis.linear(100, 0, [0.12, 0.77])
    assert [mark.label for mark in axis.marks] == ["0.0", "0.2", "0.4", "0.6", "0.8"]
    assert [axis.at(axis.low), axis.at(axis.high)] == [100, 0]
    assert axis.at(0.4) == pytest.approx(50)


def test_a_logarithmic_axis_spans_whole_powers() -> None:
    axis = Axis.log(0, 90, [0.02, 3.0])
    assert [mark.label for mark in axis.marks] == ["0.01", "0.1", "1", "10"]
    assert [axis.at(value) for value in (0.01, 0.1, 1, 10)] == pytest.approx([0, 30, 60, 90])
    assert Axis.log(0, 1, [1e-6, 1e-5]).marks[0].label == "10⁻⁶"
    assert Axis.log(0, 1, [5, 5]).high == 10  # never without length


def test_whole_numbers_begin_with_the_first_and_a_single_one_stands_in_the_middle() -> None:
    axis = Axis.whole(0, 270, 1, 10)
    assert [mark.label for mark in axis.marks] == ["1", "2", "4", "6", "8", "10"]
    assert axis.at(10) == 270
    (mark,) = Axis.whole(0, 270, 1, 1).marks
    assert (mark.label, mark.place) == ("1", 135)
    # A hundred generations leave no room for "1" and "0" side by side, and there is no generation 0.
    assert [mark.label for mark in Axis.whole(0, 270, 1, 100).marks] == ["1", "20", "40", "60", "80", "100"]


def test_what_lies_outside_is_kept_at_the_edge() -> None:
    axis = Axis.linear(0, 100, [0, 1])
    assert [axis.kept(-5), axis.kept(0.25), axis.kept(9)] == pytest.approx([0, 25, 100])


def test_paths_have_gaps_and_dots() -> None:
    assert path([(0, 1), (2, 3), None, (4, 5), None]) == "M0.0 1.0L2.0 3.0M4.0 5.0h0"
    assert path([None]) == ""
    assert dots([(1, 2), (3, 4)]) == "M1.0 2.0h0M3.0 4.0h0"
    assert area(0, 10, 5, 2) == "M0.0 5.0H10.0V2.0H0.0Z"
