"""What the discriminators of both families share: pictures, and labels, to logits."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.growth import active_resolution
from simulacra.stylegan.networks.layers import Convolution, Dense, activated, with_deviation
from simulacra.stylegan.networks.mapping import check_labels


class Discriminator(nn.Module, ABC):
    """Blocks from the pictures' resolution down to 4x4, the minibatch's deviation, then two dense layers."""

    def __init__(self, description: Description, before: float, after: float) -> None:
        """Lay out the last layers.

        Args:
            description: of both networks.
            before: gain in weights before a leaky ReLU.
            after: gain after it; the product of the two is sqrt(2).
        """
        super().__init__()
        self.description = description
        self.after = after
        channels = description.channels(4)
        self.convolution = Convolution(channels + 1, channels, 3, before)
        self.dense = Dense(16 * channels, channels, before)
        # One logit for each class, of which the label picks its own.
        self.logits = Dense(channels, max(1, description.labels))

    def forward(self, pictures: Tensor, labels: Tensor | None = None, lod: float = 0.0, parts: int = 1) -> Tensor:
        """Judge pictures.

        Args:
            pictures: shape (N, colours, r, r) at the active resolution, in [-1, 1].
            labels: shape (N, labels); None for a network without labels.
            lod: level of detail, 0 when fully grown.
            parts: minibatches of one size that stand one after the other; the pictures of each are compared with one
                another only.

        Returns:
            Logits, shape (N, 1), higher for what looks real.

        Raises:
            UserError: the pictures, the labels or the level do not fit the network.
        """
        resolution = active_resolution(self.description, lod)
        expected = (self.description.colours, resolution, resolution)
        if pictures.ndim != 4 or pictures.shape[1:] != expected:
            raise UserError(
                f"pictures have shape {tuple(pictures.shape)}; at lod {lod:g} this network takes {expected}"
            )
        check_labels(labels, self.description.labels, len(pictures))
        x = with_deviation(self._features(pictures, lod), parts)
        x = activated(self.convolution(x), self.after)
        logits: Tensor = self.logits(activated(self.dense(x.flatten(1)), self.after))
        return logits if labels is None else (logits * labels).sum(1, keepdim=True)

    @abstractmethod
    def _features(self, pictures: Tensor, lod: float) -> Tensor:
        """Shape (N, C, 4, 4), before the minibatch's deviation."""
