from math import inf

import pytest

from simulacra.autophagy.lineage import Lineage, Past, Recipe, compose, half_life
from simulacra.autophagy.moments import expected
from simulacra.autophagy.plan import Leg, Plan
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS, preset

GENERATIONS = 7

LINEAR = {
    **{name: each.policy(20) for name, each in PRESETS.items()},
    "everything": Policy(initial=12, fixed=5, fresh=3, synthetic=7, memory=3, keep=True, growth=0.5, correction=0.4),
    "weighted, remembered": Policy(initial=9, fixed=4, fresh=2, synthetic=11, memory=2, keep=True, real_weight=0.7),
    "drawn from all": Policy(initial=10, fixed=6, fresh=2, synthetic=9, keep=True, subsample=8),
}


def recipes(policy: Policy, generations: int = GENERATIONS, seed: int = 0) -> list[Recipe]:
    past, made = Past(), []
    for _ in range(generations):
        recipe, past = compose(policy, seed, past)
        made.append(recipe)
    return made


@pytest.mark.parametrize("name", LINEAR)
def test_recipes_hold_what_the_policy_counts(name: str) -> None:
    for recipe in recipes(LINEAR[name]):
        assert recipe.counts == LINEAR[name].counts(recipe.generation)
        assert sum(recipe.weights()) == pytest.approx(1)


@pytest.mark.parametrize("name", LINEAR)
def test_what_a_pool_is_worth_is_the_exact_variance_of_a_mean(name: str) -> None:
    # The oracle shares no code: second moments of loops whose fit takes the mean and the biased variance.
    policy = LINEAR[name].model_copy(update={"best_of": 1, "verified": False})
    lineage = Lineage(recipes(policy))
    for generation, each in enumerate(expected(policy, GENERATIONS, estimator="biased"), start=1):
        assert 1 / lineage.worth(generation) == pytest.approx(each.mean_error, rel=1e-12)  # rounding alone


def test_ancestry_of_the_three_loops() -> None:
    synthetic, augmented, fresh = (
        [Lineage(recipes(preset(name).policy(100))).ancestry(t) for t in range(1, GENERATIONS + 1)]
        for name in ("fully-synthetic", "augmentation", "fresh-data")
    )
    assert synthetic[1] == pytest.approx(100 / 199 / 1, rel=1e-12)  # 1/F of two draws from 100 draws from 100
    assert min(augmented) > 0.74  # tends to (1 + alpha) / (1 + 2 alpha) = 3/4 at alpha = 1/2
    assert augmented[-1] == pytest.approx(0.75, abs=0.01)
    assert synthetic[-1] < fresh[-1] < augmented[-1]
    assert half_life(synthetic) == 2  # 0.5025 after one
    assert half_life(augmented) == inf


def test_a_long_history_needs_no_deep_descent() -> None:
    lineage = Lineage(recipes(Policy(initial=10, fresh=1, synthetic=9), 1500))
    assert lineage.worth(1500) == pytest.approx(lineage.worth(1499))


def test_a_fork_goes_on_with_what_was_taken_and_kept() -> None:
    before = Policy(initial=10, fixed=10, fresh=2, synthetic=4, keep=True)
    after = Policy(initial=10, fresh=3, synthetic=6, memory=2, keep=True)
    legs = (Leg(before, 1, 3), Leg(after, 2, 5))
    plan = Plan("loop", legs, "gaussian", None, "normal", None, False, 20, None)
    first, second = plan.recipes()[:3], plan.recipes()[3:]
    assert list(first) == recipes(before, 3, seed=1)
    assert [segment.first for segment in second[0].segments if not segment.model] == [14]  # 10, and 2 twice
    assert second[0].counts == (0, 3, 6, 8)
    assert {segment.seed for segment in second[1].segments if segment.model} == {1, 2}
    assert second[1].models == (1, 2, 3, 4)
