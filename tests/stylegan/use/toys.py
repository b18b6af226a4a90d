"""Small random networks of both families, saved as any, and where the pictures of a sheet stand."""

from pathlib import Path

import numpy as np
import torch

from simulacra.images.pixels import Pixels
from simulacra.stylegan.networks import Description, Generator, build_generator, save_network
from simulacra.stylegan.use import Maker
from simulacra.stylegan.use.figure import Figure

SIZES = {"resolution": 16, "channel_base": 64, "channel_max": 6, "z_dim": 8, "mapping_depth": 2}
PLAIN = Description.stylegan1(progressive=False, **SIZES)
RICH = Description.stylegan2(colours=4, labels=3, **SIZES)

SCALE, TILE, MARGIN, GAP, LINE = 6, 96, 8, 4, 18  # pixels of a sheet of 16-px pictures


def network(description: Description, seed: int = 1) -> Generator:
    """Random weights, with nothing left at its neutral start, and pictures that are not all clipped."""
    made = build_generator(description, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim <= 1:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        last = made.synthesis.to_rgb
        for parameter in last.parameters():
            parameter.mul_(0.3)
        made.w_avg.normal_(generator=generator)
    return made


def maker(description: Description, seed: int = 1) -> Maker:
    return Maker(network(description, seed))


def saved(folder: Path, description: Description, seed: int = 1, **notes: object) -> Path:
    path = folder / f"{description.family}-{seed}.safetensors"
    save_network(network(description, seed), path, notes)
    return path


def drawn(figure: Figure, made_by: Maker) -> Pixels:
    """The whole figure."""
    canvas = figure.drawn(made_by)
    pixels = np.concatenate(list(canvas.bands))
    assert pixels.shape == (canvas.height, canvas.width, canvas.channels)
    return pixels


def tile(sheet: Pixels, row: int, column: int, *, columns: int, heads: bool = False, captions: bool = False) -> Pixels:
    """One picture of a sheet at its own size."""
    top = MARGIN + LINE * heads + row * (TILE + LINE * captions + GAP)
    left = sheet.shape[1] - MARGIN - TILE - (columns - 1 - column) * (TILE + GAP)
    enlarged = sheet[top : top + TILE, left : left + TILE]
    small = enlarged[::SCALE, ::SCALE]
    assert np.array_equal(small.repeat(SCALE, 0).repeat(SCALE, 1), enlarged)
    return small
