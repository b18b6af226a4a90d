from pathlib import Path

import pytest

from simulacra.autophagy.experiments import EXPERIMENTS
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import PRESETS
from simulacra.autophagy.truths import TRUTHS
from simulacra.generators import families, family

PAGE = (Path(__file__).parents[2] / "docs" / "autophagy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", families())
def test_every_generator_and_parameter_is_documented(name: str) -> None:
    for typed in (name, *family(name).Parameters.model_fields):
        assert f"`{typed.replace('_', '-')}`" in PAGE, typed


def test_every_policy_and_setting_is_documented() -> None:
    for typed in (*PRESETS, *Policy.model_fields):
        assert f"`{typed.replace('_', '-')}`" in PAGE, typed


def test_every_experiment_and_truth_is_documented() -> None:
    parameters = [name for each in TRUTHS.values() for name in each.Parameters.model_fields]
    for typed in (*EXPERIMENTS, *TRUTHS, *parameters):
        assert f"`{typed}`" in PAGE, typed
