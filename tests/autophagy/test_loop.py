from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest
import torch

from simulacra import UserError
from simulacra.autophagy.loop import Generation, Held, History, Judges, Loop, Truth, next_generation, run
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS, preset
from simulacra.generators import Budget, Pool, open_generator
from simulacra.generators.gaussian import Gaussian

GAUSSIAN = open_generator("gaussian")
TRUTH = Truth(GAUSSIAN.with_state({"mean": torch.zeros(2), "covariance": torch.eye(2)}), seed=1)
JUDGES = Judges(reward=lambda rows: rows[:, 0], accepts=lambda rows: rows[:, 0] > -1)


def loop(policy: Policy, seed: int = 0) -> Loop:
    return Loop(policy, GAUSSIAN, TRUTH, seed, JUDGES)


@pytest.mark.parametrize("name", PRESETS)
def test_pools_hold_what_the_policy_counts(name: str) -> None:
    policy = preset(name).policy(20)
    for generation in run(loop(policy), 6):
        counts = policy.counts(generation.number)
        assert generation.counts == counts
        assert len(generation.pool) == (policy.subsample or counts.total)


def test_a_loop_taken_up_from_its_history_gives_the_same_bits() -> None:
    for name in PRESETS:
        whole = list(run(loop(preset(name).policy(12)), 6))
        history = History()
        for expected in whole:
            found, history = next_generation(loop(preset(name).policy(12)), history)
            assert torch.equal(found.pool.samples, expected.pool.samples), name
        assert len(history.models) <= preset(name).policy(12).memory


def pools(policy: Policy, generations: int) -> list[Generation]:
    return list(run(loop(policy), generations))


def test_fixed_real_samples_stay_and_fresh_ones_never_come_back() -> None:
    first, *later = pools(Policy(initial=6, fixed=4, fresh=3, synthetic=2), 4)
    for generation in later:
        assert torch.equal(generation.pool.samples[:4], first.pool.samples[:4])
    fresh = [tuple(row) for each in later for row in each.pool.samples[4:7].tolist()]
    assert len({*fresh, *(tuple(row) for row in first.pool.samples.tolist())}) == 9 + 6


def test_kept_samples_are_those_of_before() -> None:
    generations = pools(preset("accumulate").policy(5), 4)
    for earlier, later in pairwise(generations[1:]):
        assert torch.equal(later.pool.samples[: len(earlier.pool)], earlier.pool.samples)


def test_weights_give_the_real_part_its_share() -> None:
    pool = pools(preset("weighted").policy(10), 2)[1].pool
    assert float(pool.shares()[:5].sum()) == pytest.approx((5**0.5 - 1) / 2)
    assert float(pool.shares().sum()) == pytest.approx(1)


def test_the_bias_shrinks_what_is_drawn() -> None:
    points = pools(Policy(initial=50, synthetic=50, bias=0.0), 2)[1].pool.samples
    assert torch.equal(points, points[:1].expand(50, 2))


def test_curation_and_verification_choose() -> None:
    plain = torch.cat([each.pool.samples for each in pools(Policy(initial=400, synthetic=400), 2)[1:]])
    chosen = torch.cat([each.pool.samples for each in pools(Policy(initial=400, synthetic=400, best_of=8), 2)[1:]])
    assert float(chosen[:, 0].mean()) > float(plain[:, 0].mean()) + 0.3  # the reward is the first coordinate
    assert float(pools(preset("verified").policy(400), 2)[1].pool.samples[:, 0].min()) > -1


def test_a_full_correction_is_real_data() -> None:
    policy = Policy(initial=500, synthetic=500, bias=0.0, correction=3.0)
    made = pools(policy, 2)[1].pool.samples
    mode = (made == made[0]).all(1) | (made == made[-1]).all(1)
    share = max(float((made == row).all(1).double().mean()) for row in made[:20])
    assert bool(mode.any())
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / 500) ** 0.5  # 1 / (1 + gamma) stay as drawn


class Watched(Gaussian):
    """Tells of each fit whether it was warm, and its budget."""

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        fits.append((self.fitted, budget))
        return super().fit(pool, seed=seed)


fits: list[tuple[bool, Budget | None]] = []


def test_warm_starts_and_budgets_reach_the_fit() -> None:
    fits.clear()
    policy = Policy(initial=10, fixed=10, synthetic=10, start="warm", compute="by-pool")
    list(run(Loop(policy, Watched(), TRUTH, 0, budget=Budget(100)), 3))
    assert fits == [(False, Budget(100)), (True, Budget(200)), (True, Budget(200))]
    fits.clear()
    list(run(Loop(Policy(initial=10, fixed=10, synthetic=10), Watched(), TRUTH, 0, budget=Budget(100)), 2))
    assert fits == [(False, Budget(100))] * 2


class Broken(Gaussian):
    """Learns nonsense in its second generation."""

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        made = super().fit(pool, seed=seed)
        return (
            made
            if len(pool) == 10
            else made.with_state({"mean": torch.full((2,), torch.nan), "covariance": torch.eye(2)})
        )


def test_a_diverged_generation_stops_the_loop_and_names_itself() -> None:
    given = []
    with pytest.raises(UserError, match="generation 2 diverged: its mean is not finite"):
        for generation in run(Loop(Policy(initial=10, synthetic=9), Broken(), TRUTH, 0), 3):
            given.append(generation.number)
    assert given == [1]


def test_refuses_what_cannot_go_on() -> None:
    with pytest.raises(UserError, match="best-of is 2, and there is no reward"):
        Loop(preset("curated").policy(10), GAUSSIAN, TRUTH, 0)
    with pytest.raises(UserError, match="there is no verifier"):
        Loop(preset("verified").policy(10), GAUSSIAN, TRUTH, 0)
    with pytest.raises(UserError, match="the verifier accepted 0 of 10000 samples, and 10 are needed"):
        never = Judges(accepts=lambda rows: torch.zeros(len(rows), dtype=torch.bool))
        list(run(Loop(preset("verified").policy(10), GAUSSIAN, TRUTH, 0, never), 2))
    held = Held(torch.zeros(12, 2).double())
    with pytest.raises(UserError, match="real samples up to number 13, and the set holds 12"):
        list(run(Loop(Policy(initial=10, fresh=1, synthetic=9), GAUSSIAN, held, 0), 9))
    with pytest.raises(UserError, match="draws from the true distribution, and a set of samples is not one"):
        list(run(Loop(preset("self-correcting").policy(5), GAUSSIAN, held, 0), 2))
