from typing import Any

import pytest

from simulacra import UserError
from simulacra.autophagy.policy import Counts, Policy
from simulacra.autophagy.presets import PRESETS, preset


def test_counts_of_every_kind_of_pool() -> None:
    assert Policy(initial=7, synthetic=5).counts(1) == Counts(7, 0, 0, 0)
    assert Policy(initial=7, fixed=3, fresh=2, synthetic=5).counts(4) == Counts(3, 2, 5, 0)
    kept = Policy(initial=7, fixed=7, synthetic=5, keep=True)
    assert kept.counts(4) == Counts(7, 0, 5, 10)
    assert kept.counts(4).total == 22
    growing = Policy(initial=5, synthetic=5, growth=2)
    assert [growing.counts(t).synthetic for t in (2, 3, 4)] == [20, 45, 80]


def test_memory_is_shared_evenly_and_never_longer_than_the_past() -> None:
    policy = Policy(initial=5, synthetic=11, memory=3)
    assert policy.per_model(2) == (11,)
    assert policy.per_model(3) == (6, 5)
    assert policy.per_model(9) == (4, 4, 3)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_possible_and_name_their_paper(name: str) -> None:
    policy = preset(name).policy(100)
    assert policy.initial == 100
    assert Policy.of(**policy.model_dump()) == policy
    assert preset(name).paper and preset(name).summary.endswith(".")
    policy.check(20)


def test_presets_take_changes() -> None:
    assert preset("fresh-data").policy(1000, bias=0.8, fresh=50) == Policy(
        initial=1000, fresh=50, synthetic=900, bias=0.8
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"initial": 0, "synthetic": 5}, "initial of the policy is 0; it must be greater than or equal to 1"),
        ({"synthetic": 5}, "initial of the policy is missing; give it"),
        ({"initial": 5, "synthetic": -1}, "synthetic of the policy is -1; it must be greater than or equal to 0"),
        ({"initial": 5, "synthetic": 5, "bias": 1.2}, "bias of the policy is 1.2; it must be less than or equal to 1"),
        ({"initial": 5}, "fixed, fresh and synthetic are all 0"),
        ({"initial": 5, "fixed": 6}, "fixed must be at most initial"),
        ({"initial": 5, "synthetic": 5, "real_weight": 0.5}, "without both real and synthetic samples to weigh"),
        ({"initial": 5, "synthetic": 5, "subsample": 9}, "the pool of generation 2 holds 5; it must be at most that"),
        ({"initial": 5, "fresh": 5, "memory": 2}, "memory is given without synthetic samples to act on"),
        (
            {"initial": 5, "fresh": 5, "synthetic": 5, "subsample": 5, "real_weight": 0.5},
            "a subsample is unweighted, so give one of them",
        ),
        ({"initial": 5, "synthetik": 5}, "setting of a policy 'synthetik' is unknown; did you mean synthetic?"),
        ({"initial": 5, "synthetic": 5, "growth": float("nan")}, "growth of the policy is nan"),
    ],
)
def test_an_impossible_policy_is_one_sentence(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as refused:
        Policy.of(**values)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_refuses_a_memory_longer_than_the_history() -> None:
    with pytest.raises(UserError, match="memory is 5 models, and a loop of 4 generations has at most 3"):
        preset("memory").policy(100).check(4)
    with pytest.raises(UserError, match="generations is 0"):
        preset("memory").policy(100).check(0)
    with pytest.raises(UserError, match="samples is 1; it must be 2 or more"):
        preset("memory").policy(1)
    with pytest.raises(UserError, match="policy 'mad' is unknown"):
        preset("mad")
