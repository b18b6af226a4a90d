"""EfficientNet-Lite0's pooled features: an ImageNet network that arrives in a package."""

from torch import Tensor

from simulacra import weights
from simulacra.measures import features_effnetlite
from simulacra.measures.of_sets.features import Features


class EffNetLite0(Features):
    """1,280 numbers from 0 to 6, as the classifier reads them: not brought to length 1."""

    name = "effnetlite0"
    length = features_effnetlite.LENGTH
    resizing = f"{features_effnetlite.SIDE} px squares, bicubic, antialiased"

    def embed(self, picture: Tensor) -> Tensor:
        """The pooled last layer, shape (1280,), float64."""
        return features_effnetlite.pooled(picture, features_effnetlite.network())

    def weights(self) -> dict[str, str]:
        """Digest of the published file."""
        return weights.digest(features_effnetlite.WEIGHTS)

    def prepare(self) -> None:
        """Load the network.

        Raises:
            MissingWeights: it is not on this machine; the message says what to type.
        """
        features_effnetlite.network()
