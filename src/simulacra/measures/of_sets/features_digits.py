"""Features of handwritten digits, from a small network that this project trained and ships.

Networks trained on photographs see little in digits, and a network trained anew for every experiment makes numbers
that compare with nothing. This one is fixed: its weights are part of the package, and their digest is part of the
identity of every value.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional

from simulacra.images.resize import resize
from simulacra.measures.of_sets.digits_network import CLASSES, LENGTH, SIDE, read
from simulacra.measures.of_sets.features import Features


class DigitsFeatures(Features):
    """64 numbers of either sign, from a network that tells the ten digits apart.

    Learnt from: E. Alpaydin and C. Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, CC BY 4.0, as scikit-learn carries it.
    """

    name = "digits"
    length = LENGTH
    resizing = f"{SIDE} px squares, box, antialiased, mean of the channels"
    classes = tuple(str(digit) for digit in range(CLASSES))

    def embed(self, picture: Tensor) -> Tensor:
        """The last hidden layer before its rectifier, shape (64,), float32."""
        small = resize(picture, SIDE, SIDE, "box").mean(dim=1, keepdim=True)
        return read(small, _weights()).features[0]

    def probabilities(self, features: Tensor) -> Tensor:
        """What the network's own last layer makes of its features; see `Features.probabilities`."""
        weights = _weights()
        hidden = functional.relu(features.float())
        return functional.linear(hidden, weights["classes.weight"], weights["classes.bias"]).double().softmax(1)

    def weights(self) -> dict[str, str]:
        """Digest of the file in the package."""
        return {"digits": sha256(_data()).hexdigest()}

    def prepare(self) -> None:
        """Read the weights."""
        _weights()


@cache
def _data() -> bytes:
    return (files("simulacra.measures.of_sets") / "digits.safetensors").read_bytes()


@cache
def _weights() -> Mapping[str, Tensor]:
    with torch.no_grad():
        return safetensors.torch.load(_data())
