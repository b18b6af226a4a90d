from math import inf

import pytest

from simulacra import UserError
from simulacra.autophagy.presets import PRESETS
from simulacra.autophagy.selftest import Caught, Check, Report, checks, selftest
from simulacra.generators import families
from simulacra.generators.exact import Exact
from simulacra.generators.specification import family


@pytest.fixture(scope="module")
def report() -> Report:
    return selftest(seed=3, replicates=30)


def test_tries_every_policy_and_every_family_more_than_a_thousand_times(report: Report) -> None:
    choosing = {"curated", "verified"}
    linear = {name for name in PRESETS if name not in choosing}
    paper = {"fully-synthetic", "augmentation", "fresh-data"}
    # As docs/autophagy.md says: policies by family, without and with a sampling bias.
    tried = {
        "gaussian": (linear | choosing, linear),
        "discrete": (linear | choosing, paper),
        "kernel-density": (linear | choosing, linear),
        "gaussian-mixture": (linear | choosing, {"fully-synthetic"}),
        "linear-regression": ({"fully-synthetic", "accumulate"},) * 2,
        "set measures": ({"no loop"}, set()),
    }
    assert {name for name in families() if issubclass(family(name), Exact)} == {*tried} - {"set measures"}
    pairs = {(check.family, check.policy) for check in report.checks}
    assert pairs == {
        (name, policy)
        for name, (unbiased, biased) in tried.items()
        for policy in unbiased | {f"{each}, lambda 0.7" for each in biased}
    }
    assert len(report.checks) > 1800


def test_what_is_right_holds(report: Report) -> None:
    # With 30 replicates z has the tails of Student's t with 29 degrees of freedom, and of the skewed values behind it:
    # beyond 4 lie 4 in 10,000, so a few of 1,900 may; the command's 200 replicates stay within 4.
    beyond = [check for check in report.checks if abs(check.z) > 4]
    assert len(beyond) <= 6, beyond
    assert report.largest < 7


def test_what_is_wrong_is_caught(report: Report) -> None:
    assert len(report.wrong) == 5
    for each in report.wrong:
        assert each.caught, each


def test_a_report_fails_where_a_check_does_or_something_wrong_gets_past() -> None:
    good = Check("p", "f", "q", 1, 0.0, 0.0, 3.9)
    bad = Check("p", "f", "q", 1, 0.0, 1.0, -4.1)
    assert Report((good,), (Caught("w", 9.0),)).passed
    assert not Report((good, bad), (Caught("w", 9.0),)).passed
    assert not Report((good,), (Caught("w", 3.0),)).passed
    assert Report((good,) * 1000, ()).chance == pytest.approx(0.0917, abs=1e-3)  # 1 - (1 - 9.62e-5)^1000


def test_a_value_that_does_not_scatter_must_be_exact() -> None:
    assert checks._z(1e-13, 0.0) == 0
    assert checks._z(0.1, 0.0) == float("inf")


@pytest.mark.parametrize(("difference", "error"), [(float("nan"), float("nan")), (0.1, float("nan")), (1.0, inf)])
def test_what_is_no_number_passes_no_check(difference: float, error: float) -> None:
    assert checks._z(difference, error) == inf


def test_refuses_too_few_replicates() -> None:
    with pytest.raises(UserError, match="replicates is 5; it must be 30 or more"):
        selftest(replicates=5)
