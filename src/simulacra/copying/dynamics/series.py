"""Values of chains as arrays: a gap is NaN in here, and never leaves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Series = Sequence[Value]
"""One attribute of one chain: one value a frame, frame 0 first."""
Vectors = Sequence[Sequence[Value]] | Floats
"""Several attributes of one chain: one vector a frame, frame 0 first; or one vector a replicate."""


def floats(values: Series | Floats) -> Floats:
    """One series as float64, with NaN where it has no value.

    Raises:
        UserError: a value is not finite; a measure says `Undefined` instead.
    """
    return _finite([np.nan if isinstance(value, Undefined) else value for value in values], values)


def vectors(values: Vectors) -> Floats:
    """Vectors as float64, shape (n, d), with NaN where an attribute has no value.

    Raises:
        UserError: a value is not finite, or the vectors differ in length.
    """
    lengths = {len(vector) for vector in values}
    if len(lengths) > 1:
        raise UserError(f"vectors have {min(lengths)} to {max(lengths)} attributes; all must have equally many")
    if not lengths:
        return np.empty((0, 0))
    return np.stack([floats(vector) for vector in values])


def side_by_side(chains: Sequence[Series]) -> Floats:
    """Chains as the rows of one array, shape (R, K + 1), the shorter ones filled up with NaN."""
    rows = [floats(chain) for chain in chains]
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table


def _finite(numbers: list[float], values: Any) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    for index in np.flatnonzero(~np.isfinite(array)):
        if not isinstance(values[index], Undefined):
            raise UserError(
                f"value {index} is {values[index]}; it must be a finite number, or Undefined with its reason"
            )
    return array
