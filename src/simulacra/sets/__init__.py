"""Sets: many pictures with labels, in the layout other tools read; building them, opening them, drawing from them."""

from simulacra.sets.archive import open_archive
from simulacra.sets.build import Built, Rules, build
from simulacra.sets.layout import Attribute
from simulacra.sets.picture_set import PictureSet, feature_key
from simulacra.sets.sampler import Draw, Sampler
from simulacra.sets.sources import source_of

__all__ = [
    "Attribute",
    "Built",
    "Draw",
    "PictureSet",
    "Rules",
    "Sampler",
    "build",
    "feature_key",
    "open_archive",
    "source_of",
]
