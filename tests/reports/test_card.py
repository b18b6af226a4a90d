import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulacra.copying.attractor import Attractor, Pull, attractor
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.copying.result import Chain, CopyResult
from simulacra.errors import UserError
from simulacra.measures.contract import Against, Better, Measure, Undefined
from simulacra.reports import card_words
from simulacra.reports.card import card_json, card_markdown, write_card
from simulacra.reports.card_drawing import arrows, courses, strips, swatches
from simulacra.reports.numbers import shown

from .conftest import Runs, melt, portrait
from .test_page import Page

MEASURES = tuple(
    Measure(name, unit, against, Better.NEITHER, "A number.", "A paper")
    for name, unit, against in (
        ("lightness_mean", "L*", Against.NOTHING),
        ("a_mean", "a*", Against.NOTHING),
        ("b_mean", "b*", Against.NOTHING),
        ("delta_e00_pixel_mean", "ΔE00", Against.REFERENCE),
    )
)
COPIES = 12


def a_run(runs: Runs, pictures: int, copier: str = "melting") -> CopyResult:
    """A copier that takes mean b* to 24 with a half-life of 3, a* nowhere, and L* up without end."""
    generator = np.random.default_rng(20261121)
    chains: list[Chain] = []
    for number in range(pictures):
        start = np.roll(portrait(16), number, axis=0)
        towards = [24 + (number - 24) * 0.5 ** (copy / 3) + 0.02 * generator.normal() for copy in range(COPIES + 1)]
        columns = {
            "lightness_mean": [40.0 + number + copy for copy in range(COPIES + 1)],
            "a_mean": [float(number), *(number + generator.normal(size=COPIES).cumsum()).tolist()],
            "b_mean": towards,
        }
        distance = {"delta_e00_pixel_mean": [abs(value - towards[0]) for value in towards]}
        frames = [start, *melt(start, COPIES)[1:]]
        chains.append(_with(runs.chain(frames, picture=f"picture {number}", copier=copier), columns, distance))
        still = {name: [values[0]] * (COPIES + 1) for name, values in (columns | distance).items()}
        beside = runs.chain([start] * (COPIES + 1), picture=f"picture {number}", copier="identity", control=True)
        chains.append(_with(beside, still, {"delta_e00_pixel_mean": [0.0] * (COPIES + 1)}))
    return replace(runs.result(chains, COPIES), measures=MEASURES)


def _with(chain: Chain, alone: dict[str, list[float]], pairs: dict[str, list[float]]) -> Chain:
    columns = {name: tuple(values) for name, values in pairs.items()}
    return replace(
        chain,
        values={
            "frame": {name: tuple(values) for name, values in alone.items()},
            "origin": columns,
            "previous": columns,
        },
    )


def pull_on(found: Attractor, measure: str) -> Pull:
    return next(pull for pull in found.pulls if pull.measure.name == measure)


def page_of(found: Attractor, results: Sequence[CopyResult], path: Path) -> tuple[str, Page]:
    write_card(found, results, path)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_every_claim_carries_its_interval(runs: Runs) -> None:
    found = attractor([a_run(runs, 8)])
    told = card_words.sentences(found)
    pull = pull_on(found, "b_mean")
    assert isinstance(pull.fixed_point.interval, Interval) and isinstance(pull.fixed_point.value, float)
    low, high = shown(pull.fixed_point.interval.low), shown(pull.fixed_point.interval.high)
    (sentence,) = [sentence for sentence in told if "yellower" in sentence]
    assert f"Mean b* heads for {shown(pull.fixed_point.value)} (95 %: {low} to {high})" in sentence
    # Two attributes have a direction that eight pictures can show and a third is asked about: 3 / 128, and 2 / 128.
    assert "in 8 of 8 pictures (p = 0.023)" in sentence
    assert told[0].startswith("After 12 copies, each made from the one before, a picture is ΔE00 ")
    assert told[0].endswith("with the model taken out it is 0 (95 %: 0 to 0).")
    assert all("95 %" in sentence for sentence in told)


def test_a_push_without_end_says_so(runs: Runs) -> None:
    (sentence,) = [told for told in card_words.sentences(attractor([a_run(runs, 8)])) if "lightens" in told]
    assert sentence == (
        "It lightens the picture: mean L* moves by +12 (95 %: +12 to +12), in 8 of 8 pictures (p = 0.023). "
        "Where mean L* ends, these copies do not tell."
    )


def test_a_claim_says_what_of_it_the_controls_do_too(runs: Runs) -> None:
    found = attractor([a_run(runs, 8)])
    pull = pull_on(found, "b_mean")
    half = replace(pull, excess=Estimate(10.0, Interval(9.0, 11.0, 0.95, "by hand")))
    assert ", +10 (95 %: +9 to +11) of it beyond any control, in 8 of 8 pictures" in card_words.claim(half)
    assert "beyond any control" not in card_words.claim(pull)


def test_a_card_of_few_pictures_says_of_whom_it_speaks(runs: Runs) -> None:
    told = card_words.sentences(attractor([a_run(runs, 2)]))
    assert "These chains are of 2 pictures alone; 6 are the fewest that can speak for the model." in told


