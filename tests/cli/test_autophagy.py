import json
from pathlib import Path
from typing import Any

import pytest

from simulacra.autophagy import selftest
from simulacra.autophagy.experiments import EXPERIMENTS
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS
from simulacra.autophagy.selftest import Caught, Check, Report
from simulacra.cli import main


def test_every_policy_is_listed_with_its_paper_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    main(["autophagy", "policies", "--samples", "100", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in listed] == [*PRESETS, *EXPERIMENTS]
    for each in listed:
        assert each["paper"]
    for each in listed[: len(PRESETS)]:
        assert Policy.of(**each["policy"]) == PRESETS[each["name"]].policy(100)
    main(["autophagy", "policies", "fresh-data"])
    printed = capsys.readouterr().out
    assert printed.startswith("fresh-data\n")
    assert "initial 1000, fresh 100, synthetic 900" in printed
    main(["autophagy", "policies", "tiny-fresh"])
    assert "fresh-data with ddpm:channels=16,steps=450 on digits, 500 samples, 6 generations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["policies", "fresh"], "policy 'fresh' is unknown; did you mean fresh-data?"),
        (["policies", "--samples", "1"], "samples is 1; it must be 2 or more"),
        (["selftest", "--replicates", "3"], "replicates is 3; it must be 30 or more"),
        (["run", "--preset", "fresh-data", "--set", "memory"], "--set is 'memory'; it must be FIELD=VALUE"),
        (["run", "--preset", "fresh-data", "--out", "page.pdf"], "--out is page.pdf; the page is one HTML file"),
        (["run", "--preset", "fresh-data", "--processes", "0"], "--processes is 0; it must be 1 or more"),
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


SMALL = ["--samples", "30", "--reference", "24", "--generations", "3", "--restarts", "2", "--processes", "1"]


def run(capsys: pytest.CaptureFixture[str], *typed: str) -> dict[str, Any]:
    main(["autophagy", "run", *typed, "--json"])
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


def test_a_loop_is_run_forked_and_its_ledger_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = run(capsys, "--preset", "fresh-data", "--seeds", "2", "--bias", "0.9", *SMALL)
    assert [(arm["arm"], arm["seed"], len(arm["rounds"])) for arm in made["arms"]] == [
        ("loop", 0, 3),
        ("loop", 1, 3),
        ("null", 0, 2),
    ]
    assert made["page"] is None
    assert made["arms"][0]["policy"]["bias"] == 0.9
    name = made["arms"][0]["run"]
    fork = run(capsys, "--fork", f"{name}@2", "--set", "fresh=10", "--restarts", "0", "--processes", "1")
    assert [each["fresh"] for each in fork["arms"][0]["rounds"]] == [0, 3, 10]
    main(["autophagy", "ledger", name])
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split()[:6] == ["1", "30", "0", "0", "0", "30"]
    assert printed[-1].startswith("half of the real information is gone after 2 generations")
    main(["autophagy", "ledger", name, "--generation", "2", "--out", str(tmp_path / "pool.csv")])
    assert "model of generation 1, lambda 0.9" in capsys.readouterr().out
    assert len((tmp_path / "pool.csv").read_text().splitlines()) == 31
    main(["autophagy", "ledger", name, "--json"])
    pools = json.loads(capsys.readouterr().out)["pools"]
    assert [pool["generation"] for pool in pools] == [1, 2, 3]


def test_what_is_printed_has_the_ends_and_the_null_arm(capsys: pytest.CaptureFixture[str]) -> None:
    main(["autophagy", "run", "--preset", "fully-synthetic", "--seeds", "1", *SMALL])
    printed = capsys.readouterr().out
    assert "fully-synthetic, seed 0, 3 generations" in printed
    assert "2 restarts on real data" in printed
    assert "  real ancestry           1 -> " in printed
    assert printed.splitlines()[-1].startswith("fully-synthetic-")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--out", "pool.csv"], "--out writes the pool of one generation; say which with --generation"),
        (["--generation", "1", "--out", "pool.png"], "a pool is written as a .zip of pictures or a .csv"),
        (["--generation", "9"], "--generation is 9; run "),
    ],
)
def test_bad_input_to_a_ledger_is_one_sentence(capsys: pytest.CaptureFixture[str], typed: list[str], said: str) -> None:
    name = run(capsys, "--preset", "augmentation", "--seeds", "1", *SMALL)["arms"][0]["run"]
    with pytest.raises(SystemExit) as left:
        main(["autophagy", "ledger", name, *typed])
    assert left.value.code == 2
    assert said in capsys.readouterr().err
