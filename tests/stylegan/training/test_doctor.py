"""Every finding on a cause made for it, and none without."""

import pytest
import torch

from simulacra.stylegan.networks import Generator, build_generator
from simulacra.stylegan.training import doctor
from simulacra.stylegan.training.doctor import Finding, droplets, examine

from .toys import GROWING, ONE, SMALL, TWO, recipe

GOOD = {"real_sign": 0.6, "discriminator_loss": 1.0, "generator_loss": 1.0}
WIDE = {**SMALL, "resolution": 16, "progressive": False}


def healthy(generator: Generator) -> Generator:
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("strength"):
                parameter.fill_(0.01)
    return generator


def causes(**changes: object) -> list[str]:
    given = {
        "recipe": recipe(),
        "kimg": 100.0,
        "means": GOOD,
        "average": healthy(build_generator(ONE, 1)),
        "made": torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0)),
        "real": torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1)),
    }
    return [finding.cause for finding in examine(**{**given, **changes})]  # type: ignore[arg-type]


def test_a_healthy_training_has_no_finding() -> None:
    assert causes() == []
    assert causes(recipe=recipe(TWO), average=healthy(build_generator(TWO, 1))) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_in_numbers_or_pictures_is_fatal_at_any_time(value: float) -> None:
    (finding,) = examine(
        recipe(),
        0.1,
        {**GOOD, "generator_loss": value},
        build_generator(ONE, 1),
        torch.zeros(2, 3, 8, 8),
        torch.zeros(2),
    )
    assert finding.fatal
    assert str(finding) == (
        "divergence: no finite numbers any more in generator loss; try --rate 0.005 or --r1-gamma 2"
    )
    made = torch.zeros(2, 3, 8, 8)
    made[1, 2, 3, 4] = value
    assert causes(made=made, kimg=0.1) == ["divergence"]
    assert causes(made=made, means={**GOOD, "real_sign": value}) == ["divergence"]  # and nothing is said beside it


@pytest.mark.parametrize(("sign", "found"), [(0.95, []), (0.96, ["overfitting"]), (1.0, ["overfitting"])])
def test_overfitting_by_the_sign_of_reals(sign: float, found: list[str]) -> None:
    assert causes(means={**GOOD, "real_sign": sign}) == found
    assert causes(means={**GOOD, "real_sign": sign}, kimg=19.9) == []
    assert causes(means={**GOOD, "real_sign": sign}, recipe=recipe(loss="wgan-gp", r1_gamma=0.0)) == []


def test_overfitting_says_what_to_try() -> None:
    (plain,) = doctor._overfitting(recipe(), {"real_sign": 0.98})
    assert plain == Finding(
        "overfitting",
        "the discriminator is sure of 99.0% of the real pictures",
        "try --augment shift --augment brightness, which adapts to small sets",
    )
    (augmented,) = doctor._overfitting(recipe(augment=["shift"]), {"real_sign": 0.98})
    assert augmented.proposal == "find more pictures, or take an earlier network"


@pytest.mark.parametrize(("spread", "found"), [(0.26, []), (0.24, ["lost diversity"]), (0.0, ["lost diversity"])])
def test_lost_diversity_by_the_spread_of_pictures(spread: float, found: list[str]) -> None:
    real = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert causes(real=real, made=5 + spread * real) == found


def test_dead_noise() -> None:
    generator = build_generator(ONE, 1)
    assert causes(average=generator) == ["dead noise"]
    with torch.no_grad():
        generator.get_parameter("synthesis.layers.2.strength")[1] = -0.002  # one is enough, of either sign
    assert causes(average=generator) == []
    assert causes(average=build_generator(ONE.changed(noise=False), 1)) == []


def spotted(share: float, family: str = "stylegan1") -> Generator:
    """A generator with a spike in one map of its last layer, in such a share of pictures, drawn by their latents."""
    generator = healthy(build_generator(ONE.changed(**WIDE), 1))

    def spike(module: torch.nn.Module, given: object, features: torch.Tensor) -> torch.Tensor:
        features = features.clone()
        features[: round(share * len(features)), 1, 5, 7] = 1000.0
        return features

    generator.get_submodule("synthesis.layers.5").register_forward_hook(spike)
    return generator


def test_droplets_are_in_the_same_map_of_nearly_every_picture() -> None:
    assert droplets(healthy(build_generator(ONE.changed(**WIDE), 1))) == []
    assert droplets(spotted(1.0)) == ["16x16/conv"]
    assert droplets(spotted(15 / 16)) == ["16x16/conv"]
    assert droplets(spotted(14 / 16)) == []
    made = recipe(ONE.changed(**WIDE))
    assert causes(average=spotted(1.0), recipe=made) == ["droplets"]
    assert causes(average=spotted(1.0), recipe=made, kimg=5.0) == []


def test_droplets_of_networks_with_labels_and_of_growing_ones() -> None:
    labelled = healthy(build_generator(ONE.changed(labels=3), 1))
    assert causes(average=labelled, recipe=recipe(ONE.changed(labels=3)), labels=torch.eye(3)) == []
    assert causes(average=healthy(build_generator(GROWING, 1)), recipe=recipe(GROWING, grow_from=4), lod=1.0) == []
