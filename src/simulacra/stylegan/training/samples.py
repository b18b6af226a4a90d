"""Pictures while a training runs: those that the doctor looks at, and a grid of real ones to compare with by eye."""

from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from simulacra.images.pixels import Pixels, to_pixels
from simulacra.runs.atomic import place, writing_to
from simulacra.stylegan.networks import Generator, latents
from simulacra.stylegan.networks import noise as noises

CHECKER = 0.8
"""Grey behind pictures with alpha."""


@torch.no_grad()
def sample(generator: Generator, seeds: list[int], labels: Tensor | None, lod: float) -> Tensor:
    """Pictures by seed, shape (N, C, r, r), nominally in [-1, 1]; the same for a seed whatever the training did."""
    device = next(generator.parameters()).device
    made = []
    for start in range(0, len(seeds), 16):
        part = seeds[start : start + 16]
        z = latents(generator.description, part, device)
        noise = noises.drawn(generator.description, part, device)
        chosen = None if labels is None else labels[start : start + 16].to(device)
        made.append(generator(z, chosen, noise=noise, lod=lod).float())
    return torch.cat(made)


def grid(pictures: Tensor, columns: int) -> Pixels:
    """Pictures in rows without gaps, those with alpha on grey.

    Args:
        pictures: shape (N, C, H, W), nominally in [-1, 1], C 3 or 4.
        columns: pictures a row; the last row is filled up with black.
    """
    shown = (pictures.cpu() + 1) / 2
    if shown.shape[1] == 4:
        alpha = shown[:, 3:].clamp(0, 1)
        shown = shown[:, :3] * alpha + CHECKER * (1 - alpha)
    count, channels, height, width = shown.shape
    rows = -(-count // columns)
    padded = torch.cat([shown, shown.new_zeros(rows * columns - count, channels, height, width)])
    tiled = padded.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return to_pixels(tiled.reshape(1, channels, rows * height, columns * width).clamp(0, 1))


def write_grid(pictures: Tensor, columns: int, path: Path) -> None:
    """A grid as PNG, whole or absent.

    Raises:
        UserError: the file cannot be written.
    """
    data = BytesIO()
    Image.fromarray(grid(pictures, columns)).save(data, "PNG")
    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        place(path, data.getvalue(), "samples")
