"""CRC-32C (Castagnoli), the checksum in TFRecord files, at the speed of NumPy.

A table-driven CRC is a chain, one byte after the other. But it is linear: the message is cut into equal lanes, all
lanes are run side by side, and their results are joined by carrying each over the bytes that follow it.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
"""x^32 + x^28 + x^27 + ... + 1, lowest power in the highest bit (RFC 3720, appendix B.4)."""

_ALL = 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32C of the bytes."""
    lanes = max(1, int(len(data) ** 0.5))
    length = len(data) // lanes
    body = np.frombuffer(data, dtype=np.uint8, count=lanes * length).reshape(lanes, length)
    table = _table()
    register = np.zeros(lanes, dtype=np.uint32)
    register[0] = _ALL  # the register starts full, and what it holds belongs to the first lane
    for column in body.T:
        register = table[(register ^ column) & 0xFF] ^ (register >> np.uint32(8))
    joined = 0
    carry = _carrying(length)
    for lane in register.tolist():
        joined = _apply(carry, joined) ^ lane
    for byte in data[lanes * length :]:
        joined = int(table[(joined ^ byte) & 0xFF]) ^ (joined >> 8)
    return joined ^ _ALL


def masked_crc32c(data: bytes) -> int:
    """The CRC as TFRecord stores it: rotated and offset, so that a CRC of data with CRCs in it keeps its strength."""
    plain = crc32c(data)
    return (((plain >> 15) | (plain << 17)) + 0xA282EAD8) & _ALL


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint32]:
    """What one byte does to the register."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), table >> np.uint32(1))
    return table


@lru_cache(maxsize=64)
def _carrying(length: int) -> tuple[int, ...]:
    """The linear map of a register over `length` zero bytes: the image of each of its 32 bits."""
    byte = tuple(int(_table()[(1 << bit) & 0xFF]) ^ ((1 << bit) >> 8) for bit in range(32))
    result = tuple(1 << bit for bit in range(32))
    while length:
        if length & 1:
            result = tuple(_apply(byte, image) for image in result)
        byte = tuple(_apply(byte, image) for image in byte)
        length >>= 1
    return result


def _apply(images: tuple[int, ...], register: int) -> int:
    result = 0
    while register:
        low = register & -register
        result ^= images[low.bit_length() - 1]
        register ^= low
    return result
