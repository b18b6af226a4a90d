from pathlib import Path

import pytest

from simulacra.errors import UserError
from simulacra.measures.contract import Against, Better, Measure
from simulacra.measures.table import filled, table
from simulacra.registry import registry

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("measures.md", "perception.md")]


def test_the_pages_document_every_measure_as_it_is() -> None:
    pages = [path.read_text(encoding="utf-8") for path in PAGES]
    for page in pages:
        assert filled(page) == page, "type: python -m simulacra.measures.table docs/measures.md docs/perception.md"
    for name in registry("measure"):
        if registry("measure").source(name).startswith("simulacra "):
            assert f"<!-- measures: {name} -->" in "".join(pages)


def test_a_table_has_a_row_a_measure() -> None:
    measure = Measure("ssim", "1", Against.REFERENCE, Better.HIGHER, "Alike.", "Wang 2004")
    assert table([measure]).splitlines()[-1] == "| `ssim` | 1 | pair | higher | Alike. | Wang 2004 |"


def test_only_the_marked_part_of_a_page_changes() -> None:
    page = "before\n<!-- measures: colour -->\nold\n<!-- end -->\nafter\n"
    new = filled(page)
    assert new.startswith("before\n<!-- measures: colour -->\n| measure |")
    assert new.endswith("<!-- end -->\nafter\n")
    assert "old" not in new
    assert filled(new) == new


def test_a_page_that_names_an_unknown_channel_is_refused() -> None:
    with pytest.raises(UserError, match="'color' is unknown; did you mean colour"):
        filled("<!-- measures: color -->\n<!-- end -->\n")
