"""Remedies: what keeps a chain near its original, one family a file, made from `family:key=value,...`."""

from simulacra.copying.remedies.contract import Remedy
from simulacra.copying.remedies.specification import families, make

__all__ = ["Remedy", "families", "make"]
