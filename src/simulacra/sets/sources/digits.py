"""Handwritten digits that arrive inside scikit-learn."""

import numpy as np
from numpy.typing import NDArray

from simulacra.extras import require
from simulacra.images.open import OpenedPicture
from simulacra.sets.layout import Attribute
from simulacra.sets.sources.contract import Source, opaque

_WHITE = 16
"""The level of full ink: each pixel counts the inked ones of a 4x4 block of the scan."""


class Digits(Source):
    """1,797 digits of 8x8 px by 43 people, white on black, with their class; a class number is the digit.

    Source: Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
    """

    def __init__(self) -> None:
        digits = require("sklearn.datasets", "digits", "The set of digits").load_digits()
        self._levels = digits.images  # (1797, 8, 8), float, 0 to 16
        classes: NDArray[np.int64] = digits.target.astype(np.int64)
        self.labels = classes
        self.attributes = {"digit": Attribute(tuple("0123456789"), classes)}
        self.names = [f"digit {number}" for number in range(len(classes))]
        self.facts = {
            "kind": "digits",
            "name": "Optical Recognition of Handwritten Digits",
            "licence": "CC BY 4.0",
            "credit": "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998",
        }

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One digit at 8x8 px."""
        return opaque(np.rint(self._levels[index] * (255 / _WHITE)).astype(np.uint8), alpha)
