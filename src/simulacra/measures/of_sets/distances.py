"""Which pictures of two sets lie within which distances: exact, in blocks, without the full matrix.

Squared distances of whole blocks come from one float32 product, |x|^2 + |y|^2 - 2 xy, as *lower bounds*: the largest
error such a product can make is taken off. The few pairs a bound cannot decide are computed again in float64 as the
sum of squared differences, which gives equal numbers for equal pictures whatever their order. Every answer is the one
that float64 alone would give.

Source of the error bound: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.5.
"""

from collections.abc import Iterator
from functools import partial
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.contract import total
from simulacra.workers import Workers

_LARGEST = 1024
"""Rows of a block: 4 MiB of bounds, and 8 MiB of features a side at 2,048 numbers a picture."""

_CROWDED = 32
"""Where more than one pair in so many stays undecided, the block is bounded again in float64."""

_CHUNK = 256
"""Pairs whose differences are formed at once: 4 MiB at 2,048 numbers a picture."""

_SHORTEST, _LONGEST = 1e-12, 1e18
"""Lengths whose squares float32 holds without rounding to 0 or to infinity."""

Doubles = NDArray[np.float64]
Integers = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Inside(NamedTuple):
    """Which pictures lie in the balls of the other set."""

    generated_in_ball: Integers  # (N,): generated pictures in the ball around each real picture
    generated_covered: Flags  # (M,): the generated picture lies in a ball of a real picture
    real_covered: Flags  # (N,): the real picture lies in a ball of a generated picture


class _Bounds(NamedTuple):
    lower: Tensor  # (rows, columns)
    slack: float  # what the squared distance may exceed `lower` by, times the sum of the two squared lengths


