"""The leading eigenvalue of a copier's Jacobian at a picture, and its eigenvector as a picture: what a copy amplifies.

At a fixed point, an eigenvalue below 1 in size makes it an attractor (Radhakrishnan, Belkin and Uhler 2020);
elsewhere the value says how fast the picture's surroundings change along the vector. The Jacobian is never formed.
Products J v come from forward differentiation, and the eigenvalue from Arnoldi's iteration: power iteration that
keeps a small basis of its vectors, so that a complex pair, on which plain power iteration turns for ever, is an
ordinary case.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.copiers.contract import Copier
from simulacra.errors import UserError
from simulacra.seeds import derive_seed

Map = Callable[[Tensor], Tensor]

_TOLERANCE = 1e-3
"""Residual, as a share of the eigenvalue's size, from which it counts as found; float32 products carry about 1e-6."""


@dataclass(frozen=True)
class Eigenpair:
    """The eigenvalue of largest size, with its vector in the form of a picture."""

    value: complex  # imaginary part 0 or above: the other one of a pair is its conjugate
    residual: float  # |J v - value v| for the unit vector v: value is exact for a Jacobian that differs by this much
    converged: bool
    products: int  # how many J v were made
    picture: Tensor  # shape (1, 3, H, W), float32: the vector, or the real part of a pair's
    imaginary: (
        Tensor | None
    )  # the imaginary part, at right angles to the real one and not longer; None for a real value

    @property
    def modulus(self) -> float:
        """Size of the eigenvalue: the factor a copy changes the vector by; below 1 it is forgotten."""
        return abs(self.value)

    @property
    def period(self) -> float | None:
        """Copies in which the pattern of a pair turns once; None for a real value."""
        return None if self.imaginary is None else 2 * np.pi / float(np.angle(self.value))


def jacobian_of_copier(
    copier: Copier, picture: Tensor, products: int = 300, dimension: int = 24, seed: int = 0, step: int = 1
) -> Eigenpair:
    """The leading eigenpair of one copy by a differentiable copier, with its seed held fixed.

    Args:
        copier: one that says it is differentiable.
        picture: where, shape (1, 3, H, W), float32 in [0, 1]; the end of a chain is the picture worth asking about.
        products: the most J v to make.
        dimension: the most vectors to keep.
        seed: of the copier and of the first vector.
        step: which copy it is, for a copier whose map moves.

    Raises:
        UserError: the copier is not differentiable, or a number is out of range.
    """
    if not copier.differentiable:
        raise UserError(
            f"copier {copier.specification} is not differentiable, so it has no Jacobian; "
            "ask for the Lyapunov exponent instead"
        )
    seeds = [derive_seed(seed, "copy", step)]
    return leading_eigenpair(lambda pictures: copier.copy(pictures, seeds, step)[0], picture, products, dimension, seed)


def leading_eigenpair(
    function: Map, picture: Tensor, products: int = 300, dimension: int = 24, seed: int = 0
) -> Eigenpair:
    """The leading eigenpair of the Jacobian of any map of pictures.

    Args:
        function: a map of shape (1, 3, H, W) to the same shape that PyTorch can differentiate.
        picture: where, shape (1, 3, H, W).
        products: the most J v to make; the best pair so far is given when they are spent.
        dimension: the most vectors to keep, 2 or more.
        seed: of the first vector.

    Raises:
        UserError: products or dimension is below 2.

    Source: Arnoldi 1951; restarted with the wanted vector alone, Saad 2011, section 6.4.
    """
    for name, count in (("products", products), ("dimension", dimension)):
        if count < 2:
            raise UserError(f"{name} is {count}; it must be 2 or more")
    product = directional(function, picture)
    generator = torch.Generator().manual_seed(derive_seed(seed, "eigenvector"))
    start = torch.randn(picture.shape, generator=generator, dtype=torch.float64).flatten().numpy()
    used = 0
    while True:
        basis, small, spent = _arnoldi(product, start, picture, min(dimension, products - used, start.size))
        used += spent
        value, vector, residual = _ritz(basis, small)
        converged = residual <= _TOLERANCE * max(abs(value), 1e-12)
        if converged or products - used < 2:
            return _eigenpair(value, vector, residual, converged, used, picture)
        start = vector.real if value.imag == 0 else vector.real + vector.imag


def directional(function: Map, picture: Tensor) -> Map:
    """The map v -> J v at a picture: forward, or twice backward where an operation has no forward rule."""
    at = picture.detach()

    def forward(vector: Tensor) -> Tensor:
        tangent: Tensor = torch.func.jvp(function, (at,), (vector,))[1]
        return tangent.detach()

    def twice_backward(vector: Tensor) -> Tensor:
        tangent: Tensor = torch.autograd.functional.jvp(function, at, vector)[1]  # type: ignore[no-untyped-call]
        return tangent.detach()

    with warnings.catch_warnings():
        # PyTorch compiles its forward rules with a function it has deprecated itself, at their first use.
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        try:
            forward(torch.zeros_like(at))
        except (NotImplementedError, RuntimeError):
            return twice_backward
    return forward


def _arnoldi(
    product: Map, start: NDArray[np.float64], picture: Tensor, dimension: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """An orthonormal basis, shape (m, n), of the vectors start, J start, ..., and J in it, shape (m + 1, m)."""
    basis = np.empty((dimension, start.size))
    small = np.zeros((dimension + 1, dimension))
    basis[0] = start / np.linalg.norm(start)
    for column in range(dimension):
        vector = torch.from_numpy(basis[column]).to(picture).reshape(picture.shape)
        image = product(vector).double().cpu().numpy().ravel()
        length = float(np.linalg.norm(image))
        for _ in range(2):  # once loses the right angles to rounding
            parts = basis[: column + 1] @ image
            image -= parts @ basis[: column + 1]
            small[: column + 1, column] += parts
        rest = float(np.linalg.norm(image))
        if rest <= 1e-7 * max(length, 1e-30):  # the basis holds all that J makes of it
            return basis[: column + 1], small[: column + 2, : column + 1], column + 1
        small[column + 1, column] = rest
        if column + 1 < dimension:
            basis[column + 1] = image / rest
    return basis, small, dimension


def _ritz(basis: NDArray[np.float64], small: NDArray[np.float64]) -> tuple[complex, NDArray[np.complex128], float]:
    """The eigenvalue of largest size within a basis, its unit vector and its residual."""
    count = len(basis)
    values, vectors = np.linalg.eig(small[:count])
    best = int(np.lexsort((-values.imag, -np.abs(values).round(12)))[0])  # of a pair, the one above the real axis
    inner = vectors[:, best] / np.linalg.norm(vectors[:, best])
    residual = float(small[count, count - 1] * abs(inner[-1]))
    return complex(values[best]), (inner @ basis).astype(np.complex128), residual


def _eigenpair(
    value: complex, vector: NDArray[np.complex128], residual: float, converged: bool, products: int, picture: Tensor
) -> Eigenpair:
    """An eigenpair with its free phase fixed: the real part as long as can be, its largest value above zero."""
    # The phase that maximises |Re v| makes both parts orthogonal: v.v is then real and positive.
    vector = vector * np.exp(-0.5j * np.angle(vector @ vector))
    if vector.real[np.abs(vector.real).argmax()] < 0:
        vector = -vector
    real, imaginary = (
        torch.from_numpy(part.copy()).float().reshape(picture.shape) for part in (vector.real, vector.imag)
    )
    return Eigenpair(value, residual, bool(converged), products, real, None if value.imag == 0 else imaginary)
