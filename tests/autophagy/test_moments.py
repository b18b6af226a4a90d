import pytest

from simulacra import UserError
from simulacra.autophagy.moments import expected
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import preset
from simulacra.autophagy.theory import accumulating, families, mixing, replacing
from simulacra.autophagy.theory.mixing import Expected

EXACT = 1e-12  # both sides are exact; this is rounding


@pytest.mark.parametrize("bias", [1.0, 0.7, 0.0])
def test_agrees_with_the_fully_synthetic_loop(bias: float) -> None:
    path = expected(Policy(initial=9, synthetic=9, bias=bias), 7)
    for number, each in enumerate(path, start=1):
        assert each.mean_error == pytest.approx(replacing.mean_error(9, bias, number), rel=EXACT)
        assert each.variance == pytest.approx(replacing.variance(9, bias, number), rel=EXACT, abs=EXACT)
    biased = expected(Policy(initial=9, synthetic=9, bias=bias), 7, estimator="biased")[-1]
    assert biased.variance == pytest.approx(replacing.variance(9, bias, 7, "biased"), rel=EXACT, abs=EXACT)


def test_agrees_with_the_fresh_and_the_fixed_loop() -> None:
    path = expected(Policy(initial=8, fresh=5, synthetic=20, bias=0.7), 9)
    for found, closed in zip(path, mixing.fresh_path(5, 20, 0.7, 8, 9), strict=True):
        assert found == pytest.approx(closed, rel=EXACT)
    limit = expected(Policy(initial=10, fixed=10, synthetic=90, bias=0.8), 300)[-1]
    assert limit == pytest.approx(mixing.fixed_limit(10, 90, 0.8), rel=1e-9)  # what 300 generations leave to go


def test_agrees_with_what_accumulates_and_grows() -> None:
    kept = expected(preset("accumulate").policy(10), 20, estimator="biased")
    for number, each in enumerate(kept, start=1):
        assert each == pytest.approx(accumulating.accumulated(10, number), rel=EXACT)
    grown = expected(preset("growing").policy(5), 12, estimator="biased")[-1]
    assert grown == pytest.approx(accumulating.growing([5 * t**2 for t in range(1, 13)]), rel=EXACT)
    kernels = expected(preset("fully-synthetic").policy(50), 60, estimator="biased", added=0.09)[-1]
    assert kernels.variance == pytest.approx(families.kernel_variance(50, 0.3, 59), rel=EXACT)


@pytest.mark.parametrize("memory", [2, 5])
def test_agrees_with_weights_and_memory_for_many_samples(memory: int) -> None:
    # The formulas are for many samples: what they leave out is of order 1 / n_r.
    found = expected(Policy(initial=1000, fresh=1000, synthetic=10_000, memory=memory), 300)[-1]
    assert 1 / 1000 / found.mean_error == pytest.approx(mixing.memory_gain(1000, 10_000, memory), rel=2e-3)
    weighted = expected(preset("weighted").policy(20_000), 60)[-1]
    assert 1 / 10_000 / weighted.mean_error == pytest.approx(1 / mixing.best_weight(1, 1), rel=1e-3)


def test_correction_is_a_share_of_fresh_data_for_many_samples() -> None:
    corrected = expected(Policy(initial=10_000, fresh=2000, synthetic=8000, correction=0.6), 200)[-1]
    share = mixing.corrected_share(0.8, 0.6)
    fresh = mixing.fresh_limit(round(10_000 * (1 - share)), round(10_000 * share), 1.0)
    assert corrected.mean_error == pytest.approx(fresh.mean_error, rel=1e-3)


def test_a_subsample_of_everything_is_everything() -> None:
    whole = expected(Policy(initial=10, fixed=10, synthetic=10), 6)
    drawn = expected(Policy(initial=10, fixed=10, synthetic=10, subsample=20), 6)
    assert drawn == whole
    smaller = expected(preset("accumulate-subsample").policy(10), 6, estimator="biased")
    kept = expected(preset("accumulate").policy(10), 6, estimator="biased")
    replaced = expected(preset("fully-synthetic").policy(10), 6, estimator="biased")
    assert replaced[-1].variance < smaller[-1].variance < kept[-1].variance


def test_generation_1_is_real() -> None:
    assert expected(Policy(initial=4, fixed=2, fresh=1, synthetic=3), 1) == (Expected(0.25, 1.0),)


def test_refuses_what_is_not_linear() -> None:
    with pytest.raises(UserError, match="curation and verification choose samples by value"):
        expected(preset("curated").policy(10), 3)