def test_markdown_fits_a_screen_and_names_what_is_not_shown(runs: Runs) -> None:
    text = card_markdown(attractor([a_run(runs, 8)]))
    assert text.startswith("# Where melting takes a picture\n\n- After 12 copies")
    assert "| Mean b*, blue to yellow, b* | " in text
    assert re.search(r"No pull shown:\n\n(- .*\n)*- .*Mean a\*, green to red.*: ", text)
    assert text.endswith("12 copies of 8 pictures, 8 chains, controls identity; runs melting-0123456789ab.\n")
    assert text.count("\n") < 25


def test_machines_get_every_interval_and_no_infinity(runs: Runs) -> None:
    found = card_json(attractor([a_run(runs, 8)]))
    again = json.loads(json.dumps(found, allow_nan=False))
    by_name = {pull["attribute"]: pull for pull in again["pulls"]}
    assert by_name["b_mean"]["fixed_point"]["interval"]["level"] == 0.95
    assert by_name["lightness_mean"]["fixed_point"]["value"] == {
        "undefined": "for half of the pictures it is not bounded"
    }
    assert len(by_name["b_mean"]["by_picture"]) == 8


def test_the_page_is_one_file_without_script(runs: Runs, tmp_path: Path) -> None:
    result = a_run(runs, 8)
    text, page = page_of(attractor([result]), [result], tmp_path / "card.html")
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "script-src" not in policy and "unsafe" not in policy
    assert page.all("script") == []
    assert not any(name == "style" or name.startswith("on") for _, found in page.elements for name in found)
    for _, attributes in page.elements:
        for name in ("href", "src"):
            assert attributes.get(name, "data:").startswith("data:")
    assert "http" not in text.replace("http-equiv", "")
    assert all("alt" in image for image in page.all("img"))
    assert len(page.all("img")) == 16  # first and last frame of eight pictures
    for sentence in card_words.sentences(attractor([result])):
        assert sentence in page.words()


def test_the_same_runs_give_the_same_bytes(runs: Runs, tmp_path: Path) -> None:
    result = a_run(runs, 3)
    found = attractor([result])
    assert page_of(found, [result], tmp_path / "one.html")[0] == page_of(found, [result], tmp_path / "two.html")[0]


def test_a_name_is_never_markup(runs: Runs, tmp_path: Path) -> None:
    result = a_run(runs, 1, copier="<b>&\"'")
    text, page = page_of(attractor([result]), [result], tmp_path / "card.html")
    assert "<b>&" not in text
    assert "<b>&\"'" in page.text


def test_a_card_needs_its_frames(runs: Runs, tmp_path: Path) -> None:
    result = a_run(runs, 1)
    found = attractor([result])
    result.frame_file(result.chains[0].frames[0]).unlink()
    with pytest.raises(UserError, match="is missing from the store"):
        write_card(found, [result], tmp_path / "card.html")
    assert not (tmp_path / "card.html").exists()


def test_starts_ends_and_fixed_points_share_one_axis(runs: Runs) -> None:
    pull = pull_on(attractor([a_run(runs, 8)]), "b_mean")
    drawn = arrows(pull)
    assert len(drawn.ways) == 8
    assert all(start < end for start, end in drawn.ways)  # every picture goes up
    assert drawn.place is not None and drawn.band is not None
    assert drawn.band[0] <= drawn.place <= drawn.band[1]
    assert not (drawn.open_low or drawn.open_high)


def test_an_interval_that_goes_on_is_drawn_open(runs: Runs) -> None:
    pull = pull_on(attractor([a_run(runs, 8)]), "b_mean")
    interval = Interval(20.0, float("inf"), 0.95, "by hand")
    drawn = arrows(replace(pull, fixed_point=Estimate(24.0, interval)))
    assert (drawn.open_low, drawn.open_high) == (False, True)
    nowhere = replace(pull, fixed_point=Estimate(Undefined("no"), Undefined("no")))
    assert arrows(nowhere).band is None and courses(nowhere, COPIES).band is None


def test_courses_break_where_there_is_no_value(runs: Runs) -> None:
    pull = pull_on(attractor([a_run(runs, 8)]), "b_mean")
    course = replace(pull.courses[0], values=[1.0, 2.0, Undefined("no"), 3.0, 4.0])
    (path,) = courses(replace(pull, courses=(course,)), 4).pictures
    assert path.count("M") == 2


def test_a_colour_is_foretold_only_where_all_of_it_is_bounded(runs: Runs) -> None:
    found = attractor([a_run(runs, 8)])
    assert [swatch.name for swatch in swatches(found)] == ["frame 0", "copy 12"]
    assert [strip.name for strip in strips(found)] == ["b*"]
    settled = Estimate(50.0, Interval(45.0, 55.0, 0.95, "by hand"))
    bounded = replace(found, pulls=tuple(replace(pull, fixed_point=settled) for pull in found.pulls))
    assert [swatch.name for swatch in swatches(bounded)][2:] == ["heading for"]


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(24.0, Interval(19.0, 31.0, 0.95, "")), "24 (95 %: 19 to 31)"),
        (Estimate(24.0, Interval(19.0, float("inf"), 0.9, "")), "24 (90 %: above 19)"),
        (Estimate(Undefined("no pull"), Interval(-float("inf"), 3.0, 0.95, "")), "not bounded (95 %: below 3)"),
        (Estimate(24.0, Undefined("few")), "24"),
        (Estimate(Undefined("few"), Undefined("few")), "unknown (few)"),
    ],
)
def test_a_number_with_its_interval(estimate: Estimate, text: str) -> None:
    assert card_words.between(estimate) == text
