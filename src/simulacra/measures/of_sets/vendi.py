"""The Vendi score: how many different pictures a set amounts to, from 1 (all alike) to N (nothing in common).

It needs no real set. It is the exponential of the entropy of the eigenvalues of K / N, K the kernel of every picture
with every other one and with ones on its diagonal: what counts is not how many pictures there are, but how many
directions they fill and how evenly.

The score grows with N until the distribution is exhausted, so compare equal counts.

Sources: Friedman and Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric for Machine Learning"; Pasarkar and
Dieng 2024, "Cousins of the Vendi Score", for other orders.
"""

from math import inf
from typing import Literal

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better
from simulacra.measures.of_sets.contract import SetMeasure, checked_set

Kernel = Literal["cosine", "gaussian"]
"""Cosine of the angle between two rows of features, or exp(-|x - y|^2 / (2 b^2)) with a bandwidth b."""

MEASURE = SetMeasure(
    "vendi_cosine",
    Better.HIGHER,
    "Exponential of the entropy of the eigenvalues of the pictures' cosine kernel over their count.",
    "Friedman and Dieng 2023",
)


def vendi_score(
    features: Tensor, *, kernel: Kernel = "cosine", bandwidth: float | None = None, order: float = 1
) -> float:
    """The effective number of different pictures in a set.

    Args:
        features: shape (N, D), float32 or float64. Under the cosine kernel no row may be 0.
        kernel: cosine costs the cube of the smaller of N and D, gaussian the cube of N.
        bandwidth: b of the gaussian kernel, above 0, fixed by the real set; None for cosine.
        order: q of the Rényi entropy, 0 or more; below 1 it heeds the rare, above 1 only the common, infinity the most
            common alone.

    Returns:
        In [1, N].

    Raises:
        UserError: the features are not of this form, or the bandwidth does not fit the kernel.
    """
    checked_set(features, "given", 1)
    if (kernel == "gaussian") != (bandwidth is not None):
        rule = "needs a bandwidth" if kernel == "gaussian" else "has no bandwidth"
        raise UserError(f"the bandwidth is {bandwidth}, and the {kernel} kernel {rule}")
    rows = features.detach().cpu().double()
    if bandwidth is None:
        return _score(_cosine_spectrum(rows), order)
    if not 0 < bandwidth < inf:
        raise UserError(f"the bandwidth is {bandwidth:g}; it must be above 0")
    similar = torch.exp(-_squared_distances(rows) / (2 * bandwidth**2))
    return _score(torch.linalg.eigvalsh(similar / len(rows)), order)


def vendi_of_kernel(kernel: Tensor, *, order: float = 1) -> float:
    """The score of a kernel of your own.

    Args:
        kernel: shape (N, N), symmetric, positive semidefinite, ones on the diagonal.
        order: see `vendi_score`.

    Raises:
        UserError: the kernel is not of this form.
    """
    kernel = kernel.double()
    square = kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1] > 0
    if not (square and torch.allclose(kernel, kernel.T) and torch.allclose(kernel.diagonal(), kernel.new_ones(1))):
        raise UserError(
            f"the kernel of shape {tuple(kernel.shape)} is no table of similarities; give (N, N), symmetric, with ones "
            "on the diagonal"
        )
    return _score(torch.linalg.eigvalsh(kernel / len(kernel)), order)


def _cosine_spectrum(rows: Tensor) -> Tensor:
    lengths = rows.norm(dim=1, keepdim=True)
    if not bool((lengths > 0).all()):
        empty = int((lengths == 0).sum())
        raise UserError(
            f"the features of {empty} pictures are all 0, and have no angle to others; use a gaussian kernel"
        )
    rows = rows / lengths
    # X X^T and X^T X have the same eigenvalues but for zeros, which add nothing
    product = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    spectrum: Tensor = torch.linalg.eigvalsh(product / len(rows))
    return spectrum


def _squared_distances(rows: Tensor) -> Tensor:
    distances: Tensor = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.square()


def _score(shares: Tensor, order: float) -> float:
    """The exponential of the Rényi entropy of shares that sum to 1; rounding may have left some a little below 0."""
    if not order >= 0:
        raise UserError(f"the order is {order:g}; it must be 0 or more")
    noise = float(shares.max()) * len(shares) * torch.finfo(torch.float64).eps
    shares = shares[shares > noise]
    if order == 1:
        return float(torch.exp(-(shares * shares.log()).sum()))
    if order == inf:
        return 1 / float(shares.max())
    return float(shares.pow(order).sum().pow(1 / (1 - order)))
