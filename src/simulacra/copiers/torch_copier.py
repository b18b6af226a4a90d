"""What copiers that run one torch network of the weights table share: its weights, and one picture after another."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from simulacra.copiers.contract import Copier, Determinism, Receipt, SizeRule
from simulacra.weights import digest, find

if TYPE_CHECKING:
    from torch import Tensor, nn


class TorchCopier(Copier):
    """A copier around one network of the weights table, run by torch, that gradients pass."""

    determinism = Determinism.SAME_MACHINE
    differentiable = True
    size_rule = SizeRule(largest=4096)  # above, the feature maps take several GB
    entry: ClassVar[str]
    """The network's entry in the weights table; it has one file."""

    def check(self) -> None:
        """Refuse when the weights are missing; see `Copier.check`."""
        find(self.entry)

    def weights(self) -> dict[str, str]:
        """Digest of the network's weights; see `Copier.weights`."""
        return digest(self.entry)

    def weight_names(self) -> tuple[str, ...]:
        """The entry of the weights table for this network."""
        return (self.entry,)

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Run the network; gradients reach pictures that ask for them. See `Copier.copy`."""
        import torch

        copies, receipts = [], []
        # Moving a network that is there already would break a Jacobian: its weights may not change while it is traced.
        if next(self.network.parameters()).device != pictures.device:
            self.network.to(pictures.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and pictures.requires_grad):
            for picture in pictures:  # one by one, so that a copy is the same in any batch
                began = perf_counter()
                copied, effective = self.through(picture[None])
                copies.append(copied)
                receipts.append(Receipt(perf_counter() - began, effective))
            return torch.cat(copies), receipts

    @cached_property
    def network(self) -> Any:
        """The network, loaded."""
        import torch

        return self.build(torch.load(find(self.entry), map_location="cpu", weights_only=True))

    @abstractmethod
    def build(self, content: Any) -> "nn.Module":
        """The network with the weights that its file holds, ready to run and not to be trained."""

    @abstractmethod
    def through(self, picture: "Tensor") -> "tuple[Tensor, dict[str, Any]]":
        """A picture (1, 3, H, W) through the network, in [0, 1], and what was really done."""
