import json

import pytest

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.presets import PRESETS, preset
from simulacra.stylegan.training.recipe import Recipe, by_resolution

from .toys import GROWING, TWO, recipe

PAPER_RATES = {4: 0.001, 8: 0.001, 64: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
PAPER_BATCHES = {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 32, 1024: 32}


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_recipe_survives_json(name: str) -> None:
    made = preset(name)
    assert Recipe.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.description.resolution == PRESETS[name].resolution


def test_the_papers_schedule() -> None:
    made = preset("paper")
    assert {side: by_resolution(made.rate, side) for side in PAPER_RATES} == PAPER_RATES
    assert {side: by_resolution(made.batch, side) for side in PAPER_BATCHES} == PAPER_BATCHES
    assert (made.kimg, made.grow_from, made.stable_kimg, made.fade_kimg, made.ema_kimg) == (25000, 8, 600, 600, 10)
    assert (made.loss, made.r1_gamma, made.r1_every, made.path_weight, made.mirror) == ("logistic", 10, 1, 0, True)
    assert made.description == Description.stylegan1("F")


def test_celebahq_is_the_same_with_wgan_and_a_capped_rate() -> None:
    made = preset("paper-celebahq")
    assert (made.loss, made.r1_gamma) == ("wgan-gp", 0)
    assert {side: by_resolution(made.rate, side) for side in PAPER_RATES} == {
        side: min(0.002, rate) for side, rate in PAPER_RATES.items()
    }
    assert made.changed(loss="logistic", r1_gamma=10.0, rate=preset("paper").rate) == preset("paper")


def test_stylegan2_regularises_lazily() -> None:
    made = preset("stylegan2", resolution=256)
    assert (made.r1_gamma, made.r1_every, made.path_weight, made.path_every) == (10, 16, 2, 4)
    assert (made.rate, made.batch) == ({4: 0.002}, {4: 32})
    assert made.description == Description.stylegan2(resolution=256)


def test_a_preset_takes_fields_of_both_tables() -> None:
    made = preset("tiny", resolution=64, kimg=5.0, noise=False, labels=3)
    assert (made.kimg, made.description.noise, made.description.labels, made.description.resolution) == (
        5,
        False,
        3,
        64,
    )


@pytest.mark.parametrize("name", ["tiny", "tiny2"])
@pytest.mark.parametrize(
    ("resolution", "maps"),
    [(32, [80, 80, 64, 32]), (64, [112, 64, 32, 16, 8]), (128, [112, 112, 64, 32, 16, 8])],
)
def test_the_small_networks_save_where_maps_cost_most(name: str, resolution: int, maps: list[int]) -> None:
    description = preset(name, resolution=resolution).description
    assert [description.channels(side) for side in description.resolutions] == maps


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kimg": 0}, "kimg is 0: input should be greater than 0 (length of the training)"),
        ({"kmig": 1}, "field of a recipe 'kmig' is unknown; did you mean kimg"),
        ({"loss": "hinge"}, "loss is 'hinge': input should be 'logistic' or 'wgan-gp'"),
        ({"batch": {}}, "batch is {}; give at least one resolution with a number above 0"),
        ({"batch": {4: 0}}, "batch is {4: 0}; give"),
        ({"rate": {4: -1.0}}, "rate is {4: -1.0}; give"),
        ({"augment": ["shfit"]}, "augmentation 'shfit' is unknown; did you mean shift"),
        ({"augment_share": 1.5}, "augment-share is 1.5: input should be less than or equal to 1"),
        ({"path_weight": 2.0}, "path-weight is 2; only stylegan2 is trained with it: 0"),
        ({"loss": "wgan-gp"}, "r1-gamma is 1; wgan-gp has a gradient penalty of its own: give 0"),
        ({"description": GROWING, "grow_from": 16}, "grow-from is 16; it must be a resolution of the networks: 4, 8"),
        ({"description": GROWING, "grow_from": 5}, "grow-from is 5; it must be a resolution of the networks: 4, 8"),
    ],
)
def test_refusals_are_one_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        recipe(**changes)
    assert str(refused.value).startswith(sentence)


def test_presets_refuse_unknown_names() -> None:
    with pytest.raises(UserError, match="preset 'tinny' is unknown; did you mean tiny"):
        preset("tinny")
    with pytest.raises(UserError, match="field 'depth' is unknown; did you mean mapping-depth"):
        preset("tiny", depth=3)


def test_path_lengths_are_for_stylegan2() -> None:
    assert recipe(TWO, path_weight=2.0).path_weight == 2
