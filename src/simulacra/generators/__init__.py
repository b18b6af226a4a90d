"""Generators: trainable maps from noise to samples, each with its own sampling bias."""

from simulacra.generators.contract import Budget, Diverged, Generator, Pool
from simulacra.generators.files import load_generator, save_generator
from simulacra.generators.specification import families, family, open_generator

__all__ = [
    "Budget",
    "Diverged",
    "Generator",
    "Pool",
    "families",
    "family",
    "load_generator",
    "open_generator",
    "save_generator",
]
