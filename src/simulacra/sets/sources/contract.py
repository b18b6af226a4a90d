"""What pictures are built from: a source names them, reads them one by one, and knows their labels."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulacra.images.open import OpenedPicture
from simulacra.sets.align import Points
from simulacra.sets.layout import Attribute


class Source(ABC):
    """Pictures of any size under names. It is pickled to worker processes, so it opens files where it is used."""

    names: Sequence[str]
    labels: NDArray[np.generic] | None = None  # (N,) class numbers or (N, D) vectors
    attributes: Mapping[str, Attribute] = {}
    points: Mapping[str, Points] = {}  # landmarks by name, where they are known
    facts: Mapping[str, Any]  # kind, name, licence, credit: plain JSON, kept with the set

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One picture, uint8, sRGB, upright.

        Args:
            index: of its name.
            alpha: give a fourth channel, instead of placing transparency on white.

        Raises:
            UserError: it is damaged.
        """


def opaque(pixels: NDArray[np.uint8], alpha: bool) -> OpenedPicture:
    """Pixels (H, W), (H, W, 3) or (H, W, 4) that need no conversion, in the channels that `Source.read` gives."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if alpha and pixels.shape[-1] == 3:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    return OpenedPicture(pixels, ())
