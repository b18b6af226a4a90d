"""Runs side by side: what they share, what is told of the rest, and who comes first."""

from dataclasses import replace

import pytest

from simulacra.copying import Ended, Ending
from simulacra.copying.compare import baseline_curve, compare, curve
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined

from .made_up import chain, run

RESIZE = "resize:factor=4"


def test_ranked_by_drift_beyond_the_baseline_and_not_by_drift() -> None:
    pictures = ("a", "b", "c")
    model = [chain(each, "realesrgan", [0, 6, 12 + n / 10]) for n, each in enumerate(pictures)]
    beside = [chain(each, RESIZE, [0, 5, 10], control=True) for each in pictures]
    codec = [chain(each, "jpeg", [0, 2, 4 + n / 10]) for n, each in enumerate(pictures)]
    found = compare([run("codec", codec), run("model", [*model, *beside])])
    colour = found.columns[0]
    assert [found.contenders[standing.contender].label for standing in colour.standings] == ["realesrgan", "jpeg"]
    first, second = colour.standings
    assert (first.place, second.place) == ((1, 1), (2, 2))
    assert first.excess.value == pytest.approx(2.1)
    assert first.drift.value == pytest.approx(12.1)
    assert first.over_copies.value == pytest.approx((1 + 2.1) / 2)
    assert [contender.baseline for contender in found.contenders] == [RESIZE, "identity"]
    assert found.told == ()


def test_compared_on_the_pictures_and_copies_they_share_and_told() -> None:
    one = run("one", [chain("a", "jpeg", [0, 1, 2]), chain("b", "jpeg", [0, 1, 2])])
    other = run("other", [chain("b", "webp", [0, 1, 3, 9, 9])])
    found = compare([one, other])
    assert [picture.label for picture in found.pictures] == ["b"]
    assert found.pictures[0].size == (200, 100)
    assert found.copies == 2
    assert [standing.excess.value for standing in found.columns[0].standings] == [2, 3]
    assert found.told == (
        "jpeg also copied a, which not all did: left out.",
        "Runs of up to 4 copies are compared at copy 2, the last one of the shortest run.",
    )


def test_nothing_shared_is_one_sentence() -> None:
    one, other = run("one", [chain("a", "jpeg", [0, 1])]), run("other", [chain("b", "webp", [0, 1])])
    with pytest.raises(
        UserError, match=r"share no picture \(jpeg copied a at 200x100 px; webp copied b at 200x100 px\)"
    ):
        compare([one, other])
    with pytest.raises(UserError, match="no run was given"):
        compare([])
    with pytest.raises(UserError, match="finished a chain yet; continue with: simulacra copy"):
        compare([run("one", [chain("a", "identity", [0, 0], control=True)])])


def test_runs_of_one_copier_on_different_pictures_are_one_contender() -> None:
    runs = [run(f"jpeg-{each}", [chain(each, "jpeg", [0, n])]) for n, each in enumerate("abc", 1)]
    found = compare([*runs, run("webp", [chain(each, "webp", [0, 4]) for each in "abc"])])
    assert [contender.label for contender in found.contenders] == ["jpeg", "webp"]
    assert len(found.contenders[0].results) == 3
    assert found.columns[0].standings[0].by_picture == (1, 2, 3)


def test_a_run_that_shares_nothing_shortens_nothing() -> None:
    long = [run("jpeg-a", [chain("a", "jpeg", [0, 1, 2])]), run("webp", [chain("a", "webp", [0, 1, 3])])]
    found = compare([*long, run("jpeg-b", [chain("b", "jpeg", [0, 1])])])
    assert found.copies == 2
    assert found.told == ("jpeg also copied b, which not all did: left out.",)


def test_two_runs_of_one_copier_on_one_picture_are_told_apart_by_run() -> None:
    found = compare([run("jpeg-1", [chain("a", "jpeg", [0, 1])]), run("jpeg-2", [chain("a", "jpeg", [0, 2])])])
    assert [contender.label for contender in found.contenders] == ["jpeg (jpeg-1)", "jpeg (jpeg-2)"]


def test_a_remedy_competes_and_a_control_does_not() -> None:
    chains = [
        chain("a", "jpeg", [0, 9]),
        chain("a", "jpeg", [0, 3], remedy="anchor:every=5"),
        chain("a", "identity", [0, 0], control=True),
    ]
    found = compare([run("jpeg", chains)])
    assert [contender.label for contender in found.contenders] == ["jpeg with anchor:every=5", "jpeg"]


def test_a_channel_that_not_all_measured_alike_is_left_out_and_told() -> None:
    one, other = run("one", [chain("a", "jpeg", [0, 1])]), run("other", [chain("a", "webp", [0, 1])])
    other = replace(other, measures=tuple(measure for measure in other.measures if measure.name != "ssim"))
    found = compare([one, other])
    assert [column.yardstick.channel for column in found.columns] == ["colour"]
    assert found.told == ("The structure channel is not compared: not all runs measured it, or not alike.",)
    with pytest.raises(UserError, match="no measure in common"):
        compare([one, replace(other, measures=())])


def test_the_face_is_compared_on_pictures_that_have_one() -> None:
    lost = Undefined("no face found")
    kept = [chain("a", "jpeg", [0, 1], faces=[0.0, 0.2]), chain("b", "jpeg", [0, 1])]
    gone = [chain("a", "webp", [0, 1], faces=[0.0, lost]), chain("b", "webp", [0, 1])]
    found = compare([run("webp", gone), run("jpeg", kept)])
    face = found.columns[-1]
    assert [picture.label for picture in face.pictures] == ["a"]
    first, last = face.standings
    assert (found.contenders[first.contender].label, first.excess.value) == ("jpeg", 0.2)
    assert (last.place, last.excess.value) == (None, lost)


def test_curves_are_means_over_pictures_and_end_where_one_has_no_value() -> None:
    refused = Ending(Ended.REFUSED, 1, message="no")
    one = run("one", [chain("a", "jpeg", [0, 2, 4]), chain("b", "jpeg", [0, 4], ending=refused)], times=2)
    found = compare([one])
    assert curve(found.contenders[0], found.columns[0], 2) == [0, 3, None]
    assert baseline_curve(found.contenders[0], found.columns[0], 2) is None


def test_the_curve_of_the_baseline() -> None:
    chains = [chain("a", "realesrgan", [0, 2]), chain("a", RESIZE, [0, 1], control=True)]
    found = compare([run("one", chains)])
    assert baseline_curve(found.contenders[0], found.columns[0], 1) == [0, 1]
