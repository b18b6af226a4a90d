"""The page of loops in a browser: keys, scrubber, seeds, charts."""

from pathlib import Path
from typing import Any

import pytest

from simulacra.reports.loop_page import write_loop_page
from simulacra.reports.numbers import shown

from .fabricated_loops import Loops, compared
from .test_browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return write_loop_page(compared(), tmp_path / "loop.html")


def test_runs_under_its_own_policy(browser: Browser, page: Path) -> None:
    dom = browser.dump(page, "#generation=3")
    assert '<html lang="en" class="live" data-drawn="3">' in dom
    assert '<output id="counter">3</output>' in dom


def test_keys_move_the_generation_everywhere(browser: Browser, page: Path) -> None:
    seen: dict[str, Any] = browser.drive(
        page,
        """
        await drawn();
        const now = () => by("counter").textContent;
        seen.opened = now();
        seen.generations = [];
        for (const key of ["Home", "ArrowRight", "ArrowRight", "End", "ArrowRight", "5", "0", "ArrowLeft"]) {
          await press(key);
          seen.generations.push(now());
        }
        await press("ArrowRight");
        const recall = one('.card[data-name="recall"]');
        seen.recall = [...recall.querySelectorAll(".said output")].map((output) => output.textContent);
        const path = recall.querySelector(".loop .mean").getAttribute("d").slice(1).split("L")[1].split(" ");
        const dot = recall.querySelector('.here[data-owner="0"]');
        seen.off = ["cx", "cy"].map((name, axis) => Math.abs(Number(dot.getAttribute(name)) - Number(path[axis])));
        seen.cursors = new Set(all(".by-generation .cursor").map((line) => line.getAttribute("d"))).size;
        seen.sheets = all("#viewer figcaption").map((caption) => caption.textContent);
        seen.same = one("#viewer figure img").src === one('[data-sheet="0-0"][data-generation="2"] img').src;
        seen.marker = one('.plane .marker[data-owner="0"]').getAttribute("r");
        seen.heat = one(".heat thead .now").textContent;
        await pause(600);
        seen.spoken = by("spoken").textContent;
        seen.address = location.hash;
        """,
    )
    records = compared()
    means = [
        sum(record.rounds[1].measured.readings["recall"].value for record in records if record.name == name) / count
        for name, count in (("fresh-data", 3),)
    ]
    assert seen["opened"] == "6"  # a page opens on what became of the loops
    assert seen["generations"] == ["1", "2", "3", "6", "6", "4", "1", "1"]
    assert seen["recall"][1] == shown(means[0])
    assert max(seen["off"]) <= 0.06  # on the line, whose path keeps one decimal
    assert seen["cursors"] == 1  # every chart has its cursor at the same generation
    assert seen["sheets"] == [
        "fully-syntheticgeneration 2, seed 0",
        "fresh-datageneration 2, seed 0",
        "restart 1 on real data",
    ]
    assert seen["same"]
    assert seen["marker"] == "7.5"
    assert seen["heat"] == "2"
    assert seen["spoken"].startswith("Generation 2. Fréchet distance")
    assert seen["address"] == "#generation=2&seed=0"


def test_another_seed_shows_its_own_samples_and_a_stopped_one_its_last(browser: Browser, page: Path) -> None:
    seen = browser.drive(
        page,
        """
        await drawn();
        const made = () => one(".falling .large .made").getAttribute("d");
        const before = made();
        await press("s"); await press("s");
        seen.changed = made() !== before;
        seen.chosen = all(".seed-choice input:checked").map((input) => input.value);
        seen.caption = one("#viewer figcaption span").textContent;
        seen.fall = one(".falling .large output").textContent;
        one('.panels .tile[data-generation="1"]').click();
        await drawn();
        seen.sought = by("counter").textContent;
        """,
    )
    assert seen == {
        "changed": True,
        "chosen": ["2", "2"],  # above the samples and above the projections
        "caption": "generation 3, its last, seed 2",
        "fall": "3",
        "sought": "1",
    }


def test_plays_to_the_end_and_stops(browser: Browser, page: Path) -> None:
    seen = browser.drive(
        page,
        """
        await drawn();
        by("play").click();
        seen.playing = [by("play").getAttribute("aria-label"), by("counter").textContent];
        while (by("play").getAttribute("aria-label") === "Pause") await pause(100);
        seen.end = [by("counter").textContent, by("play").getAttribute("aria-label")];
        """,
    )
    assert seen == {"playing": ["Pause", "1"], "end": ["6", "Play"]}


def test_a_chart_is_read_and_pressed(browser: Browser, page: Path) -> None:
    seen = browser.drive(
        page,
        """
        await drawn();
        const svg = one('.card[data-name="spread"] .plot'), box = svg.getBoundingClientRect();
        const here = { clientY: box.top + 20, bubbles: true, button: 0, pointerId: 1 };
        const at = (share) => ({ ...here, clientX: box.left + box.width * share });
        const said = () => one('.card[data-name="spread"] .said output').textContent;
        const last = said();
        svg.dispatchEvent(new PointerEvent("pointermove", at(42 / 320)));
        seen.first = said();
        svg.dispatchEvent(new PointerEvent("pointerleave", at(0)));
        seen.back = said() === last;
        svg.setPointerCapture = () => {};
        svg.dispatchEvent(new PointerEvent("pointerdown", at(42 / 320)));
        await drawn();
        seen.pressed = by("counter").textContent;
        """,
    )
    group = [record for record in compared() if record.name == "fully-synthetic" and record.stopped is None]
    first = sum(record.rounds[0].measured.readings["spread"].value for record in group if record.arm == "loop") / 2
    assert seen == {"first": shown(first), "back": True, "pressed": "1"}


def test_one_generation_needs_no_transport(browser: Browser, tmp_path: Path) -> None:
    page = write_loop_page([Loops("line").record(generations=1)], tmp_path / "one.html")
    seen = browser.drive(
        page,
        """
        await drawn();
        seen.hidden = by("transport").hidden;
        await press("ArrowRight"); await press(" ");
        seen.still = document.documentElement.dataset.drawn;
        """,
    )
    assert seen == {"hidden": True, "still": "1"}
