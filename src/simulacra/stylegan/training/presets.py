"""The table of presets: the papers' own schedules, and small ones that run on a laptop."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from simulacra.errors import unknown
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.recipe import Recipe

_PAPER_BATCH = {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}
_PAPER_RATE = {4: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003}


def _stylegan(description: Description) -> Recipe:
    """The official schedule on eight GPUs; batches and rates of Karras, Laine and Aila 2019, section C."""
    return Recipe.from_json(
        {
            "description": description,
            "kimg": 25_000,
            "batch": _PAPER_BATCH,
            "rate": _PAPER_RATE,
            "r1_gamma": 10.0,
            "mirror": True,
        }
    )


def _celebahq(description: Description) -> Recipe:
    """The same with WGAN-GP, as the paper trains on CelebA-HQ."""
    rate = {side: min(rate, 0.002) for side, rate in _PAPER_RATE.items()}
    return _stylegan(description).changed(loss="wgan-gp", r1_gamma=0.0, rate=rate)


def _stylegan2(description: Description) -> Recipe:
    """Config F of StyleGAN2: lazy R1 and path length regularisation (Karras et al. 2020, appendix B)."""
    return Recipe.from_json(
        {
            "description": description,
            "kimg": 25_000,
            "batch": {4: 32},
            "rate": {4: 0.002},
            "r1_gamma": 10.0,
            "r1_every": 16,
            "path_weight": 2.0,
            "path_every": 4,
            "mirror": True,
        }
    )


def _small(description: Description) -> Recipe:
    """What two cores learn in minutes: small steps in number, a high rate, weak and lazy R1, a fast average."""
    return Recipe.from_json(
        {
            "description": description,
            "kimg": 50,
            "batch": {4: 16},
            "rate": {4: 0.004},
            "r1_gamma": 0.5,
            "r1_every": 16,
            "ema_kimg": 5.0,
            "ema_ramp": 0.05,
            "mirror": True,
            "augment": ["shift", "brightness"],
            # So early in a training a discriminator is sure of four reals in five without knowing any by heart.
            "augment_target": 0.9,
            "augment_kimg": 100.0,
        }
    )


def _tiny(description: Description) -> Recipe:
    """The same without transforms, which leave grain; the doctor says when a set needs them."""
    return _small(description).changed(augment=())


def _tiny_networks(family: Callable[..., Description], *, resolution: int, **given: Any) -> Description:
    """Networks of two cores: from 64 px on the finest layers have 8 maps.

    A map costs four times as much at each doubling, and in equal time many pictures teach these networks more than many
    fine maps do.
    """
    maps = {"channel_max": 80, "channel_base": 1024}
    if resolution >= 64:
        maps = {"channel_max": 112, "channel_base": 8 * resolution}
    return family(**{"resolution": resolution, "z_dim": 64, "mapping_depth": 2, "mixing": 0.5, **maps, **given})


class Preset(NamedTuple):
    """A row of the table."""

    what: str
    resolution: int  # where none is asked for, px
    networks: Callable[..., Description]  # with a resolution
    recipe: Callable[[Description], Recipe]  # for the networks


PRESETS: dict[str, Preset] = {
    "paper": Preset("StyleGAN as trained on FFHQ, config F", 1024, partial(Description.stylegan1, "F"), _stylegan),
    "paper-celebahq": Preset(
        "StyleGAN as trained on CelebA-HQ, with WGAN-GP", 1024, partial(Description.stylegan1, "F"), _celebahq
    ),
    "stylegan2": Preset("StyleGAN2, config F", 1024, Description.stylegan2, _stylegan2),
    "tiny": Preset(
        "a small StyleGAN, in minutes on two cores",
        32,
        partial(_tiny_networks, partial(Description.stylegan1, "F"), progressive=False),
        _tiny,
    ),
    "tiny2": Preset(
        "a small StyleGAN2, in minutes on two cores", 32, partial(_tiny_networks, Description.stylegan2), _small
    ),
}
"""Every preset by name."""


def preset(name: str, *, resolution: int | None = None, **changes: Any) -> Recipe:
    """The recipe of a preset, with what is changed in it.

    Args:
        name: of the table.
        resolution: of the pictures; None for the preset's own.
        changes: fields of the recipe or of the networks' description, and their values.

    Raises:
        UserError: no preset or field has this name, or a value breaks its rule.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    chosen = PRESETS[name]
    for field in changes:
        if field not in {**Description.model_fields, **Recipe.model_fields}:
            known = (each.replace("_", "-") for each in {**Description.model_fields, **Recipe.model_fields})
            raise unknown("field", field.replace("_", "-"), known)
    of_networks = {field: value for field, value in changes.items() if field in Description.model_fields}
    of_recipe = {field: value for field, value in changes.items() if field not in of_networks}
    made = chosen.recipe(chosen.networks(**{"resolution": resolution or chosen.resolution, **of_networks}))
    return made.changed(**of_recipe) if of_recipe else made
