"""Frames and values of any copy of a chain: one that has settled repeats itself for ever, one that was refused ends."""

from simulacra.copying.result import Chain, Reference
from simulacra.measures.contract import Undefined, Value


def frame_at(chain: Chain, copy: int) -> int | None:
    """The stored frame that shows copy `copy`: a settled chain repeats itself for ever; a refused one has no more."""
    return copy if copy < len(chain.frames) else _repeat(chain, copy)


def value_at(chain: Chain, reference: Reference, measure: str, copy: int) -> Value | None:
    """A measure of copy `copy`, stored or repeated by a settled chain; None where the chain has no such copy."""
    column = chain.values.get(reference, {}).get(measure, ())
    if copy < len(column):
        return column[copy]
    if reference == "previous":
        # The repeat starts one frame later: the frame that settles is itself compared with an unsettled one.
        before = _repeat(chain, copy - 1)
        index = None if before is None else before + 1
    else:
        index = _repeat(chain, copy)
    return column[index] if index is not None and index < len(column) else None


def number_at(chain: Chain, reference: Reference, measure: str, copy: int) -> float | None:
    """`value_at` as a number; None where it is undefined too."""
    value = value_at(chain, reference, measure, copy)
    return None if value is None or isinstance(value, Undefined) else float(value)


def _repeat(chain: Chain, copy: int) -> int | None:
    settled, period = chain.ending.settled, chain.ending.period
    return None if settled is None or not period else settled + (copy - settled) % period
