import pytest

from simulacra.copying.result import Ended, Ending
from simulacra.measures.contract import Undefined
from simulacra.reports.subjects import (
    chain_label,
    ending_sentence,
    frame_at,
    number_at,
    span,
    subjects,
    value_at,
)

from .conftest import Runs, melt, melting, portrait


def test_a_settled_chain_shows_its_cycle_for_ever(runs: Runs) -> None:
    codec = melting(runs).chains[2]  # frames 0..5, a cycle of two that begins at frame 3: frame 5 equals frame 3
    assert [frame_at(codec, copy) for copy in range(10)] == [0, 1, 2, 3, 4, 5, 4, 3, 4, 3]


def test_values_repeat_with_the_pictures_they_belong_to(runs: Runs) -> None:
    codec = melting(runs).chains[2]
    origin = codec.values["origin"]["delta_e00_pixel_mean"]
    assert [value_at(codec, "origin", "delta_e00_pixel_mean", copy) for copy in (6, 7, 101)] == [
        origin[4],
        origin[3],
        origin[3],
    ]
    # Copy 6 equals frame 4, copy 5 equals frame 3: the step into copy 6 is the step into frame 4, and so on.
    previous = codec.values["previous"]["delta_e00_pixel_mean"]
    assert [value_at(codec, "previous", "delta_e00_pixel_mean", copy) for copy in (6, 7, 8)] == [
        previous[4],
        previous[5],
        previous[4],
    ]


def test_after_a_fixed_point_every_further_step_is_nothing(runs: Runs) -> None:
    identity = melting(runs).chains[1]
    assert [number_at(identity, "previous", "delta_e00_pixel_mean", copy) for copy in (1, 2, 20)] == [0, 0, 0]


def test_a_refused_chain_has_no_further_copies(runs: Runs) -> None:
    refused = runs.chain(melt(portrait(16), 3), ending=Ending(Ended.REFUSED, 3, message="no."))
    assert frame_at(refused, 3) == 3
    assert frame_at(refused, 4) is None
    assert value_at(refused, "origin", "ssim", 4) is None
    assert ending_sentence(refused) == "Copy 4 was refused: no."


def test_undefined_is_no_number(runs: Runs) -> None:
    model = melting(runs).chains[0]
    assert value_at(model, "origin", "identity_distance", 5) == Undefined("no face found")
    assert number_at(model, "origin", "identity_distance", 5) is None
    assert value_at(model, "origin", "no_such_measure", 5) is None


def test_the_chains_of_a_picture_come_before_its_controls(runs: Runs) -> None:
    start = portrait(16)
    result = runs.result(
        [
            runs.chain([start], copier="identity", control=True),
            runs.chain(melt(start, 2), replicate=1),
            runs.chain(melt(start, 2), replicate=2),
            runs.chain(melt(portrait(16, "coffee"), 4), picture="coffee"),
        ],
        2,
    )
    first, second = subjects(result)
    assert [chain_label(chain, first.all_chains) for chain in first.all_chains] == [
        "melting, replicate 1",
        "melting, replicate 2",
        "identity",
    ]
    assert (second.picture, chain_label(second.chains[0], second.all_chains)) == ("coffee", "melting")
    assert span(result) == 4  # a chart has to reach the longest chain, whatever was asked for


def test_controls_alone_are_what_is_in_question(runs: Runs) -> None:
    (only,) = subjects(runs.result([runs.chain([portrait(16)] * 2, control=True)], 1))
    assert len(only.chains) == 1
    assert only.controls == ()


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending(Ended.TIMES, 101), "It made all 101 copies."),
        (Ending(Ended.FIXED_POINT, 15, 14, 1), "Exact fixed point: every copy after frame 14 is the same picture."),
        (Ending(Ended.CYCLE, 35, 31, 4), "Exact cycle: from frame 31 on it repeats every 4 copies."),
    ],
)
def test_endings_in_words(runs: Runs, ending: Ending, sentence: str) -> None:
    assert ending_sentence(runs.chain([portrait(16)], ending=ending)) == sentence
