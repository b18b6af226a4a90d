import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulacra.copying.result import CopyResult
from simulacra.images.colour import delta_e_2000, srgb_to_lab
from simulacra.images.pixels import to_picture
from simulacra.reports.numbers import shown
from simulacra.reports.page import write_page

from .conftest import FACE_LOST, Runs, melt, melting, portrait

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

DRIVER = """
<script>
addEventListener("load", async () => {
  const by = (id) => document.getElementById(id);
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const drawn = async () => { while (!("drawn" in document.documentElement.dataset)) await pause(10); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const press = async (key) => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    await drawn();
  };
  const seen = {};
  const errors = [];
  addEventListener("error", (event) => errors.push(event.message));
  addEventListener("unhandledrejection", (event) => errors.push(`${event.reason}`));
  try { await (async () => { STEPS })(); } catch (error) { errors.push(error.stack); }
  const out = document.createElement("pre");
  out.id = "seen";
  out.textContent = JSON.stringify({ ...seen, errors });
  document.body.append(out);
});
</script></body>
"""


@dataclass
class Browser:
    """Headless Chromium with a profile of its own."""

    folder: Path

    def drive(self, page: Path, steps: str, address: str = "") -> dict[str, Any]:
        """Open a page, run some steps in it, and give what they put into `seen`.

        The page's policy allows its own script alone, so the steps go into a copy without the policy.
        """
        text = page.read_text(encoding="utf-8")
        text, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
        assert count == 1
        driven = self.folder / "driven.html"
        driven.write_text(text.replace("</body>", DRIVER.replace("STEPS", steps)), encoding="utf-8")
        dom = self.dump(driven, address)
        found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
        assert found, "the steps did not end"
        seen: dict[str, Any] = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        assert seen.pop("errors") == []
        return seen

    def dump(self, page: Path, address: str = "") -> str:
        """The document after its scripts have run."""
        assert CHROMIUM is not None
        command = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", f"--user-data-dir={self.folder / 'profile'}"),
            *("--window-size=1280,900", "--virtual-time-budget=600000", "--dump-dom", f"{page.as_uri()}{address}"),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.fixture
def page(result: CopyResult) -> Path:
    path = result.folder / "page.html"
    write_page(result, path)
    return path


def test_runs_under_its_own_policy(browser: Browser, page: Path) -> None:
    dom = browser.dump(page, "#frame=7")
    assert '<html lang="en" class="live" data-drawn="7">' in dom
    assert '<output id="counter">7</output>' in dom
    assert 'id="viewer" aria-label="Viewer">' in dom  # no longer hidden


def test_keys_move_the_scrubber_the_curves_and_the_readout(browser: Browser, page: Path, result: CopyResult) -> None:
    seen = browser.drive(
        page,
        """
        const now = () => by("counter").textContent;
        const keys = ["ArrowRight", "PageUp", "ArrowLeft", "PageDown", "End", "Home", "5"];
        seen.copies = [];
        await press("Home");
        for (const key of keys) { await press(key); seen.copies.push(now()); }
        await press("Home"); for (let copy = 0; copy < 6; copy += 1) await press("ArrowRight");
        const value = (measure) => one(`#readout [data-measure=${measure}]`).cells[1];
        seen.ssim = value("ssim").textContent;
        seen.identity = [value("identity_distance").textContent, value("identity_distance").title];
        seen.controls = value("face_present").nextSibling.textContent;
        seen.scrubber = by("scrubber").value;
        seen.cursors = new Set(all(".view-origin .cursor").map((line) => line.getAttribute("d"))).size;
        const svg = one('.plot[data-measure=ssim][data-reference=origin]');
        const [x, y] = ["cx", "cy"].map((name) => Number(svg.querySelector(".here").getAttribute(name)));
        seen.off = [x, y].map((place, axis) => {
          const path = svg.querySelector('[data-chain="0"] path:last-child').getAttribute("d");
          return Math.abs(place - Number(path.slice(1).split("L")[6].split(" ")[axis]));
        });
        await pause(600);
        seen.spoken = by("spoken").textContent;
        seen.address = location.hash;
        """,
    )
    model = result.chains[0].values["origin"]
    assert seen["copies"] == ["1", "11", "10", "0", "20", "0", "10"]
    assert seen["ssim"] == shown(float(model["ssim"][6]))  # type: ignore[arg-type]
    assert FACE_LOST < 6
    assert seen["identity"] == ["–", "no face found"]
    assert seen["controls"] == "1"
    assert seen["scrubber"] == "6"
    assert seen["cursors"] == 1  # every chart has its cursor at the same copy
    assert max(seen["off"]) <= 0.06  # on the curve, whose path keeps one decimal
    assert seen["spoken"].startswith("Frame 6. ")
    assert "frame=6" in seen["address"]


