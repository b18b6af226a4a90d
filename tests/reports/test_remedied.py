"""What remedies gained, as read; and that a treated chain is taken neither for the model's own nor for a control."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from simulacra.copying.result import Chain, CopyResult, Frame
from simulacra.reports import words
from simulacra.reports.curves import plot
from simulacra.reports.film import film_chains, write_strip
from simulacra.reports.page import write_page
from simulacra.reports.remedied import remedies_json, scoreboard, sentences
from simulacra.reports.subjects import chain_label, subjects
from simulacra.reports.tables import run_json, write_csv
from simulacra.reports.verdict import summary, title, verdict

from .conftest import Runs, melt, portrait


def drifting(chain: Chain, values: Sequence[float], *, remedy: str | None = None, cost: float | None = None) -> Chain:
    """The chain with this colour difference and nothing else measured."""
    frames = tuple(_priced(frame, cost) for frame in chain.frames)
    return replace(
        chain,
        name=chain.name if remedy is None else f"{chain.name} with {remedy}",
        remedy=remedy,
        frames=frames,
        values={"frame": {}, "origin": {words.DRIFT: tuple(values)}, "previous": {}},
    )


def _priced(frame: Frame, cost: float | None) -> Frame:
    return frame if cost is None or frame.index == 0 else replace(frame, receipt={"cost_usd": cost})


def line(slope: float) -> list[float]:
    return [slope * copy for copy in range(9)]


def treated(runs: Runs, pictures: int = 1, cost: float | None = None) -> CopyResult:
    """Eight copies left alone, locked at half the pace, held for ever, and worse; beside a control."""
    made = melt(portrait(16), 8)
    chains = []
    arms = ((None, 2.0), ("colour-lock", 1.0), ("anchor:every=2", 0.0), ("sharpen", 4.0))
    for remedy, slope in arms:
        for number in range(pictures):
            price = None if cost is None else cost * (1 if remedy is None else 2)
            chain = runs.chain(made, picture="astronaut" if pictures == 1 else f"picture {number + 1}")
            chains.append(drifting(chain, line(slope), remedy=remedy, cost=price))
    chains += [drifting(runs.chain(made, copier="identity", control=True), line(0))] if pictures == 1 else []
    return runs.result(chains, 8)


def test_every_remedy_gets_a_sentence(runs: Runs) -> None:
    assert sentences(treated(runs)) == [
        "With colour-lock, half of the untreated drift in colour difference (8 ΔE00) comes at copy 8 instead of 4: "
        "1 half-life gained (1 picture, so no interval).",
        "With anchor:every=2, half of the untreated drift in colour difference (8 ΔE00) comes after copy 8, if ever, "
        "instead of 4: at least 1 half-life gained (1 picture, so no interval).",
        "With sharpen, half of the untreated drift in colour difference (8 ΔE00) comes at copy 2 instead of 4: "
        "0.500 half-lives lost (1 picture, so no interval).",
    ]


def test_with_six_pictures_the_sentence_carries_its_interval(runs: Runs) -> None:
    first, second, _ = sentences(treated(runs, pictures=6))
    assert first.endswith("1 half-life gained (median of 6 pictures; 95 %: +1 to +1).")
    assert second.endswith("at least 1 half-life gained (median of 6 pictures; 95 %: +1 or more).")
    assert "(median of 3 pictures, too few for an interval)" in sentences(treated(runs, pictures=3))[0]


def test_what_hardly_drifts_is_said_to_be_not_scored(runs: Runs) -> None:
    made = melt(portrait(16), 8)
    still = [drifting(runs.chain(made), line(0.1)), drifting(runs.chain(made), line(0), remedy="colour-lock")]
    result = runs.result(still, 8)
    assert sentences(result) == [
        "With colour-lock: no gain is scored, because the untreated chain never drifts by more than 1."
    ]
    board = scoreboard(result)
    assert board is not None
    assert (board.rows, board.unscored[0].name) == ((), words.DRIFT)


def test_the_terminal_says_the_remedies_after_the_verdict(runs: Runs) -> None:
    result = treated(runs)
    lines = summary(result).splitlines()
    assert lines[0].startswith("After 8 copies by melting the picture is ΔE00 16 from the original")
    assert lines[1:] == sentences(result)


def test_the_table_holds_gains_levels_and_prices(runs: Runs) -> None:
    board = scoreboard(treated(runs, cost=0.05))
    assert board is not None
    assert board.remedies == ("colour-lock", "anchor:every=2", "sharpen")
    (row,) = board.rows
    assert (row.level, row.half_life) == ("8", "4")
    assert [cell.gained for cell in row.cells] == ["+1", "at least +1", "−0.500"]
    assert board.prices == ("+0.400",) * 3  # another 0.05 for each of 8 copies
    assert board.per_dollar == ("+2.50", "at least +2.50", "−1.25")
    assert board.uncertain == "1 picture cannot give an interval at 95 %; that takes 6"
    unpriced = scoreboard(treated(runs))
    assert unpriced is not None and unpriced.prices == ()


def test_a_run_without_remedies_says_nothing_of_them(result: CopyResult) -> None:
    assert scoreboard(result) is None
    assert (sentences(result), remedies_json(result)) == ([], [])
    write_page(result, result.folder / "page.html")
    assert "remedies gained" not in (result.folder / "page.html").read_text(encoding="utf-8")


def test_programs_get_the_scores(runs: Runs) -> None:
    told = json.loads(json.dumps(run_json(treated(runs, pictures=6)), allow_nan=False))
    lock, anchor, _ = told["remedies"]
    assert lock["gains"][words.DRIFT] == {
        "half_lives": 1.0,
        "at_least": False,
        "interval": {"low": 1.0, "high": 1.0, "level": 0.95, "method": "order statistics over 6 pictures"},
        "count": 6,
        "level": 8.0,
        "half_life": 4.0,
        "reached": 8.0,
    }
    assert anchor["gains"][words.DRIFT]["interval"]["high"] is None
    assert set(anchor["gains"]["ssim"]) == {"undefined"}
    assert (lock["remedy"], lock["copies"], lock["extra_usd"]) == ("colour-lock", 8, None)
    assert [chain["remedy"] for chain in told["chains"]][::6] == [None, "colour-lock", "anchor:every=2", "sharpen"]


def test_the_csv_says_which_chain_is_treated(runs: Runs) -> None:
    result = treated(runs)
    write_csv(result, result.folder / "measures.csv")
    with (result.folder / "measures.csv").open(newline="", encoding="utf-8") as file:
        remedies = dict.fromkeys((row["remedy"], row["control"]) for row in csv.DictReader(file))
    assert list(remedies) == [
        ("", "false"),
        ("colour-lock", "false"),
        ("anchor:every=2", "false"),
        ("sharpen", "false"),
        ("", "true"),
    ]


def test_a_treated_chain_is_neither_the_models_own_nor_a_control(runs: Runs) -> None:
    result = treated(runs)
    (subject,) = subjects(result)
    assert (len(subject.chains), len(subject.treated), len(subject.controls)) == (1, 3, 1)
    assert subject.all_chains[subject.first_control].control
    assert subject.remedies == ("colour-lock", "anchor:every=2", "sharpen")
    assert film_chains(result) == subject.chains
    assert title(result) == "astronaut, 8 copies by melting"
    alone = replace(result, chains=tuple(chain for chain in result.chains if chain.remedy is None))
    assert verdict(result, subject) == verdict(alone, subjects(alone)[0])


def test_treated_lines_have_colours_of_their_own_and_stay_out_of_the_controls_band(runs: Runs) -> None:
    (subject,) = subjects(treated(runs))
    drawn = plot(subject, "origin", words.DRIFT, 8, from_zero=True)
    assert drawn is not None
    assert [(one.remedy, one.control) for one in drawn.lines] == [
        (None, False),
        (0, False),
        (1, False),
        (2, False),
        (None, True),
    ]
    heights = {float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", drawn.band)}
    assert len(heights) == 1  # the one control lies on the axis; the sharpened chain is 32 away from it


def test_the_page_names_each_treated_chain_and_scores_it(runs: Runs) -> None:
    result = treated(runs)
    write_page(result, result.folder / "page.html")
    page = (result.folder / "page.html").read_text(encoding="utf-8")
    (subject,) = subjects(result)
    for chain in subject.treated:
        label = chain_label(chain, subject.all_chains)
        assert label == f"melting with {chain.remedy}"
        assert f"<h3>{label}</h3>" in page
        assert f"<span>control</span> {label}" not in page
    assert "<span>control</span> identity" in page
    assert 'class="line remedy-1"' in page
    section = page[page.index("<h2>What the remedies gained</h2>") :]
    for sentence in sentences(result):
        assert f'<p class="told">{sentence}</p>' in section
    assert "<td>at least +1</td>" in section
    assert section.index("<h2>How it was made</h2>") > 0


def test_the_still_strip_has_a_row_a_remedy(runs: Runs) -> None:
    result = treated(runs)
    alone = replace(result, chains=tuple(chain for chain in result.chains if chain.remedy is None))
    heights = []
    for shown in (alone, result):
        write_strip(shown, result.folder / "strip.webp")
        with Image.open(result.folder / "strip.webp") as strip:
            heights.append(strip.height)
    assert heights[1] / heights[0] == pytest.approx(5 / 2, rel=0.1)  # rows, but for the margins
