from pathlib import Path

import numpy as np
import torch
from PIL import Image

from simulacra.stylegan.networks import build_generator
from simulacra.stylegan.training.samples import CHECKER, grid, sample, write_grid

from .toys import GROWING, ONE


def test_a_seed_gives_the_same_picture_in_any_batch() -> None:
    generator = build_generator(ONE, 1)
    many = sample(generator, list(range(18)), None, 0.0)
    assert many.shape == (18, 3, 8, 8)
    torch.testing.assert_close(sample(generator, [17], None, 0.0)[0], many[17], rtol=0, atol=1e-5)  # float32


def test_labels_and_levels() -> None:
    generator = build_generator(GROWING.changed(labels=2), 1)
    assert sample(generator, [1, 2], torch.eye(2), 1.0).shape == (2, 3, 4, 4)


def test_a_grid_fills_rows_and_ends_with_black() -> None:
    pictures = torch.stack([torch.full((3, 2, 2), value) for value in (-1.0, 0.0, 1.0)])
    shown = grid(pictures, 2)
    assert shown.shape == (4, 4, 3)
    assert shown[::2, ::2, 0].tolist() == [[0, 128], [255, 0]]


def test_alpha_lies_on_grey() -> None:
    clear = torch.full((1, 4, 2, 2), -1.0)
    assert np.array_equal(grid(clear, 1), np.full((2, 2, 3), round(255 * CHECKER), dtype=np.uint8))
    opaque = torch.full((1, 4, 2, 2), 3.0)  # beyond the range, as a network may be
    assert grid(opaque, 1).min() == 255


def test_a_grid_is_written_whole(tmp_path: Path) -> None:
    write_grid(torch.zeros(4, 3, 8, 8), 2, tmp_path / "new" / "a.png")
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert image.size == (16, 16)
