"""The rules that arguments of the theory have in common: counts, shares, the sampling bias, a spectrum."""

from collections.abc import Sequence
from math import isfinite
from typing import Literal

from simulacra.errors import UserError

Estimator = Literal["unbiased", "biased"]
"""Whether a covariance divides by n - 1 or, as the likelihood does, by n."""


def check_count(name: str, value: int, least: int = 1) -> None:
    """Refuse a count below its least.

    Raises:
        UserError: the count is too small.
    """
    if value < least:
        raise UserError(f"{name} is {value}; it must be {least} or more")


def check_share(name: str, value: float, *, above_zero: bool = False) -> None:
    """Refuse what is not in [0, 1], or in (0, 1] where 0 means nothing.

    Raises:
        UserError: the value is outside.
    """
    if not 0 <= value <= 1 or (above_zero and value == 0):
        raise UserError(f"{name} is {value:g}; it must be {'above 0' if above_zero else '0 or more'} and at most 1")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not a finite number above 0.

    Raises:
        UserError: the value is not.
    """
    if not (isfinite(value) and value > 0):
        raise UserError(f"{name} is {value:g}; it must be a finite number above 0")


def check_spectrum(spectrum: Sequence[float]) -> None:
    """Refuse a spectrum without eigenvalues, or with one that is not above 0.

    Raises:
        UserError: the spectrum is not one of a covariance of full rank.
    """
    if not spectrum:
        raise UserError("the spectrum is empty; give the eigenvalues of the real covariance")
    for value in spectrum:
        check_positive("an eigenvalue of the spectrum", value)
