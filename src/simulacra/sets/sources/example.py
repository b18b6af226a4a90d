"""`tf.train.Example`, the protocol buffer inside TFRecords, read without TensorFlow or protobuf."""

from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""


def read_example(data: bytes) -> dict[str, Any]:
    """The features of a `tf.train.Example` by name: bytes, or a list of whole numbers.

    Raises:
        ValueError: the bytes are not such a message.
    """
    features: dict[str, Any] = {}
    for _, message in _fields(data, 1):  # Example.features
        for _, entry in _fields(message, 1):  # Features.feature, a map
            name = bytes(_first(entry, 1)).decode()
            feature = _first(entry, 2)
            for _, values in _fields(feature, 1):  # Feature.bytes_list
                features[name] = bytes(_first(values, 1))
            for _, values in _fields(feature, 3):  # Feature.int64_list, packed or not
                numbers: list[int] = []
                for wire, value in _fields(values, 1):
                    numbers += [value] if wire == _VARINT else _varints(value)
                features[name] = numbers
    return features


def _fields(message: Any, wanted: int) -> Iterator[tuple[int, Any]]:
    """Wire type and value of every field of one number in a message."""
    view, position = memoryview(message), 0
    while position < len(view):
        key, position = _varint(view, position)
        number, wire = key >> 3, key & 7
        value: Any
        if wire == _VARINT:
            value, position = _varint(view, position)
        else:
            if wire == _LENGTH_DELIMITED:
                length, position = _varint(view, position)
            elif wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
            else:
                raise ValueError(f"wire type {wire}")
            if position + length > len(view):
                raise ValueError("a field reaches beyond its message")
            value, position = view[position : position + length], position + length
        if number == wanted:
            yield wire, value


def _first(message: Any, wanted: int) -> Any:
    for _, value in _fields(message, wanted):
        return value
    raise ValueError(f"field {wanted} is missing")


def _varints(view: memoryview) -> list[int]:
    numbers, position = [], 0
    while position < len(view):
        number, position = _varint(view, position)
        numbers.append(number)
    return numbers


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, the lowest first, and where it ends."""
    number = shift = 0
    while position < len(view) and shift < 64:
        byte = view[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            return number, position
    raise ValueError("a number has no end")
