"""What is wrong on purpose, and must be found out: a test that cannot fail says nothing."""

from collections.abc import Iterator

from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import preset
from simulacra.autophagy.selftest.checks import SAMPLES, Caught
from simulacra.autophagy.selftest.given import turned_checks
from simulacra.autophagy.selftest.linear import gaussian_checks
from simulacra.autophagy.selftest.measured import tied


def caught(seed: int, replicates: int) -> Iterator[Caught]:
    """Policies and measures that are not what they are said to be, and by how much each was found out.

    Args:
        seed: of all draws.
        replicates: loops behind each check; 100 at least are run.
    """
    replicates = max(100, replicates)
    synthetic = preset("fully-synthetic").policy(SAMPLES)
    half = SAMPLES // 2
    fresh = Policy.of(initial=SAMPLES, fresh=half, synthetic=half)
    fixed = Policy.of(initial=SAMPLES, fixed=half, synthetic=half)
    attempts = {
        "a biased covariance where an unbiased one is stated": gaussian_checks(
            "biased", synthetic, synthetic, seed, replicates, "gaussian:covariance=biased"
        ),
        "fixed real samples where fresh ones are stated": gaussian_checks("fixed", fresh, fixed, seed, replicates),
        "curation that chooses the worse": turned_checks(seed, replicates),
        "real and generated swapped in precision": tied(seed, replicates, swapped=True),
        "an open ball where the null assumes a closed one": tied(seed, replicates, ball="open"),
    }
    for what, checks in attempts.items():
        yield Caught(what, max(abs(check.z) for check in checks))