def test_views_chains_and_references(browser: Browser, page: Path, result: CopyResult) -> None:
    seen = browser.drive(
        page,
        """
        const visible = (id) => by(id).getBoundingClientRect().width > 0;
        await press("End");
        seen.views = {};
        for (const mode of ["pair", "single", "wipe", "blink", "map"]) {
          seen.views[mode] = ["reference", "current", "map"].filter(visible);
          if (mode === "map") seen.mean = Number(by("map").dataset.mean);
          await press("v");
        }
        await press("r");
        seen.shown = one("[data-reference=previous]").getBoundingClientRect().width > 0;
        seen.hidden = one("[data-reference=origin]").getBoundingClientRect().width;
        seen.against = by("reference-caption").textContent;
        await press("r"); await press("c"); await press("c");
        seen.chain = one("#chains [aria-checked=true]").textContent;
        seen.caption = by("current-caption").textContent;
        seen.status = by("status").textContent;
        const tile = one('.tile[data-chain="0"][data-copy="20"]');
        tile.click(); await drawn();
        seen.tile = [by("counter").textContent, one("#chains [aria-checked=true]").textContent];
        const svg = one(".plot"), box = svg.getBoundingClientRect();
        const here = { clientY: box.top + 20, bubbles: true, button: 0, pointerId: 1 };
        const at = (share) => ({ ...here, clientX: box.left + box.width * share });
        svg.dispatchEvent(new PointerEvent("pointermove", at((40 + 272 / 2) / 320)));
        seen.hover = svg.closest(".card").querySelector(".value small").textContent;
        svg.setPointerCapture = () => {};
        svg.dispatchEvent(new PointerEvent("pointerdown", at((40 + 272 / 4) / 320)));
        await drawn();
        seen.clicked = by("counter").textContent;
        """,
    )
    assert seen["views"] == {
        "pair": ["reference", "current"],
        "single": ["current"],
        "wipe": ["reference", "current"],
        "blink": ["reference", "current"],
        "map": ["current", "map"],
    }
    first, last = (srgb_to_lab(to_picture(result.frame_pixels(result.chains[0].frames[index]))) for index in (0, 20))
    # The map's mean is the measure's number: both are CIEDE2000 by pixel, here and there in float32 CIELAB.
    assert seen["mean"] == pytest.approx(float(delta_e_2000(first, last).double().mean()), rel=1e-3)
    assert seen["shown"]
    assert seen["hidden"] == 0
    assert seen["against"] == "frame 19"
    assert seen["chain"] == "controlwebp:quality=80"
    assert seen["caption"] == "frame 4 (copy 20 is the same picture)"
    assert seen["status"] == "Exact cycle: from frame 3 on it repeats every 2 copies."
    assert seen["tile"] == ["20", "melting"]
    assert (seen["hover"], seen["clicked"]) == ("at 10", "5")


def test_any_frame_of_any_chain_can_be_pinned(browser: Browser, page: Path, result: CopyResult) -> None:
    seen = browser.drive(
        page,
        """
        const pinned = () => [by("pinned").hidden, by("reference-caption").textContent];
        await drawn(); seen.before = pinned();
        await press("7"); await press("m"); await press("End");
        seen.own = pinned();
        seen.curves = one(".curves-against :checked").value;
        await press("r"); seen.let_go = by("reference-caption").textContent;
        await press("c"); await press("c"); await press("c"); await press("m");
        await press("c");
        seen.other = pinned();
        await press("v"); await press("v"); await press("v"); await press("v");
        seen.mean = Number(by("map").dataset.mean);
        await pause(600);
        seen.address = location.hash;
        """,
        "#against=previous",
    )
    assert seen["before"] == [True, "frame 19"]
    assert seen["own"] == [False, "frame 14, pinned"]
    assert seen["curves"] == "previous"  # curves know no pinned frame
    assert seen["let_go"] == "frame 0, the original"
    assert seen["other"] == [False, "frame 20 of resize:by=4, pinned"]
    model, control = (srgb_to_lab(to_picture(result.frame_pixels(result.chains[n].frames[20]))) for n in (0, 3))
    # CIEDE2000 by pixel, here and there in float32 CIELAB.
    assert seen["mean"] == pytest.approx(float(delta_e_2000(control, model).double().mean()), rel=1e-3)
    assert "against=pinned" in seen["address"] and "pin=3%3A20" in seen["address"]


