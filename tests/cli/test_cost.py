"""Money on the command line: the budget, and the cost in the summary."""

import json
import os
from pathlib import Path

import pytest

from simulacra.cli import main


def test_a_budget_of_nothing_is_refused(capsys: pytest.CaptureFixture[str], portrait: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["copy", str(portrait), "--copier", "jpeg", "--budget-usd", "0"])
    assert left.value.code == 2
    assert "--budget-usd is 0.0; it must be a number above 0" in capsys.readouterr().err


def test_the_summary_says_what_copies_cost(
    capsys: pytest.CaptureFixture[str], portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULACRA_BUDGET_USD", "1")
    options = ["--size", "64", "--times", "2", "--no-controls", "--channel", "colour"]
    main(["copy", str(portrait), "--copier", "jpeg", *options, "--budget-usd", "7.5", "--json"])
    spent = json.loads(capsys.readouterr().out)["cost"]
    assert (spent["copies"], spent["reused"], spent["usd"], spent["hosted"]) == (2, 0, None, 0)
    assert os.environ["SIMULACRA_BUDGET_USD"] == "7.5"
