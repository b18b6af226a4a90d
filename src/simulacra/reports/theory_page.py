"""The theory page: MAD's Gaussian figures from closed forms and from loops that are run, on one HTML file."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Template

from simulacra.reports import theory_drawing as drawing
from simulacra.reports.files import writing
from simulacra.reports.numbers import shown
from simulacra.reports.onefile import styled, templates
from simulacra.reports.theory_figures import LIMITS, Effort, Figures, Mean, compute


def write_theory_page(
    out: Path, *, effort: Effort | None = None, watcher: Callable[[str], None] = lambda part: None
) -> Figures:
    """Compute the figures and write the page. The same effort gives the same bytes on the same machine.

    Args:
        out: the HTML file.
        effort: how much is drawn; None for the paper's dimension and ten replicates, about a minute on two cores.
        watcher: told what is computed next.

    Returns:
        What was computed.

    Raises:
        UserError: the effort is too small, or the file cannot be written.
    """
    figures = compute(effort, watcher)
    text = _template().render(
        title="What theory says of loops, and what loops do",
        lead=lead(figures),
        figures=figures,
        limits=LIMITS,
        paper=figures.effort.dimension == Effort().dimension,
        distances=drawing.distances(figures.ways),
        means=drawing.mean_errors(figures.ways),
        traces=drawing.traces(figures.ways),
        memory=drawing.memory(figures.memory, figures.memory_line),
        sizes=[drawing.mapped(panel, logarithmic=True) for panel in figures.figure_11],
        biases=[drawing.mapped(panel, logarithmic=False) for panel in figures.figure_12],
        scale=drawing.scale(),
        command=command(figures.effort),
        **styled("page.css", "card.css", "comparison.css", "theory.css"),
    )
    with writing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return figures


def lead(figures: Figures) -> str:
    """The plain answer: what fresh real data keep, and what synthetic samples are worth."""
    limits = {way.bias: way.limit.value for way in figures.ways}
    edge = {each.bias: each for each in figures.boundary}
    return (
        f"With a hundred fresh real samples in every generation a loop does not go mad: its squared distance ends at "
        f"{shown(limits[1.0])} without sampling bias and at {shown(limits[0.8])} with λ = 0.8, wherever it began. "
        f"Beside 1,000 fresh samples, up to {edge[0.8].drawn:,.0f} synthetic ones of λ = 0.8 help; more cost."
    )


def command(effort: Effort) -> str:
    """What a person types to make the page again."""
    return (
        f"simulacra autophagy theory --dimension {effort.dimension} --replicates {effort.replicates} "
        f"--seed {effort.seed} --out theory.html"
    )


def _mean(found: Mean | None) -> str:
    return "–" if found is None else f"{found.value:.4g} ± {found.error:.2g}"


@cache
def _template() -> Template:
    made = templates(mean=_mean)
    made.globals["drawing"] = drawing
    return made.get_template("theory.html")
