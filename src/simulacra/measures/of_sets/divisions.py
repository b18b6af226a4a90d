"""Many divisions of one set into two: their neighbour balls from distances that are computed once.

A null is drawn by dealing one pool of real pictures out to two sides again and again. The distances between pictures
stay the same in every deal, so a table of them serves all.
"""

import numpy as np
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.contract import checked_set
from simulacra.measures.of_sets.distances import Doubles, Flags, Inside, Integers, squared_between

LARGEST = 4000
"""Pictures of a pool: a table of 128 MB."""


class Divisions:
    """A pool of pictures with all squared distances between them."""

    def __init__(self, pool: Tensor) -> None:
        """Compute the distances, exactly as all of this room does: float64 sums of squared differences.

        Args:
            pool: features of shape (N, D), float32 or float64, N from 2 to `LARGEST`.

        Raises:
            UserError: the pool is too large, or not of this form.
        """
        checked_set(pool, "pooled")
        count = len(pool)
        if count > LARGEST:
            raise UserError(
                f"the pool holds {count} pictures; a table of distances takes {LARGEST} at most, so draw some"
            )
        rows = pool.detach().cpu().contiguous()
        self._squared: Doubles = np.zeros((count, count))
        for row in range(count - 1):
            later = np.arange(row + 1, count)
            self._squared[row, later] = squared_between(rows, rows, np.full(len(later), row), later)
        self._squared += self._squared.T

    def inside(self, *, real: Integers, generated: Integers, neighbours: int, closed: bool = True) -> Inside:
        """Who lies in whose ball when these pictures of the pool are the real ones and those the generated ones.

        Args:
            real: places in the pool, shape (N,), each once.
            generated: places in the pool, shape (M,), each once.
            neighbours: k, at least 1 and below N and M.
            closed: whether a picture at exactly the radius is inside.

        Returns:
            As `distances.inside` gives for the features of these pictures, equal in every ball.
        """
        across = self._squared[np.ix_(real, generated)]
        within = np.less_equal if closed else np.less
        in_real: Flags = within(across, self._radii(real, neighbours)[:, None])
        in_generated: Flags = within(across, self._radii(generated, neighbours))
        return Inside(in_real.sum(axis=1), np.any(in_real, axis=0), np.any(in_generated, axis=1))

    def nearest(self, *, real: Integers, generated: Integers) -> Integers:
        """The place in `real` of the nearest of these pictures, for each of those; shape (M,)."""
        places: Integers = self._squared[np.ix_(real, generated)].argmin(axis=0)
        return places

    def _radii(self, places: Integers, neighbours: int) -> Doubles:
        among = self._squared[np.ix_(places, places)]
        np.fill_diagonal(among, np.inf)  # a picture is not its own neighbour; its duplicate is
        radii: Doubles = np.partition(among, neighbours - 1, axis=1)[:, neighbours - 1]
        return radii
