import re
from pathlib import Path

import pytest

from simulacra.reports import theory_page
from simulacra.reports.theory_drawing import BOTTOM, LEFT, SHADES, mapped, memory, scale, shade
from simulacra.reports.theory_figures import Admissible, Effort, Figures, Mean, Panel, Remembered, Spot, Way
from simulacra.reports.theory_page import write_theory_page

from .test_page import Page


def way(bias: float, start: int, limit: float) -> Way:
    means = tuple(Mean(limit * t / 10, 0.1) for t in range(1, 11))
    line = tuple(limit * t / 10 for t in range(1, 11))
    return Way(bias, start, means, line, means, line, means, line, Mean(limit, 0.05))


def panel(title: str) -> Panel:
    axis = (100.0, 1000.0, 10_000.0)
    gains = ((2.0, 1.0, 0.5),) * 3
    return Panel(
        title, axis, axis, gains, ((100.0, 1000.0), (10_000.0, 2000.0)), (Spot(1000, 1000, Mean(1.3, 0.02), 1.25),)
    )


FIGURES = Figures(
    Effort(),
    tuple(way(bias, start, limit) for bias, limit in ((1.0, 12.28), (0.8, 20.62)) for start in (100, 1000)),
    (panel("λ = 0.7"),),
    (panel("n_r = 100"),),
    (Remembered(1, 1.909, 1.908, Mean(1.94, 0.04)), Remembered(100, 10.091, 10.071, None)),
    ((1.0, 1.909), (100.0, 10.091)),
    (Admissible(0.8, 1409.0, 1380.0),),
)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Page]:
    monkeypatch.setattr(theory_page, "compute", lambda effort, watcher: FIGURES)
    write_theory_page(tmp_path / "theory.html")
    text = (tmp_path / "theory.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_it_needs_nothing_else_and_no_script(page: tuple[str, Page]) -> None:
    text, read = page
    assert not re.search(r"https?://|url\(|@import|<script", text)
    assert not any(name == "style" or name.startswith("on") for _, found in read.elements for name in found)
    assert all(svg.get("role") == "img" or "aria-hidden" in svg for svg in read.all("svg"))


def test_known_numbers_stand_beside_what_was_run(page: tuple[str, Page]) -> None:
    words = page[1].words()
    assert "ends at 12.3 without sampling bias and at 20.6 with λ = 0.8" in words
    assert "λ = 1, from 1,000 real samples 12.28 12.28 ± 0.05 12.28" in words
    assert "100 10.091 10.071 –" in words
    assert "run 1,409 formula 1,380 formula over run 0.979" in words
    assert "n_e / n_r by sampling bias and synthetic samples, n_r = 100" in str(page[1].all("svg"))
    assert "run 1.30 ± 0.020, formula 1.25" in words
    assert "simulacra autophagy theory --dimension 100 --replicates 10 --seed 1 --out theory.html" in words


def test_other_dimensions_have_no_known_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Figures(Effort(dimension=3), *list(vars(FIGURES).values())[1:])
    monkeypatch.setattr(theory_page, "compute", lambda effort, watcher: few)
    write_theory_page(tmp_path / "theory.html")
    assert "known" not in Page((tmp_path / "theory.html").read_text(encoding="utf-8")).words()


def test_shades_part_at_one_and_end_at_the_scale() -> None:
    assert [shade(found) for found in (1.0, 1.05, 2.0, 0.5, 100.0, 0.0)] == [0, 0, 4, -4, SHADES, -SHADES]
    assert dict(scale())[0] == "1"
    assert (dict(scale())[4], dict(scale())[-4]) == ("2", "0.5")


def test_a_map_covers_its_grid_once() -> None:
    found = mapped(panel("a"), logarithmic=True)
    boxes = [re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H", path) for _, path in found.shades]
    areas = [(float(x1) - float(x0)) * (float(y0) - float(y1)) for group in boxes for x0, y0, x1, y1 in group]
    assert len(areas) == 9
    side = found.columns.end - found.columns.start
    assert sum(areas) == pytest.approx(side**2, rel=2e-3)  # corners keep one decimal
    assert [number for number, _ in found.shades] == [-4, 0, 4]
    (circle,) = found.circles
    assert (circle.x, circle.shade) == (pytest.approx((found.columns.start + found.columns.end) / 2), shade(1.3))


def test_the_memory_chart_has_the_line_what_is_exact_and_what_was_run() -> None:
    line, exact, drawn = memory(FIGURES.memory, FIGURES.memory_line).series
    assert line.line.startswith(f"M{LEFT:.1f} ") and not line.points
    assert [len(exact.points), len(drawn.points)] == [2, 1]
    assert exact.points[1].y < exact.points[0].y < BOTTOM
