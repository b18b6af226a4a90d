"""The operations that have a plain form and a fast one, and the switch between them.

The reference is the text of the papers, step by step. The fast form computes the same function with fewer products and
fewer passes over memory. A test holds them equal to rounding; `use_operations` chooses.
"""

from typing import Literal

from torch import nn

from simulacra.errors import unknown
from simulacra.stylegan.networks.operations.contract import Operations
from simulacra.stylegan.networks.operations.fast import Fast
from simulacra.stylegan.networks.operations.reference import Reference

__all__ = ["Fast", "Operations", "OperationsName", "Operator", "Reference", "use_operations"]

OperationsName = Literal["fast", "reference"]

_OPERATIONS: dict[str, Operations] = {"fast": Fast(), "reference": Reference()}


class Operator(nn.Module):
    """A module that uses operations; fast ones unless told otherwise."""

    operations: Operations = _OPERATIONS["fast"]


def use_operations(network: nn.Module, name: OperationsName) -> None:
    """Choose the form of the operations throughout a network. Weights, and files of them, are the same for both.

    Raises:
        UserError: the name is neither "fast" nor "reference".
    """
    if name not in _OPERATIONS:
        raise unknown("form of the operations", name, _OPERATIONS)
    for module in network.modules():
        if isinstance(module, Operator):
            module.operations = _OPERATIONS[name]
