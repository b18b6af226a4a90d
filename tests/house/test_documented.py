"""Everything a person can type or read is in the docs, or a test fails."""

import re
import sys
from pathlib import Path

import pytest

from simulacra.cli import app
from simulacra.registry import registry

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> str:
    """All pages but the one that is written from the commands themselves."""
    return " ".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md") if page.name != "commands.md")


def test_the_command_reference_is_what_the_commands_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["simulacra"])  # usage lines would show how the tests were started
    # Written by: python -c "from simulacra.cli import app; print(app.generate_docs(), end='')" > docs/commands.md
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == app.generate_docs()


@pytest.mark.parametrize("family", list(registry("copier")))
def test_every_copier_and_parameter_is_documented(family: str) -> None:
    text = pages()
    assert f"`{family}`" in text
    for field in registry("copier")[family].Parameters.model_fields:
        assert f"`{field.replace('_', '-')}`" in text, f"{family}:{field}"


@pytest.mark.parametrize("channel", list(registry("measure")))
def test_every_measure_is_documented_with_its_definition(channel: str) -> None:
    text = pages()
    for measure in registry("measure")[channel].measures:
        assert f"`{measure.name}`" in text, measure.name
        assert measure.definition and measure.source


def test_links_between_pages_lead_somewhere() -> None:
    root = DOCS.parent
    for page in [*root.glob("*.md"), *DOCS.rglob("*.md"), *(root / "design").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
