"""The networks of the TAESD family, rebuilt from the names and shapes in a file of weights.

Each half is a plain sequence of layers: convolutions, residual blocks, and in the decoder a clamp, one ReLU and
enlargements by 2, which have no weights and so show as gaps in the numbering.

Source: the published weights of github.com/madebyollin/taesd (MIT); the code here is our own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from simulacra.errors import UserError

GROUPS = 4  # of the normalisation in a pooled block
TRIAL = 64  # side in pixels of the black picture that is sent through to see whether the halves fit


class Clamp(nn.Module):
    """Keeps latents within (-3, 3), smoothly."""

    def forward(self, latents: Tensor) -> Tensor:
        """Squash: 3 tanh(x / 3)."""
        return torch.tanh(latents / 3) * 3


class Block(nn.Module):
    """A residual block of three convolutions, in newer networks behind a residual mixing of channels."""

    def __init__(self, before: int, after: int, skip: bool, pooled: int) -> None:
        """Lay out the layers.

        Args:
            before: channels in.
            after: channels out.
            skip: whether a 1x1 convolution stands on the shortcut.
            pooled: width of the mixing; 0 for none.
        """
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
        )
        self.skip = nn.Conv2d(before, after, 1, bias=False) if skip else nn.Identity()
        self.pool: nn.Module | None = None
        if pooled:
            self.pool = nn.Sequential(
                nn.Conv2d(before, pooled, 1, bias=False),
                nn.GroupNorm(GROUPS, pooled),
                nn.ReLU(),
                nn.Conv2d(pooled, before, 1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, before, H, W) to (N, after, H, W)."""
        if self.pool is not None:
            x = x + self.pool(x)
        result: Tensor = torch.relu(self.conv(x) + self.skip(x))
        return result


class Autoencoder(nn.Module):
    """Picture to latents to picture."""

    def __init__(self, encoder: nn.Sequential, decoder: nn.Sequential, factor: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.factor = factor  # sides of the picture over sides of the latents

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode and decode; shape (N, 3, H, W), sides multiples of `factor`; the result is not clamped."""
        result: Tensor = self.decoder(self.encoder(pictures))
        return result


def autoencoder(encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor], files: Sequence[Path]) -> Autoencoder:
    """The autoencoder that two files of weights belong to, ready to run and not to be trained.

    Args:
        encoder: state dict of the first half, with keys such as `0.weight` and `1.conv.0.weight`.
        decoder: state dict of the second half.
        files: where the two came from, for messages.

    Raises:
        UserError: a file holds another kind of network, or the halves do not fit together.
    """
    first, second = _half(encoder, files[0], decodes=False), _half(decoder, files[1], decodes=True)
    trial = torch.zeros(1, 3, TRIAL, TRIAL)
    try:
        latents = first(trial)
        fits = second(latents).shape == trial.shape
    except RuntimeError:  # the channels do not meet
        fits = False
    if not fits:
        raise UserError(f"{files[0].name} and {files[1].name} do not fit together; give the two halves of one network")
    return Autoencoder(first, second, TRIAL // latents.shape[-1]).eval()


def _half(weights: Mapping[str, Tensor], file: Path, decodes: bool) -> nn.Sequential:
    """The layers that the weights name, with these weights in single precision; they are published in half."""
    by_layer: dict[int, dict[str, Tensor]] = {}
    try:
        for key, tensor in weights.items():
            place, _, name = key.partition(".")
            by_layer.setdefault(int(place), {})[name] = tensor
        with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
            half = nn.Sequential(*(_layer(by_layer, place, decodes) for place in range(max(by_layer) + 1)))
        half.load_state_dict({key: tensor.float() for key, tensor in weights.items()}, assign=True)
    except (KeyError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        kind = "decoder" if decodes else "encoder"
        raise UserError(
            f"{file} holds no {kind} of the TAESD family; give such a file, for example taesd_{kind}.pth"
        ) from error
    return half.requires_grad_(False)


def _layer(by_layer: Mapping[int, Mapping[str, Tensor]], place: int, decodes: bool) -> nn.Module:
    own = by_layer.get(place)
    if own is None:
        return _without_weights(by_layer, place, decodes)
    if "conv.0.weight" in own:
        after, before = own["conv.0.weight"].shape[:2]
        pooled = own["pool.0.weight"].shape[0] if "pool.0.weight" in own else 0
        return Block(before, after, "skip.weight" in own, pooled)
    after, before, side, _ = own["weight"].shape
    # A convolution without a bias changes the size: in the encoder by its stride, in the decoder after an enlargement.
    biased = "bias" in own
    return nn.Conv2d(before, after, side, 1 if decodes or biased else 2, side // 2, bias=biased)


def _without_weights(by_layer: Mapping[int, Mapping[str, Tensor]], place: int, decodes: bool) -> nn.Module:
    if not decodes:
        raise KeyError(place)
    if place == 0:
        return Clamp()
    following = by_layer[place + 1]
    return nn.Upsample(scale_factor=2) if "weight" in following and "bias" not in following else nn.ReLU()
