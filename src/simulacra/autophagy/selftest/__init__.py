"""The laboratory tries itself: every policy on the exact families against what must come out, as z-scores.

Each check compares the mean over replicates with its exact expectation. Linear policies have theirs from
`simulacra.autophagy.moments`. Curation, verification and biases that do not keep moments are checked one generation at
a time, where the expectation given the last model is exact. Set measures are checked on sets whose expected values are
known, ties included.

A test that cannot fail says nothing, so wrong policies and measures are run as well, and each must be caught.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from simulacra.autophagy.selftest.checks import LIMIT, Caught, Check
from simulacra.autophagy.selftest.given import given_checks
from simulacra.autophagy.selftest.linear import linear_checks
from simulacra.autophagy.selftest.measured import measure_checks
from simulacra.autophagy.selftest.wrong import caught
from simulacra.autophagy.theory.arguments import check_count
from simulacra.autophagy.threads import as_in_a_worker

__all__ = ["LIMIT", "Caught", "Check", "Report", "selftest"]

_PARTS: dict[str, Callable[[int, int], list[Check]]] = {
    "linear policies": linear_checks,
    "policies that choose": given_checks,
    "set measures": measure_checks,
}


@dataclass(frozen=True)
class Report:
    """All checks, and what was tried to slip past them."""

    checks: tuple[Check, ...]
    wrong: tuple[Caught, ...]

    @property
    def largest(self) -> float:
        """The largest |z| of the checks."""
        return max(abs(check.z) for check in self.checks)

    @property
    def chance(self) -> float:
        """Of a |z| as large as that, were the checks independent and normal."""
        return float(-np.expm1(len(self.checks) * np.log1p(-erfc(self.largest / sqrt(2)))))

    @property
    def passed(self) -> bool:
        """Whether every check holds and everything wrong is caught."""
        return self.largest <= LIMIT and all(each.caught for each in self.wrong)


def selftest(*, seed: int = 1, replicates: int = 200, watcher: Callable[[str], None] | None = None) -> Report:
    """Run every policy on the exact families.

    Args:
        seed: of all draws.
        replicates: loops behind a check, 30 or more, or z-scores mean little; a quarter of it for mixtures.
        watcher: told what is tried, before it is.

    Raises:
        UserError: there are too few replicates.
    """
    check_count("replicates", replicates, 30)
    checks: list[Check] = []
    with as_in_a_worker():  # samples are few, and threads would only wait for each other
        for name, part in _PARTS.items():
            if watcher is not None:
                watcher(name)
            checks += part(seed, replicates)
        if watcher is not None:
            watcher("what is wrong")
        return Report(tuple(checks), tuple(caught(seed, replicates)))
