"""Remedies: what keeps a chain near its original, one family a file, made from `family:key=value,...`."""

from simulacra.copying.remedies.contract import Remedy
from simulacra.copying.remedies.in_turn import InTurn
from simulacra.copying.remedies.specification import families, make

__all__ = ["InTurn", "Remedy", "families", "make"]
