import json

import pytest

from simulacra.autophagy import selftest
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS
from simulacra.autophagy.selftest import Caught, Check, Report
from simulacra.cli import main


def test_every_policy_is_listed_with_its_paper_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    main(["autophagy", "policies", "--samples", "100", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in listed] == list(PRESETS)
    for each in listed:
        assert each["paper"]
        assert Policy.of(**each["policy"]) == PRESETS[each["name"]].policy(100)
    main(["autophagy", "policies", "fresh-data"])
    printed = capsys.readouterr().out
    assert printed.startswith("fresh-data\n")
    assert "initial 1000, fresh 100, synthetic 900" in printed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["policies", "fresh"], "policy 'fresh' is unknown; did you mean fresh-data?"),
        (["policies", "--samples", "1"], "samples is 1; it must be 2 or more"),
        (["selftest", "--replicates", "3"], "replicates is 3; it must be 30 or more"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], typed: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["autophagy", *typed])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def made(z: float) -> Report:
    return Report((Check("memory", "gaussian", "variance", 2, 1.0, 1.1, z),), (Caught("a wrong thing", 9.0),))


def test_the_selftest_prints_its_checks_and_its_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "selftest", lambda **settings: made(1.5))
    main(["autophagy", "selftest"])
    printed = capsys.readouterr().out
    assert "1 checks, largest |z| 1.50" in printed
    assert "caught: a wrong thing (|z| 9.0)" in printed
    assert "passed: 1 checks" in printed
    main(["autophagy", "selftest", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True
    assert told["checks"][0]["z"] == 1.5
    assert told["wrong"] == [{"wrong": "a wrong thing", "largest": 9.0, "caught": True}]


def test_a_failed_selftest_leaves_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "selftest", lambda **settings: made(-4.5))
    with pytest.raises(SystemExit) as left:
        main(["autophagy", "selftest"])
    assert left.value.code == 1
    assert "failed: 1 checks, largest |z| 4.50 of 4 allowed" in capsys.readouterr().out
