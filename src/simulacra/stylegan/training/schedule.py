"""Where a training stands after so many pictures: level of detail, batch and learning rate.

Source: Karras et al. 2018, "Progressive Growing of GANs", section A.1; Karras, Laine and Aila 2019, section C.
"""

from math import ceil, floor
from typing import NamedTuple

from simulacra.stylegan.networks.growth import active_resolution
from simulacra.stylegan.training.recipe import Recipe, by_resolution

REFRESH = 4
"""Steps from one look at the schedule to the next, as the official training does it."""


class Stage(NamedTuple):
    """What holds for the next steps."""

    lod: float  # level of detail, 0 when fully grown
    resolution: int  # active, px
    batch: int  # pictures a step, over all processes
    rate: float  # learning rate before lazy regularisation corrects it

    @property
    def levels(self) -> tuple[int, int]:
        """The whole levels that the lod lies between. Adam forgets whenever they change: another function begins."""
        return floor(self.lod), ceil(self.lod)


def stage(recipe: Recipe, images: int) -> Stage:
    """The stage after `images` real pictures."""
    lod = level_of_detail(recipe, images)
    resolution = active_resolution(recipe.description, lod)
    return Stage(lod, resolution, by_resolution(recipe.batch, resolution), by_resolution(recipe.rate, resolution))


def level_of_detail(recipe: Recipe, images: int) -> float:
    """0 when fully grown; one more for each halving; fractions while a resolution is faded in.

    Each phase keeps its resolution for `stable_kimg` and then fades the next one in over `fade_kimg`.
    """
    description = recipe.description
    if not description.progressive:
        return 0.0
    first = (description.resolution // recipe.grow_from).bit_length() - 1
    stable, fading = round(1000 * recipe.stable_kimg), max(1, round(1000 * recipe.fade_kimg))
    phase, within = divmod(images, stable + fading)  # whole pictures, so that levels are met exactly
    return max(0.0, first - phase - max(0, within - stable) / fading)


def grown_kimg(recipe: Recipe) -> float:
    """Length of the growth: from then on the networks are whole; 0 for those that do not grow."""
    first = level_of_detail(recipe, 0)
    return first * (recipe.stable_kimg + recipe.fade_kimg)
