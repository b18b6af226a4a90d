"""The FFDNet network, written from the paper: convolutions on a half-size grid beside a map of the noise level.

Source: Zhang, Zuo, Zhang 2018, "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", section
III.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

LAYERS = 12  # for colour pictures; table I
WIDTH = 96  # feature maps


class FFDNetNetwork(nn.Module):
    """Noisy picture and noise level to clean picture."""

    def __init__(self) -> None:
        super().__init__()
        # Four sub-pictures of three channels (eq. 4), and the noise map as a further channel.
        layers: list[nn.Module] = [nn.Conv2d(4 * 3 + 1, WIDTH, 3, padding=1), nn.ReLU()]
        for _ in range(LAYERS - 2):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(WIDTH, 4 * 3, 3, padding=1)]
        self.model = nn.Sequential(*layers)  # batch normalisation is merged into the published convolutions

    def forward(self, pictures: Tensor, sigma: float) -> Tensor:
        """Remove noise.

        Args:
            pictures: shape (N, 3, H, W), sides even.
            sigma: standard deviation of the noise to remove, on the scale of the pictures, [0, 1].

        Returns:
            Shape (N, 3, H, W), not clamped.
        """
        parts = nn.functional.pixel_unshuffle(pictures, 2)  # (N, 12, H/2, W/2)
        level = pictures.new_full((len(parts), 1, *parts.shape[-2:]), sigma)  # (N, 1, H/2, W/2)
        cleaned: Tensor = self.model(torch.cat([parts, level], dim=1))
        return nn.functional.pixel_shuffle(cleaned, 2)


def from_weights(weights: Mapping[str, Tensor]) -> FFDNetNetwork:
    """The network with these weights, ready to run and not to be trained.

    Args:
        weights: a state dict with the published names, `model.0.weight` to `model.22.bias`.
    """
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        network = FFDNetNetwork()
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)
