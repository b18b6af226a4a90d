from pathlib import Path

import pytest

from simulacra.autophagy.record import LoopRecord
from simulacra.reports import loop_words as words
from simulacra.reports.loop_groups import grouped
from simulacra.reports.loop_page import write_loop_page

from .fabricated_loops import Loops, compared
from .test_loop_groups import group_of


def test_the_plain_answer_says_what_fell_how_far_and_against_what() -> None:
    group = group_of([0.71, 0.5, 0.32], nulls=[0.69, 0.70, 0.71])
    assert words.answer(group) == (
        "After 3 generations recall fell from 0.710 to 0.320; restarts on real data give 0.650 to 0.750."
    )
    assert words.claims(group) == [
        "At generation 3, 1 of 1 measure lies outside the null band; chance alone would put 0.05 there."
    ]


def test_it_says_so_when_nothing_left_its_band() -> None:
    group = group_of([0.71, 0.70], nulls=[0.69, 0.70, 0.71])
    assert words.answer(group).endswith("restarts on real data give 0.650 to 0.750, so chance alone would do.")
    assert words.claims(group) == ["None of 1 measure has left its null band by generation 2."]


def test_without_restarts_the_loop_is_not_blamed_for_its_generator() -> None:
    group = group_of([0.4, 0.3], low=0.6, high=0.8)
    assert words.answer(group) == (
        "After 2 generations recall fell from 0.400 to 0.300; as many real samples would measure 0.600 to 0.800."
    )
    assert words.claims(group) == [
        "At generation 2, 1 of 1 measure lies outside the band of real samples; without restarts the loop's part "
        "cannot be told from the generator's own."
    ]


def test_modes_are_named_unless_all_are_lost() -> None:
    loops = Loops()
    null = loops.record("null", generations=3)
    (some,), (every,) = (grouped([loops.record(fade=fade), null]) for fade in (0.025, 0.5))
    assert "1 of 4 modes has less than half of the recall that restarts on real data have: three." in words.claims(some)
    assert "All 4 modes have less than half of the recall that restarts on real data have." in words.claims(every)


def test_without_any_band_it_claims_no_effect() -> None:
    assert words.answer(group_of([0.7, 0.2])).endswith("; nothing tells what chance alone would give.")
    assert words.claims(group_of([0.7, 0.2])) == []


def test_one_generation_is_told_as_such() -> None:
    group = group_of([0.71], low=0.6, high=0.8)
    assert words.answer(group) == (
        "After one generation recall is 0.710; as many real samples would measure 0.600 to 0.800, "
        "so chance alone would do."
    )


def test_several_loops_are_compared_in_one_measure() -> None:
    groups = grouped(compared())
    assert words.lead(groups).startswith(
        "After 6 generations recall is 0.208 with fully-synthetic and 0.616 with fresh-data"
    )
    assert words.title(groups) == "2 loops of vae:latent=8 on digits"
    calm = Loops()
    same = [calm.record(fade=0.0, name=name) for name in ("fully-synthetic", "augmentation")]
    assert words.lead(grouped([*same, calm.record("null", generations=30)])) == (
        "No loop has a measure outside its null band."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"generations": 3, "planned": 6, "stopped": "the loss is not finite"},
            "Seed 0 stopped in generation 4: the loss is not finite; generations 1 to 3 are whole.",
        ),
        (
            {"generations": 1, "planned": 6, "stopped": "the disk is full"},
            "Seed 0 stopped in generation 2: the disk is full; generation 1 is whole.",
        ),
        ({"generations": 2, "planned": 6}, "Seed 0 has 2 of 6 generations so far."),
    ],
)
def test_what_did_not_end_is_told(changes: dict[str, object], said: str) -> None:
    record: LoopRecord = Loops().record(**changes)  # type: ignore[arg-type]
    assert words.stops(grouped([record])) == [said]


def test_a_seed_that_never_learnt_is_told_beside_those_that_did(tmp_path: Path) -> None:
    loops = Loops()
    records = [loops.record(generations=0, planned=6, stopped="the loss is not finite"), loops.record(seed=1)]
    assert words.stops(grouped(records)) == ["Seed 0 stopped in generation 1: the loss is not finite."]
    text = write_loop_page(records, tmp_path / "loop.html").read_text()
    assert "Seed 0 stopped in generation 1: the loss is not finite." in text


def test_half_life_is_the_lineages() -> None:
    loops = Loops()
    assert words.lived(loops.record(fade=0.25)) == "3 generations"  # exp(-0.75) is the first below a half
    assert words.lived(loops.record(fade=0.01)) == "above 5 generations"


def test_measures_are_told_by_their_family() -> None:
    assert words.meaning("recall").label == "recall"
    assert words.meaning("frechet_digits").label == "Fréchet distance, digits"
    assert words.meaning("my_own_number").label == "my own number"