def test_blinks_and_flips_by_hand(browser: Browser, page: Path) -> None:
    seen = browser.drive(
        page,
        """
        const top = () => getComputedStyle(one(".reference"));
        await press("b");
        seen.blinks = top().animationName;
        seen.front = [];
        for (let turn = 0; turn < 2; turn += 1) { await press("b"); seen.front.push(top().opacity); }
        seen.still = top().animationName;
        by("current").click(); seen.front.push(top().opacity);
        """,
    )
    assert seen == {"blinks": "blink", "front": ["1", "0", "1"], "still": "none"}


def test_the_ribbon_moves_the_scrubber_and_the_slit_scan_takes_any_column(
    browser: Browser, page: Path, result: CopyResult
) -> None:
    seen = browser.drive(
        page,
        """
        const lane = one('.ribbon[data-chain="3"]'), box = lane.getBoundingClientRect();
        lane.setPointerCapture = () => {};
        const at = { clientX: box.left + box.width * 5.5 / 21, clientY: box.top + 4, button: 0, pointerId: 1 };
        lane.dispatchEvent(new PointerEvent("pointerdown", at));
        await drawn();
        seen.clicked = [by("counter").textContent, one("#chains [aria-checked=true]").textContent];
        seen.here = lane.style.getPropertyValue("--here");
        const column = async (canvas) => [...canvas.getContext("2d").getImageData(5, 0, 1, canvas.height).data];
        const place = one(".slit-place"), slit = () => one('.slit .lane[data-chain="0"] canvas');
        while (all(".slit .lane canvas").length < 4) await pause(20);
        const linked = slit();
        seen.linked = await column(linked);
        place.value = 250; place.dispatchEvent(new Event("input"));
        while (slit() === linked) await pause(20);
        seen.chosen = await column(slit());
        await pause(600);
        seen.address = location.hash;
        """,
        "#slit=0.75",
    )
    assert seen["clicked"] == ["5", "controlresize:by=4"]
    assert float(seen["here"].rstrip("%")) == pytest.approx(100 * 5.5 / 21)
    pixels = result.frame_pixels(result.chains[0].frames[5])
    for name, column in (("linked", 24), ("chosen", 8)):
        assert np.array_equal(np.array(seen[name]).reshape(32, 4)[:, :3], pixels[:, column])
    assert "slit=0.250" in seen["address"]


def test_plays_to_the_end_and_stops(browser: Browser, runs: Runs) -> None:
    result = melting(runs, copies=5)
    write_page(result, result.folder / "page.html")
    seen = browser.drive(
        result.folder / "page.html",
        """
        seen.start = by("counter").textContent;
        by("play").click();
        seen.playing = by("play").getAttribute("aria-label");
        while (by("play").getAttribute("aria-label") === "Pause") await pause(100);
        await drawn();
        seen.end = [by("counter").textContent, by("play").getAttribute("aria-label")];
        """,
    )
    assert seen == {"start": "5", "playing": "Pause", "end": ["5", "Play"]}


def test_one_picture_at_a_time(browser: Browser, runs: Runs) -> None:
    chains = [runs.chain(melt(portrait(16, name), 2), picture=name) for name in ("astronaut", "coffee")]
    result = runs.result(chains, 2)
    write_page(result, result.folder / "page.html")
    seen = browser.drive(
        result.folder / "page.html",
        """
        const names = () => all(".exhibit").filter((exhibit) => !exhibit.hidden).map((exhibit) => exhibit.ariaLabel);
        await press("m");
        seen.first = names(); await press("p"); seen.second = names(); seen.chosen = by("picture").value;
        seen.pinned = by("pinned").hidden;
        one('.ends [data-subject="0"][data-copy="2"]').click(); await drawn();
        seen.wall = [names(), by("counter").textContent];
        """,
    )
    assert seen == {
        "first": ["astronaut"],
        "second": ["coffee"],
        "chosen": "1",
        "pinned": True,  # a pinned frame is one of its picture
        "wall": [["astronaut"], "2"],
    }
