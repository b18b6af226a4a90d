import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Better, Undefined, Value
from simulacra.reports.page import write_page
from simulacra.reports.subjects import subjects
from simulacra.reports.verdict import verdict

from .conftest import Runs, melt, portrait, with_scores

VOID = {"meta", "link", "img", "input", "br", "path", "circle"}


class Page(HTMLParser):
    """Elements with their attributes, the text outside scripts and styles, and the nesting checked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.data: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attributes}
        self.elements.append((tag, found))
        self.text += " " if tag in {"p", "h3", "td", "th", "dd", "tr"} else ""
        if tag not in VOID:
            self._open.append((tag, found))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag in {"script", "style"}:
            self.data[attributes.get("id", tag)] = data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self) -> str:
        return " ".join(self.text.split())


def page_of(result: CopyResult) -> tuple[str, Page]:
    write_page(result, result.folder / "page.html")
    text = (result.folder / "page.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_refers_to_no_other_host(result: CopyResult) -> None:
    text, page = page_of(result)
    beside = {"film.webp", "film.gif", "strip.webp", "measures.csv", "measures.json", "data:,", "#verdict"}
    for _, attributes in page.elements:
        for name in ("href", "src", "srcset", "poster", "action", "xlink:href"):
            value = attributes.get(name, "")
            assert value == "" or value in beside or value.startswith("data:image/webp;base64,")
    assert not re.search(r"url\(|@import|https?:", page.data["style"] + page.data["script"])
    assert not re.search(r"https?://", text)


def test_only_its_own_script_and_style_may_run(result: CopyResult) -> None:
    text, page = page_of(result)
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not any(name == "style" or name.startswith("on") for _, found in page.elements for name in found)
    assert '"use strict"' in page.data["script"][:20]
    assert text.count("<style>") == 1


def test_readable_without_script(result: CopyResult) -> None:
    _, page = page_of(result)
    words = page.words()
    assert "astronaut, 20 copies by melting" in words
    for sentence in verdict(result, subjects(result)[0]):
        assert sentence in words
    tiles = [image for image in page.all("img") if "frame 20" in image["alt"]]
    assert len(tiles) >= 4  # the last tile of every chain
    for measures in result.channels.values():
        for measure in measures:
            assert measure in words  # defined
    assert "Geometry Not measured: geometry was left out by --channels" in words
    assert "from frame 5 on: no face found" in words
    assert result.command in words
    assert "control webp:quality=80" in words
    hidden = {found["id"] for _, found in page.elements if "hidden" in found}
    assert hidden == {"viewer", "transport", "pinned"}  # what only works with script shows only with script


def test_every_measure_has_its_curve_against_both_references(result: CopyResult) -> None:
    _, page = page_of(result)
    drawn = {(svg["data-measure"], svg["data-reference"]) for svg in page.all("svg") if "data-measure" in svg}
    assert {("ssim", "origin"), ("ssim", "previous"), ("lightness_mean", "frame")} <= drawn
    assert len(drawn) == 2 * 6 + 3  # six pair measures and three of the frame alone


def test_the_script_gets_every_number_and_every_frame(result: CopyResult) -> None:
    _, page = page_of(result)
    run = json.loads(page.data["run"])
    chain = run["subjects"][0][0]
    assert chain["last"] == 20
    assert chain["values"]["origin"]["ssim"] == pytest.approx(result.chains[0].values["origin"]["ssim"], rel=1e-8)
    images = {key for key in page.data if key.startswith("image-")}
    assert {f"image-{number}" for chain in run["subjects"][0] for _, number in chain["places"]} == images
    assert [one["control"] for one in run["subjects"][0]] == [False, True, True, True]


def test_a_name_is_never_markup(runs: Runs) -> None:
    name = "</script><script>alert(1)</script><b>&\u2028\"'"
    reason = Undefined("</script><!--")
    chain = runs.chain(melt(portrait(16), 2), picture=name)
    chain = replace(chain, values={"frame": {}, "previous": {}, "origin": {"ssim": (reason,) * 3}})
    text, page = page_of(runs.result([chain], 2))
    assert name in page.text
    assert len(page.all("b")) == 0
    assert text.count("<script") == 3 + 2  # style apart: data, script, three images; nothing of the name's
    assert "\u2028" not in page.data["run"]
    assert json.loads(page.data["run"])["subjects"][0][0]["undefined"]["origin"]["ssim"] == [[0, 2, "</script><!--"]]


def test_a_name_that_is_no_utf8_is_shown_escaped(runs: Runs) -> None:
    _, page = page_of(runs.result([runs.chain(melt(portrait(16), 1), picture="caf\udce9")], 1))
    assert "caf\\udce9, 1 copy by melting" in page.words()


def test_several_pictures_each_have_their_exhibit(runs: Runs) -> None:
    chains = [runs.chain(melt(portrait(16, name), 2), picture=name) for name in ("astronaut", "coffee")]
    _, page = page_of(runs.result(chains, 2))
    assert [found["aria-label"] for _, found in page.elements if found.get("class") == "exhibit"] == [
        "astronaut",
        "coffee",
    ]
    assert len(page.all("option")) == 2


def test_ids_are_unique_and_labels_point_somewhere(result: CopyResult) -> None:
    _, page = page_of(result)
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert all(found["aria-labelledby"] in ids for _, found in page.elements if "aria-labelledby" in found)
    assert all("alt" in image for image in page.all("img"))


def test_a_gap_says_from_which_frame_on(runs: Runs) -> None:
    chain = runs.chain(melt(portrait(16), 3))
    blind = Undefined("the brows do not stand out")
    ssim = {"origin": (1.0, blind, blind, blind), "previous": (Undefined("frame 0 has none before it"), *(blind,) * 3)}
    chain = replace(chain, values={**chain.values, **{key: {**chain.values[key], "ssim": ssim[key]} for key in ssim}})
    _, page = page_of(runs.result([chain], 3))
    assert "from frame 1 on: the brows do not stand out" in page.words()  # against frame 0, which has brows
    assert "every frame: the brows do not stand out" in page.words()  # against the frame before


def test_through_time_every_chain_has_its_ribbon_and_its_slit_scan(result: CopyResult) -> None:
    _, page = page_of(result)
    lanes = [found for tag, found in page.elements if tag == "div" and found.get("class", "").split()[:1] == ["lane"]]
    assert [found["data-chain"] for found in lanes] == ["0", "1", "2", "3", "0", "1", "2", "3"]
    pictures = [image for image in page.all("img") if "column through time" in image["alt"]]
    assert {(image["width"], image["height"]) for image in pictures} == {("21", "32")}


def test_the_wall_shows_the_end_of_every_chain_in_question(runs: Runs, result: CopyResult) -> None:
    assert "Where they ended" not in page_of(result)[1].words()  # one chain: the viewer shows its end
    chains = [
        runs.chain(melt(portrait(16, name), 2), picture=name, replicate=number)
        for name in ("astronaut", "coffee")
        for number in (1, 2)
    ]
    _, page = page_of(runs.result(chains, 2))
    assert "Where they ended" in page.words()
    tiles = [button for button in page.all("button") if "data-subject" in button]
    assert [(tile["data-subject"], tile["data-chain"], tile["data-copy"]) for tile in tiles] == [
        *(("0", "0", "0"), ("0", "0", "2"), ("0", "1", "2")),
        *(("1", "0", "0"), ("1", "0", "2"), ("1", "1", "2")),
    ]


def test_scores_without_an_original_stand_on_their_own_panel_alone(result: CopyResult) -> None:
    assert "Scores that know no original" not in page_of(result)[1].words()
    scores: dict[str, tuple[Better, Value, Value]] = {"beauty": (Better.HIGHER, 0.25, 0.5)}
    _, page = page_of(with_scores(result, scores))
    assert "Scores that know no original" in page.words()
    assert "1 of 1 scores call copy 20 better than the original: beauty rose" in page.words()
    drawn = [svg for svg in page.all("svg") if svg.get("data-measure") == "beauty"]
    assert len(drawn) == 1
    readout = json.loads(page.data["run"])["readout"]
    assert "beauty" not in [name for channel in readout for name in channel]


def test_a_page_tells_why_no_trails_are_drawn(result: CopyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.measures.face.Face.unavailable", lambda self: "the weights face-mesh are missing")
    assert "No trails of the face are drawn: the weights face-mesh are missing." in page_of(result)[1].words()


def test_a_page_above_its_budget_says_what_it_left_out(result: CopyResult) -> None:
    path: Path = result.folder / "page.html"
    write_page(result, path, budget=10_000)
    assert "To stay small, the page" in Page(path.read_text(encoding="utf-8")).words()
