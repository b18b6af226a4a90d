"""Copiers: maps picture -> picture of the same size, one family a file, made from `family:key=value,...`."""

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.specification import families, family, make

__all__ = ["Copier", "Determinism", "Parameters", "Receipt", "SizeRule", "families", "family", "make"]
