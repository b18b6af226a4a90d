"""What a generation looks like, beside its numbers: eigenvalues, a projection to the plane, a histogram."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulacra.measures.of_sets.frechet import Moments

SHOWN = 256
"""Samples of a projection at most."""

_LARGEST = 100
"""Eigenvalues that are kept."""

_BINS = 64
_MARGIN = 0.25
"""Share of the reference's reach that the bins go on for at each end."""


def spectrum(moments: Moments) -> tuple[float, ...]:
    """The largest eigenvalues of a covariance, at most 100, largest first."""
    if moments.factor is None:
        values = torch.linalg.eigvalsh(moments.matrix)
    else:  # F^T F and F F^T have the same ones but for zeros
        values = torch.linalg.eigvalsh(moments.factor @ moments.factor.T)
    return _short(values.flip(0)[:_LARGEST].clamp(min=0))


@dataclass(frozen=True)
class Axes:
    """A plane to look at samples in: the first two principal axes of the reference, or the plane that they live in.

    Samples of two numbers keep their own axes, so that a grid of modes stays upright.
    """

    centre: Tensor  # (D,)
    axes: Tensor  # (D, 2); empty for samples of one number

    @classmethod
    def of(cls, rows: Tensor) -> "Axes":
        """The plane of a reference, shape (R, D); each axis points to where its largest component is positive."""
        rows, length = rows.double(), rows.shape[1]
        if length <= 2:
            return cls(
                torch.zeros(length, dtype=torch.float64), torch.eye(length, dtype=torch.float64)[:, : 2 * (length > 1)]
            )
        centre = rows.mean(0)
        centred = rows - centre
        if len(rows) > length:
            axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -2:].flip(1)
        else:
            axes = centred.T @ torch.linalg.eigh(centred @ centred.T).eigenvectors[:, -2:].flip(1)
            axes = axes / axes.norm(dim=0).clamp(min=torch.finfo(torch.float64).tiny)
        largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
        return cls(centre, axes * torch.where(largest < 0, -1.0, 1.0))

    def places(self, rows: Tensor) -> tuple[tuple[float, float], ...]:
        """The first of some samples in the plane; none for samples of one number."""
        if not self.axes.shape[1]:
            return ()
        across, up = ((rows[:SHOWN].double() - self.centre) @ self.axes).T
        return tuple(zip(_short(across), _short(up), strict=True))


@dataclass(frozen=True)
class Bins:
    """The bins of a histogram of samples of one number; none for others."""

    edges: tuple[float, ...]

    @classmethod
    def of(cls, rows: Tensor) -> "Bins":
        """64 bins over a reference, shape (R, D), and a quarter of its reach beyond at each end."""
        if rows.shape[1] != 1:
            return cls(())
        low, high = (float(end) for end in rows.aminmax())
        margin = (high - low) * _MARGIN
        return cls(tuple(np.linspace(low - margin, high + margin, _BINS + 1).tolist()))

    def density(self, rows: Tensor) -> tuple[float, ...]:
        """Density of samples in every bin; those beyond count as samples, so what is missing to 1 lies outside."""
        if not self.edges:
            return ()
        counts, _ = np.histogram(rows.double().numpy()[:, 0], bins=np.array(self.edges))
        return tuple((counts / (len(rows) * np.diff(self.edges))).tolist())


def _short(values: Tensor) -> tuple[float, ...]:
    """Six digits: as many as a picture shows, and a third of the journal's bytes."""
    return tuple(float(f"{value:.6g}") for value in values.tolist())
