"""The page, the words and the files of a comparison, of runs whose frames are real and whose numbers are plain."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from simulacra.copying.benchmark import Benchmark, picture_set
from simulacra.copying.compare import Comparison, compare
from simulacra.copying.dynamics import Estimate, Interval
from simulacra.copying.result import CopyResult, Ended, Ending
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.reports import comparison_words as words
from simulacra.reports.comparison import COLOURS, strip_copies, write_comparison
from simulacra.reports.comparison_drawing import courses, places
from simulacra.reports.onefile import asset
from simulacra.reports.standings import comparison_json, markdown, write_standings

from .conftest import Runs, melt, portrait
from .test_page import Page

PICTURES = ("astronaut", "coffee")


@pytest.fixture
def results(runs: Runs) -> dict[str, tuple[CopyResult, ...]]:
    """Three copiers on two pictures, a run each: the first hardly drifts, the last is refused at copy 4."""
    found = {}
    for copier, tint, copies in (
        ("moving-grid", (1.0, 1.0, 0.995), 6),
        ("jpeg:quality=60", (1.03, 1.0, 0.95), 6),
        ("webp", (1.02, 1.0, 0.96), 3),
    ):
        ending = None if copies == 6 else Ending(Ended.REFUSED, copies, message="not this one")
        found[copier] = tuple(
            replace(
                runs.result(
                    [
                        runs.chain(melt(portrait(32, each), copies, tint), picture=each, copier=copier, ending=ending),
                        runs.chain(
                            [portrait(32, each)] * 2,
                            picture=each,
                            copier="identity",
                            control=True,
                            ending=Ending(Ended.FIXED_POINT, 1, 0, 1),
                        ),
                    ],
                    6,
                ),
                identity=f"s1:{copier}{each}",
                folder=Path(f"{copier.partition(':')[0]}-{each}"),
                manifest={"machine": {"cpu": "A processor", "threads": 1}, "packages": {"simulacra": "0.1.0"}},
            )
            for each in PICTURES
        )
    return found


@pytest.fixture
def comparison(results: dict[str, tuple[CopyResult, ...]]) -> Comparison:
    return compare([result for group in results.values() for result in group])


@pytest.fixture
def benchmark(results: dict[str, tuple[CopyResult, ...]], comparison: Comparison) -> Benchmark:
    skipped = {"onnx": "copier onnx needs a file; type onnx:file=MODEL.onnx"}
    return Benchmark(comparison, results, skipped, picture_set(), 6, 32, "simulacra benchmark --times 6 --size 32")


def page_of(comparison: Comparison, path: Path, **more: object) -> tuple[str, Page]:
    write_comparison(comparison, path, command="simulacra compare one other", **more)  # type: ignore[arg-type]
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_needs_nothing_else_and_runs_nothing(comparison: Comparison, tmp_path: Path) -> None:
    text, page = page_of(comparison, tmp_path / "page.html")
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy and "unsafe" not in policy
    assert "<script" not in text
    assert not re.search(r"https?://", text)
    assert not any(name == "style" or name.startswith("on") for _, found in page.elements for name in found)
    assert all(image["src"].startswith("data:image/webp;base64,") and image["alt"] for image in page.all("img"))


def test_the_page_shows_every_contender_in_every_channel(comparison: Comparison, tmp_path: Path) -> None:
    _, page = page_of(comparison, tmp_path / "page.html")
    text = page.words()
    for sentence in (words.title(comparison), words.headline(comparison), *words.reading(comparison)):
        assert sentence in text
    for column in comparison.columns:
        assert column.yardstick.definition in text
        for standing in column.standings:
            assert words.between(standing.excess) in text
    assert "simulacra compare one other" in text
    assert "webp: no value: copy 4 was refused: not this one." in text
    # Of two pictures: the original once, then each contender at each copy, but for what was refused.
    shown = [1, 2, 5, 6]
    refused = sum(copy > 3 for copy in shown)
    assert len(page.all("img")) == 2 * (1 + 3 * len(shown) - refused)


def test_the_same_comparison_gives_the_same_bytes(comparison: Comparison, tmp_path: Path) -> None:
    assert page_of(comparison, tmp_path / "one.html")[0] == page_of(comparison, tmp_path / "other.html")[0]


def test_a_name_is_never_markup(runs: Runs, tmp_path: Path) -> None:
    name = "</style><b>&\"'"
    chains = [runs.chain(melt(portrait(16), 2), picture=name, copier=copier) for copier in ("jpeg", "webp")]
    _, page = page_of(compare([runs.result(chains, 2)]), tmp_path / "page.html")
    assert name in page.text
    assert page.all("b") == []


def test_a_missing_frame_is_a_sentence(comparison: Comparison, tmp_path: Path) -> None:
    result = comparison.contenders[0].results[0]
    result.frame_file(result.chains[0].frames[2]).unlink()
    with pytest.raises(UserError, match="is missing from the store"):
        page_of(comparison, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_every_line_has_a_colour() -> None:
    style = asset("comparison.css")
    assert all(f".k{number} " in style for number in range(COLOURS))


@pytest.mark.parametrize(
    ("last", "expected"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (30, [1, 2, 5, 10, 20, 30]), (101, [1, 2, 5, 10, 20, 50, 100, 101])],
)
def test_a_strip_shows_round_copies_and_the_last(last: int, expected: Sequence[int]) -> None:
    assert strip_copies(last) == expected


def test_places_are_drawn_to_scale(comparison: Comparison) -> None:
    column = comparison.columns[0]
    drawn = places(comparison, column)
    known = [row for row in drawn.rows if row.dot is not None]
    assert [row.contender for row in drawn.rows] == [standing.contender for standing in column.standings]
    for row, standing in zip(known, column.standings, strict=False):
        assert isinstance(standing.excess.value, float)
        unit = (known[0].dot or 0) - drawn.zero
        first = column.standings[0].excess.value
        assert isinstance(first, float)
        # Coordinates are linear in the value; the tolerance is float rounding.
        assert (row.dot or 0) - drawn.zero == pytest.approx(unit * standing.excess.value / first, rel=1e-9)
    assert drawn.rows[-1].dot is None  # refused: no value, no dot


def test_names_beside_the_lines_do_not_touch(comparison: Comparison) -> None:
    drawn = courses(comparison, comparison.columns[0])
    assert drawn is not None
    heights = sorted(line.y for line in drawn.lines)
    assert all(later - earlier >= 12.9 for earlier, later in pairwise(heights))
    assert {line.contender for line in drawn.lines} == {0, 1, 2}


def test_the_headline_says_how_far_it_is_shown(comparison: Comparison) -> None:
    # Two pictures of two copiers: the paired test has one degree of freedom, and shows no order here.
    assert words.headline(comparison).startswith("After 6 copies of 2 pictures, moving-grid has drifted least, ΔE00 ")
    assert "and jpeg:quality=60 most" in words.headline(comparison)
    assert words.headline(comparison).endswith("The first place is open between 2 of them.")


def test_one_picture_has_no_interval_and_says_so(results: dict[str, tuple[CopyResult, ...]]) -> None:
    one = compare([group[0] for group in results.values()])
    assert "95 %" not in words.headline(one)
    assert "there is no interval and no order" in " ".join(words.reading(one))


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(3.384, Interval(1.866, 4.888, 0.95, "")), "3.38 (1.87 to 4.89)"),
        (Estimate(-0.5, Undefined("one picture")), "−0.500"),
        (Estimate(Undefined("lost"), Undefined("lost")), "–"),
    ],
)
def test_a_cell_is_a_value_with_its_interval(estimate: Estimate, text: str) -> None:
    assert words.between(estimate) == text


def test_standings_are_written_whole_and_again(benchmark: Benchmark, tmp_path: Path) -> None:
    written = write_standings(benchmark, tmp_path / "out")
    again = write_standings(benchmark, tmp_path / "again")
    files = sorted(file.relative_to(tmp_path / "out") for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert {"table.html", "table.md", "table.json", "strip.webp", "ends.webp"} <= {file.name for file in files}
    assert {f"{copier}.md" for copier in ("moving-grid", "jpeg-quality=60", "webp")} <= {file.name for file in files}
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert again.headline == written.headline
    assert {path.exists() for path in written.cards.values()} == {True}
    with Image.open(written.ends) as ends, Image.open(written.strip) as strip:
        assert ends.height > strip.height > 100  # four rows with the originals, three rows


def test_the_markdown_holds_the_table_and_its_links_lead_somewhere(benchmark: Benchmark, tmp_path: Path) -> None:
    written = write_standings(benchmark, tmp_path / "out")
    text = written.markdown.read_text(encoding="utf-8")
    assert "| [`moving-grid`](cards/moving-grid.md) | 1–2: " in text
    assert benchmark.command in text
    for picture in picture_set().pictures:
        assert picture.source in text
    assert "- `onnx`: copier onnx needs a file" in text
    assert "- Structure lost, `webp`: no value: copy 4 was refused: not this one." in text
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (written.markdown.parent / target).exists(), target
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines)


def test_a_bar_in_a_name_breaks_no_table(runs: Runs) -> None:
    chains = [runs.chain(melt(portrait(16), 2), copier=copier) for copier in ("relay:copiers='jpeg|webp'", "jpeg")]
    result = runs.result(chains, 2)
    benchmark = Benchmark(compare([result]), {}, {}, None, 2, 16, "simulacra benchmark")
    rows = [line for line in markdown(benchmark, {}).splitlines() if line.startswith("| `relay:")]
    assert len(rows) == 2
    assert all("jpeg\\|webp" in row for row in rows)


def test_the_json_says_why_a_value_is_missing(comparison: Comparison) -> None:
    table = json.loads(json.dumps(comparison_json(comparison), allow_nan=False))
    colour = table["channels"][0]
    assert [standing["contender"] for standing in colour["standings"]] == ["moving-grid", "jpeg:quality=60", "webp"]
    first, last = colour["standings"][0], colour["standings"][-1]
    low, high = first["excess"]["interval"]
    assert low < first["excess"]["value"] < high
    assert first["excess"]["method"] == "Student over 2 pictures"
    assert (last["place"], last["excess"]["value"]) == (None, None)
    assert last["excess"]["undefined"] == "copy 4 was refused: not this one"
