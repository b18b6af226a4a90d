"""dlib's face recognition network: 128 numbers a face, near for one person and far for two; run by torch.

A ResNet of 29 convolutions, trained so that all pictures of one person lie in a ball of radius 0.6. Its file holds the
weights in dlib's own stream format, of which only the tensors are read here. No part of dlib is needed, and torch runs
the network about ten times faster than a dlib built without a BLAS.

Source: King 2017, "High Quality Face Recognition with Deep Metric Learning" (dlib 19.3), after He et al. 2016, "Deep
Residual Learning for Image Recognition", with half the filters a layer.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from struct import unpack_from

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra import weights
from simulacra.measures.face_window import Points, Window, look, similarity

WEIGHTS = "face-identity"

CHIP = 150
"""Side of the aligned face the network takes, px."""

LANDMARKS = (263, 362, 33, 133, 2)
"""Mesh points of the template: outer and inner corner of the left eye, of the right eye, base of the nose."""

_PADDING = 0.25  # of the face on each side of the chip
_TEMPLATE = np.array(
    [
        0.8595674595992 + 0.2134981538014j,
        0.6460604764104 + 0.2289674387677j,
        0.1205750620789 + 0.2137274526848j,
        0.3340850613712 + 0.2290642403242j,
        0.4901123135679 + 0.6277975316475j,
    ]
)  # dlib's mean face, in faces; the alignment of the training pictures
_MEAN_RGB = (122.782, 117.001, 104.298)
_SPREAD = 256.0

_STAGES = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))
"""Filters, whether the first block halves the size, blocks: fourteen blocks of two convolutions after the first one."""

Layer = tuple[Tensor, Tensor]
"""Weight and bias of a convolution, the affine layer that follows it folded in."""


def describe_face(picture: Tensor, points: Points) -> Tensor:
    """The identity of a face as a point of a space where distance means difference of person.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        points: the mesh, 468 points of the picture, px.

    Returns:
        Shape (128,), float32. Euclidean distance 0 is the same picture; from about 0.6 on, another person.

    Raises:
        MissingWeights: the network is not on this machine; the message says what to type.
    """
    return embed(look(picture, chip_window(points), CHIP))


def chip_window(points: Points) -> Window:
    """The window whose view puts eyes and nose where the network expects them, as nearly as a similarity can."""
    template = (_TEMPLATE + (1 + 1j) * _PADDING) / (1 + 2 * _PADDING)  # in chips
    factor, shift = similarity(template, points[list(LANDMARKS)])
    return Window(factor * (0.5 + 0.5j) + shift, factor)


def embed(chip: Tensor) -> Tensor:
    """Run the network on one aligned face.

    Args:
        chip: shape (1, 3, 150, 150), float32, sRGB in [0, 1].

    Returns:
        Shape (128,), float32.
    """
    layers, head = _load(weights.find(WEIGHTS))
    rest = iter(layers)
    mean = torch.tensor(_MEAN_RGB, dtype=torch.float32).reshape(1, 3, 1, 1)
    x = (chip.cpu() * 255 - mean) / _SPREAD
    x = F.conv2d(x, *next(rest), stride=2).relu_()  # (1, 32, 72, 72)
    x = F.max_pool2d(x, 3, 2)  # (1, 32, 35, 35)
    for _, halves, blocks in _STAGES:
        for block in range(blocks):
            x = _residual(x, rest, halve=halves and block == 0)
    return x.mean((2, 3))[0] @ head  # (256,) @ (256, 128)


def _residual(x: Tensor, layers: Iterator[Layer], *, halve: bool) -> Tensor:
    # dlib pads a convolution only where it keeps the size.
    stride, padding = (2, 0) if halve else (1, 1)
    y = F.conv2d(x, *next(layers), stride=stride, padding=padding).relu_()
    y = F.conv2d(y, *next(layers), padding=1)
    skip = F.avg_pool2d(x, 2, 2) if halve else x
    # Where the two differ in channels or size, dlib takes what is missing of either as zero.
    channels, rows, columns = (max(a, b) for a, b in zip(y.shape[1:], skip.shape[1:], strict=True))
    return (_grow(y, channels, rows, columns) + _grow(skip, channels, rows, columns)).relu_()


def _grow(x: Tensor, channels: int, rows: int, columns: int) -> Tensor:
    return F.pad(x, (0, columns - x.shape[3], 0, rows - x.shape[2], 0, channels - x.shape[1]))


@lru_cache(maxsize=1)
def _load(path: Path) -> tuple[list[Layer], Tensor]:
    """The convolutions from the picture to the last block, and the matrix (256, 128) of the head."""
    stream = _Stream(path.read_bytes())
    shapes = [(32, 3, 7)]  # filters, channels, side of the kernel
    for filters, _, blocks in _STAGES:
        for _ in range(2 * blocks):
            shapes.append((filters, shapes[-1][0], 3))
    layers = []
    for filters, channels, side in shapes:
        kernel, bias = torch.split(stream.tensor(b"con_4"), [filters * channels * side * side, filters])
        gain, offset = torch.split(stream.tensor(b"affine_"), filters)
        kernel = kernel.reshape(filters, channels, side, side) * gain.reshape(-1, 1, 1, 1)
        # channels last: torch then takes its faster convolution, also where pictures are small
        layers.append((kernel.contiguous(memory_format=torch.channels_last), bias * gain + offset))
    return layers, stream.tensor(b"fc_2", skip=2).reshape(256, 128)


class _Stream:
    """dlib's serialised network: named layers, each with one tensor of its parameters among other things."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def tensor(self, layer: bytes, skip: int = 0) -> Tensor:
        """The flat parameters, float32, of the next layer of that name; `skip` whole numbers stand before them."""
        self._at = self._data.index(bytes([1, len(layer)]) + layer, self._at) + 2 + len(layer)
        for _ in range(skip):
            self._integer()
        version = self._integer()
        if version != 2:
            raise ValueError(f"a dlib tensor of version {version}; only version 2 is known")
        count = int(np.prod([self._integer() for _ in range(4)]))
        values = np.frombuffer(self._data, "<f4", count, self._at).astype(np.float32)
        self._at += values.nbytes
        return torch.from_numpy(values)

    def _integer(self) -> int:
        """A whole number: a byte with the sign in its top bit and the length, then that many bytes, low first."""
        (control,) = unpack_from("B", self._data, self._at)
        length = control & 0x0F
        magnitude = int.from_bytes(self._data[self._at + 1 : self._at + 1 + length], "little")
        self._at += 1 + length
        return -magnitude if control & 0x80 else magnitude