class _Cloud:
    """One set, shifted so that lengths and with them errors are small."""

    def __init__(self, features: Tensor, centre: Tensor) -> None:
        self.features = features.detach().cpu().contiguous()
        self.centre = centre
        self.side = min(_LARGEST, max(64, -(-len(features) // 8)))  # small sets too are work for several cores
        rows = [slice(first, first + self.side) for first in range(0, len(features), self.side)]
        self.blocks = tuple(slice(each.start, min(each.stop, len(features))) for each in rows)
        shifted = torch.empty(self.side, self.features.shape[1])
        self.squared_lengths = torch.cat(
            [_squared_lengths(self._shifted(block, shifted[: block.stop - block.start])) for block in self.blocks]
        )
        longest = float(self.squared_lengths.max().sqrt())
        if not (longest == 0 or _SHORTEST < longest < _LONGEST):
            raise UserError(
                f"the features are {longest:.3g} from their mean at most; it must be between {_SHORTEST:g} and "
                f"{_LONGEST:g}, so scale both sets by one number"
            )

    def factor(self, block: slice, dtype: torch.dtype, *, left: bool, out: Tensor | None = None) -> Tensor:
        """Rows whose products with the other side's rows are lower bounds of squared distances."""
        count, length = block.stop - block.start, self.features.shape[1]
        rows = torch.zeros(count, _width(length), dtype=dtype) if out is None else out[:count]
        self._shifted(block, rows[:, :length])
        # float64 rows have lengths of their own: those of the rounded rows would spoil what float64 is for
        squared = self.squared_lengths[block] if dtype == torch.float32 else _squared_lengths(rows[:, :length])
        lowered = squared * (1 - _relative_error(length, dtype))
        if not left:
            rows[:, :length] *= -2
        rows[:, length] = lowered if left else 1
        rows[:, length + 1] = 1 if left else lowered
        return rows

    def _shifted(self, block: slice, out: Tensor) -> Tensor:
        rows = self.features[block]
        if rows.dtype == out.dtype:
            return torch.sub(rows, self.centre, out=out)  # a difference of float32 numbers errs by one rounding
        return out.copy_(rows.double() - self.centre)


def nearest_squared(features: Tensor, neighbours: int) -> Doubles:
    """Squared distances from each picture to its nearest others, itself left out; duplicates count as others.

    Args:
        features: shape (N, D), float32 or float64, N above `neighbours`.
        neighbours: k, how many.

    Returns:
        Shape (N, k), float64, ascending along k.
    """
    cloud = _Cloud(features, (total(features) / len(features)).float())
    nearest = _Nearest(len(features), neighbours)
    with Workers() as workers:
        workers.run(partial(_among_block, cloud, block, nearest) for block in cloud.blocks)
        workers.run(partial(_among_rest, cloud, index, nearest) for index in range(len(cloud.blocks) - 1))
    return np.sort(nearest.squared, axis=1)


def inside(*, real: Tensor, generated: Tensor, real_radii: Doubles, generated_radii: Doubles, closed: bool) -> Inside:
    """Count who lies in whose ball.

    Args:
        real: shape (N, D), float32 or float64.
        generated: shape (M, D), float32 or float64.
        real_radii: squared radius of the ball around each real picture, shape (N,).
        generated_radii: squared radius of the ball around each generated picture, shape (M,).
        closed: whether a picture at exactly the radius is inside.
    """
    centre = ((total(real) + total(generated)) / (len(real) + len(generated))).float()
    clouds = _Cloud(real, centre), _Cloud(generated, centre)
    result = Inside(np.zeros(len(real), np.intp), np.zeros(len(generated), np.bool_), np.zeros(len(real), np.bool_))
    with Workers() as workers:
        radii = real_radii, generated_radii
        workers.run(partial(_across, clouds, block, radii, closed, result) for block in clouds[0].blocks)
    return result


def squared_between(one: Tensor, other: Tensor, rows: Integers, columns: Integers) -> Doubles:
    """Squared distances of the pairs (one[rows], other[columns]) in float64, the same for the pair turned round."""
    first, second = one.numpy(), other.numpy()
    squared = np.empty(len(rows))
    for start in range(0, len(rows), _CHUNK):
        pairs = slice(start, start + _CHUNK)
        difference = first[rows[pairs]].astype(np.float64)
        difference -= second[columns[pairs]]
        difference *= difference
        # numpy sums each row alone, in an order that depends on its length only
        squared[pairs] = difference.sum(axis=1)
    return squared


class _Nearest:
    """The smallest squared distances of each picture found so far; filled by several threads."""

    def __init__(self, count: int, neighbours: int) -> None:
        self.squared = np.full((count, neighbours), np.inf)
        self.limits = np.full(count, np.inf, np.float32)  # no pair above it can still count
        self._lock = Lock()

    def add(self, rows: Integers, squared: Doubles) -> None:
        """Take new pairs in: the squared distance of a picture (its row) from another one."""
        neighbours = self.squared.shape[1]
        order = np.lexsort((squared, rows))
        rows, squared = rows[order], squared[order]
        found, first, which = np.unique(rows, return_index=True, return_inverse=True)
        rank = np.arange(len(rows)) - first[which]
        kept = rank < neighbours
        table = np.full((len(found), neighbours), np.inf)
        table[which[kept], rank[kept]] = squared[kept]
        with self._lock:
            merged = np.concatenate([self.squared[found], table], axis=1)
            merged.partition(neighbours - 1, axis=1)
            self.squared[found] = merged[:, :neighbours]
            limits = merged[:, :neighbours].max(axis=1)
            # nothing is nearer than a distance of 0: the many pairs of a collapsed set need not be looked at
            self.limits[found] = np.where(limits > 0, _rounded_up(limits), -np.inf)


def _among_block(cloud: _Cloud, block: slice, nearest: _Nearest) -> None:
    """The pairs within one block, which also give each picture a first limit."""
    bounds = _bounds(cloud, cloud, block, block, _product_dtype())
    bounds.lower.fill_diagonal_(torch.inf)
    count = min(nearest.squared.shape[1], len(bounds.lower) - 1)
    if not count:
        return
    first = bounds.lower.topk(count, dim=1, largest=False, sorted=False).indices
    rows, columns = np.repeat(np.arange(len(first)), count), first.flatten().numpy()
    _add(cloud, block, block, rows, columns, nearest, both=False)
    bounds.lower.scatter_(1, first, torch.inf)

    rows, columns = _undecided(bounds.lower, nearest.limits[block][:, None])
    if _crowded(rows, bounds.lower):
        taken = bounds.lower == torch.inf
        bounds = _bounds(cloud, cloud, block, block, torch.float64)
        bounds.lower[taken] = torch.inf
        rows, columns = _undecided(bounds.lower, nearest.limits[block][:, None])
    _add(cloud, block, block, rows, columns, nearest, both=False)


def _among_rest(cloud: _Cloud, index: int, nearest: _Nearest) -> None:
    """The pairs of one block with all later ones: each serves both its pictures."""
    row_block = cloud.blocks[index]
    for column_block, bounds in _along(cloud, cloud, row_block, cloud.blocks[index + 1 :]):
        limits = np.maximum(nearest.limits[row_block][:, None], nearest.limits[column_block])
        rows, columns = _undecided(bounds.lower, limits)
        if _crowded(rows, bounds.lower):
            bounds = _bounds(cloud, cloud, row_block, column_block, torch.float64)
            rows, columns = _undecided(bounds.lower, limits)
        _add(cloud, row_block, column_block, rows, columns, nearest, both=True)


def _add(
    cloud: _Cloud,
    row_block: slice,
    column_block: slice,
    rows: Integers,
    columns: Integers,
    nearest: _Nearest,
    *,
    both: bool,
) -> None:
    rows, columns = rows + row_block.start, columns + column_block.start
    squared = squared_between(cloud.features, cloud.features, rows, columns)
    if both:
        rows, squared = np.concatenate([rows, columns]), np.concatenate([squared, squared])
    nearest.add(rows, squared)


def _across(
    clouds: tuple[_Cloud, _Cloud], block: slice, radii: tuple[Doubles, Doubles], closed: bool, result: Inside
) -> None:
    """The pairs of one block of real pictures with all generated ones."""
    real, generated = clouds
    for column_block, bounds in _along(real, generated, block, generated.blocks):
        limits = np.maximum(_rounded_up(radii[0][block])[:, None], _rounded_up(radii[1][column_block]))
        rows, columns = _undecided(bounds.lower, limits)
        if _crowded(rows, bounds.lower):
            bounds = _bounds(real, generated, block, column_block, torch.float64)
            rows, columns = _undecided(bounds.lower, limits)

        low = bounds.lower.numpy()[rows, columns].astype(np.float64)
        rows, columns = rows + block.start, columns + column_block.start
        lengths = real.squared_lengths.numpy()[rows] + generated.squared_lengths.numpy()[columns]
        high = low + bounds.slack * lengths
        around_real, around_generated = radii[0][rows], radii[1][columns]
        unsure = ((low <= around_real) & (high >= around_real)) | (
            (low <= around_generated) & (high >= around_generated)
        )
        low[unsure] = squared_between(real.features, generated.features, rows[unsure], columns[unsure])
        within = np.less_equal if closed else np.less
        in_real, in_generated = within(low, around_real), within(low, around_generated)
        np.add.at(result.generated_in_ball, rows[in_real], 1)
        result.generated_covered[columns[in_real]] = True
        result.real_covered[rows[in_generated]] = True


def _along(one: _Cloud, other: _Cloud, row_block: slice, blocks: tuple[slice, ...]) -> Iterator[tuple[slice, _Bounds]]:
    """The bounds of one block with others, in turn; each lasts until the next is asked for."""
    dtype = _product_dtype()
    left = one.factor(row_block, dtype, left=True)
    right = torch.zeros(other.side, left.shape[1], dtype=dtype)
    lower = torch.empty(len(left) * other.side, dtype=dtype)
    slack = 2 * _relative_error(one.features.shape[1], dtype)
    for block in blocks:
        columns = other.factor(block, dtype, left=False, out=right)
        shape = len(left), len(columns)
        yield block, _Bounds(torch.mm(left, columns.T, out=lower[: shape[0] * shape[1]].view(shape)), slack)


def _bounds(one: _Cloud, other: _Cloud, row_block: slice, column_block: slice, dtype: torch.dtype) -> _Bounds:
    left, right = one.factor(row_block, dtype, left=True), other.factor(column_block, dtype, left=False)
    return _Bounds(left @ right.T, 2 * _relative_error(one.features.shape[1], dtype))


def _undecided(lower: Tensor, limits: NDArray[np.float32]) -> tuple[Integers, Integers]:
    """Rows and columns of the pairs that may be as near as the limits."""
    flat = np.flatnonzero(lower.numpy() <= limits)
    rows, columns = np.divmod(flat, lower.shape[1])
    return rows, columns


def _crowded(rows: Integers, lower: Tensor) -> bool:
    return lower.dtype == torch.float32 and len(rows) > lower.numel() // _CROWDED


def _product_dtype() -> torch.dtype:
    """float32, unless torch was told to multiply it with fewer digits than the bounds count on."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)  # torch 2.9; the older setting is one for all
    setting = torch.get_float32_matmul_precision() if matmul is None else matmul.fp32_precision
    return torch.float32 if setting in ("highest", "ieee", "none") else torch.float64


def _rounded_up(values: Doubles) -> NDArray[np.float32]:
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def _squared_lengths(rows: Tensor) -> Tensor:
    return torch.from_numpy(np.einsum("ij,ij->i", rows.numpy(), rows.numpy(), dtype=np.float64))


def _width(length: int) -> int:
    """Columns of a factor: the features, two for the lengths, and zeros up to a whole vector of the processor."""
    return -(-(length + 2) // 16) * 16


def _relative_error(length: int, dtype: torch.dtype) -> float:
    """How far a squared distance from a product may be off, over the sum of the two squared lengths.

    A product of n terms errs by at most n units of rounding times the sum of their sizes, here 2 (|x|^2 + |y|^2); the
    rounding of the features themselves adds 4 units, that of the lengths 2.
    """
    unit = torch.finfo(dtype).eps / 2
    return 1.01 * (2 * _width(length) + 6) * unit
