"""The squared Wasserstein distance of two sets of numbers, exactly: sort both, and move each share of mass straight.

In one dimension the best transport keeps the order, so W2^2 is the integral over u of (F^-1(u) - G^-1(u))^2, F^-1 and
G^-1 the quantile functions of the samples, which are steps. In more dimensions two Gaussians have a closed form, which
is `frechet.frechet_distance`.

Source: Villani 2003, "Topics in Optimal Transportation", theorem 2.18.
"""

import numpy as np
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better
from simulacra.measures.of_sets.contract import SetMeasure, checked

MEASURE = SetMeasure(
    "wasserstein_squared",
    Better.LOWER,
    "Squared 2-Wasserstein distance between two samples of numbers, exactly.",
    "Villani 2003, theorem 2.18",
)


def squared_wasserstein(*, real: Tensor, generated: Tensor) -> float:
    """Squared 2-Wasserstein distance of two samples of numbers; the sides may be swapped.

    Args:
        real: shape (N, 1), float32 or float64.
        generated: shape (M, 1), float32 or float64; M need not be N.

    Returns:
        0 or more, in squared units of the numbers.

    Raises:
        UserError: the samples are not of this form.
    """
    checked(real=real, generated=generated, least=1)
    if real.shape[1] != 1:
        raise UserError(
            f"the samples have {real.shape[1]} numbers each, and the exact Wasserstein distance is of single numbers; "
            "use the Fréchet distance"
        )
    one, other = (np.sort(side.detach().cpu().double().numpy()[:, 0]) for side in (real, generated))
    # Ends of the steps in whole numbers of 1 / (N M), so that none is lost or doubled by rounding.
    ends = np.union1d(np.arange(1, len(one) + 1) * len(other), np.arange(1, len(other) + 1) * len(one))
    width = np.diff(ends, prepend=0) / (len(one) * len(other))
    gap = one[(ends - 1) // len(other)] - other[(ends - 1) // len(one)]
    return float((width * gap**2).sum())
