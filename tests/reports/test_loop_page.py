import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from simulacra import UserError
from simulacra.autophagy.record import LoopRecord
from simulacra.reports.loop_page import write_loop_page
from simulacra.reports.numbers import shown

from .fabricated_loops import MODES, Loops, compared
from .test_page import Page


def page_of(records: list[LoopRecord], path: Path, **more: object) -> tuple[str, Page]:
    text = write_loop_page(records, path, **more).read_text(encoding="utf-8")  # type: ignore[arg-type]
    return text, Page(text)


@pytest.fixture
def both(tmp_path: Path) -> tuple[str, Page]:
    return page_of(compared(), tmp_path / "loop.html", commands=["simulacra autophagy run --preset tiny-fresh"])


def test_refers_to_no_other_host_and_runs_only_its_own_script(both: tuple[str, Page]) -> None:
    text, page = both
    for _, attributes in page.elements:
        for name in ("href", "src", "srcset", "action"):
            found = attributes.get(name, "")
            assert found in {"", "data:,", "#measures"} or found.startswith("data:image/png;base64,")
        assert "style" not in attributes and not any(name.startswith("on") for name in attributes)
    assert not re.search(r"https?://|url\(|@import", text)
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_readable_without_script(both: tuple[str, Page]) -> None:
    _, page = both
    words = page.words()
    assert "After 6 generations recall is 0.208 with fully-synthetic and 0.616 with fresh-data" in words
    assert "fully-synthetic, seed 2 stopped in generation 4: the loss of step 120 is not finite" in words
    assert "simulacra autophagy run --preset tiny-fresh" in words
    for mode in MODES:
        assert mode in words
    hidden = {found.get("id") or found.get("class") for _, found in page.elements if "hidden" in found}
    assert hidden == {"transport", "viewer", "large", "choice seed-choice"}  # what works with script alone
    named = {card["data-name"] for card in page.all("article") if "data-name" in card}
    assert {"frechet", "precision", "recall", "coverage", "vendi", "spread", "ancestry"} <= named


def test_every_number_stands_in_the_table(both: tuple[str, Page]) -> None:
    _, page = both
    words = page.words()
    for record in compared():
        for each in record.rounds:
            head = f"{each.generation}, seed" if record.arm == "loop" else f"restart {each.generation}, seed"
            values = " ".join(shown(found.value) for found in each.measured.readings.values())
            assert f"{head} {record.seed} {each.trained_on} {shown(each.ancestry)} {values}" in words


def test_every_picture_is_carried_once_and_told(both: tuple[str, Page]) -> None:
    text, page = both
    sheets = [image for image in page.all("img") if image.get("src")]
    assert len(sheets) == 6 + 6 + 3 + 3 * 6 + 1  # and one restart
    places = re.findall(r'src="(data:image/png[^"]+)"', text)
    assert len(places) == len(sheets)
    assert all(image["alt"] for image in sheets)


def test_the_scripts_data_is_embedded_once_and_fits_the_drawings(both: tuple[str, Page]) -> None:
    text, page = both
    assert text.count('id="loops"') == 1
    data = json.loads(page.data["loops"])
    assert (data["span"], data["seeds"]) == (6, [0, 1, 2])
    assert [len(loop["projections"]) for loop in data["loops"]] == [3, 3]
    assert [len(generations) for generations in data["loops"][0]["projections"]] == [6, 6, 3]
    recall = data["charts"]["recall"]
    assert recall["said"][0][-1] == "0.208"
    assert len(recall["places"][0]) == len(recall["said"][0]) == 6
    assert len(data["planes"]) == 2


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_loop_page(compared(), tmp_path / f"{n}.html").read_bytes() for n in (1, 2))
    assert first == second


def test_names_are_escaped(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script>'
    record = Loops().record(name="fully-synthetic")
    record = replace(record, name=evil, generator=f"vae:{evil}", data=evil, stopped=evil, planned=9)
    text, page = page_of([record], tmp_path / "evil.html", commands=[evil])
    assert evil not in text
    assert evil in page.words()
    assert [name for name, _ in page.elements].count("script") == 2


def test_one_generation_of_one_seed_is_a_page(tmp_path: Path) -> None:
    _, page = page_of([Loops().record(generations=1)], tmp_path / "one.html")
    words = page.words()
    assert "After one generation" in words
    assert "generations 1" in words
    _, page = page_of([Loops("line").record(generations=1)], tmp_path / "line.html")
    assert "Density by generation" in page.words()
    assert not page.all("fieldset")


def test_a_stop_in_the_first_generation_beside_a_whole_loop(tmp_path: Path) -> None:
    loops = Loops()
    stopped = loops.record(seed=1, generations=0, planned=6, stopped="all samples are equal")
    _, page = page_of([loops.record(), stopped], tmp_path / "page.html")
    assert "Seed 1 stopped in generation 1: all samples are equal." in page.words()


def test_nothing_is_written_of_no_loop(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only null arms"):
        write_loop_page([Loops().record("null")], tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
