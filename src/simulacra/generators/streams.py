"""One random stream a sample, drawn for many samples at once: the counter-based generator Philox-4x32-10.

Word w of the stream of sample k is a function of (seed, k, w), so nothing depends on what was drawn before. Each block
of four words is one pass of ten rounds over arrays; a million samples cost a few passes, not a million generators.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3".
"""

from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]
"""Numbers below 2**32, held in 64 bits so that their products keep every bit."""

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Four random words for each counter of four words, under a key of two."""
    a, b, c, d = counter
    low, high = key
    for _ in range(_ROUNDS):
        first, second = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (second >> _HALF) ^ b ^ np.uint64(low),
            second & _LOW,
            (first >> _HALF) ^ d ^ np.uint64(high),
            first & _LOW,
        )
        low, high = (low + _KEY_STEPS[0]) & 0xFFFFFFFF, (high + _KEY_STEPS[1]) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(count: int, width: int, *, seed: int, first: int = 0, purpose: int = 0) -> Tensor:
    """Uniform numbers, a row a sample.

    Args:
        count: rows.
        width: numbers in each.
        seed: in [0, 2**64).
        first: place of the first row.
        purpose: tells apart what one sample draws for several ends; in [0, 2**32).

    Returns:
        Shape (count, width), float64, in (0, 1), neither end included. Row k is the same in any batch and of any width.
    """
    blocks = -(-width // 2)  # a block of four words makes two numbers of 53 bits
    rows = np.arange(first, first + count, dtype=np.uint64)[:, None]
    columns = np.arange(blocks, dtype=np.uint64)[None, :]
    counter = np.broadcast_arrays(columns, np.uint64(purpose), rows & _LOW, rows >> _HALF)
    words = philox((counter[0], counter[1], counter[2], counter[3]), (seed & 0xFFFFFFFF, seed >> 32))
    pairs = np.stack([(words[i] << _HALF | words[i + 1]) >> np.uint64(12) for i in (0, 2)], axis=-1)
    # 52 bits and a half step: the outermost numbers are 2**-53 away from 0 and 1, so that logarithms are finite
    numbers = (pairs.astype(np.float64) + 0.5) * 2.0**-52
    return torch.from_numpy(numbers.reshape(count, 2 * blocks)[:, :width].copy())


def normals(count: int, width: int, *, seed: int, first: int = 0, purpose: int = 0) -> Tensor:
    """Standard normal numbers, a row a sample; see `uniforms`.

    Source: Box and Muller 1958.
    """
    even = width + width % 2
    drawn = uniforms(count, even, seed=seed, first=first, purpose=purpose).numpy()
    radius, angle = np.sqrt(-2 * np.log(drawn[:, 0::2])), 2 * pi * drawn[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return torch.from_numpy(pairs.reshape(count, even)[:, :width].copy())
