import pytest
import torch

from simulacra import UserError
from simulacra.generators import Pool
from simulacra.generators.pictures import CHUNK, Layout, in_chunks, layout_of, on_grid


def test_sides_are_halved_down_to_four_or_an_odd_one() -> None:
    assert Layout(1, 8, 0).sides == (8, 4)
    assert Layout(1, 28, 0).sides == (28, 14, 7)
    assert Layout(3, 64, 0).sides == (64, 32, 16, 8, 4)
    assert Layout(3, 12, 0).sides == (12, 6, 3)


def test_the_grid_holds_what_8_bits_hold() -> None:
    levels = torch.arange(256).div(127.5).sub(1)
    assert torch.equal(on_grid(levels), levels)
    assert torch.equal(on_grid(levels + 0.49 * 2 / 255), levels)  # to the nearest
    assert torch.equal(on_grid(torch.tensor([-7.0, 7.0])), torch.tensor([-1.0, 1.0]))


def test_chunks_are_whole_and_aligned() -> None:
    asked: list[int] = []

    def draw(place: int) -> torch.Tensor:
        asked.append(place)
        return torch.arange(place, place + CHUNK)[:, None].float()

    drawn = in_chunks(CHUNK + 2, CHUNK - 1, (1,), draw)
    assert drawn[:, 0].tolist() == list(range(CHUNK - 1, 2 * CHUNK + 1))
    assert sorted(asked) == [0, CHUNK, 2 * CHUNK]
    assert in_chunks(0, 5, (1, 8, 8), draw).shape == (0, 1, 8, 8)


def test_reads_the_layout_of_a_pool() -> None:
    pictures = torch.zeros(4, 3, 32, 32)
    assert layout_of(Pool(pictures), "vae") == Layout(3, 32, 0)
    assert layout_of(Pool(pictures, labels=torch.tensor([0, 4, 4, 1])), "vae") == Layout(3, 32, 5)


@pytest.mark.parametrize(
    "samples",
    [
        torch.zeros(5, 3),
        torch.zeros(5, 2, 8, 8),
        torch.zeros(5, 1, 8, 12),
        torch.zeros(5, 1, 10, 10),
        torch.zeros(5, 1, 4, 4),
        torch.zeros(5, 1, 128, 128),
        torch.zeros(5, 1, 8, 8).double(),
    ],
)
def test_refuses_what_are_no_pictures(samples: torch.Tensor) -> None:
    with pytest.raises(UserError, match=r"generator vae learns from square pictures of 8 to 64 px, .* of shape \(5, "):
        layout_of(Pool(samples), "vae")


def test_refuses_values_of_another_range() -> None:
    with pytest.raises(UserError, match=r"the pictures of the pool have values from 0 to 255; .* scale them"):
        layout_of(Pool(torch.tensor([0.0, 255.0]).repeat(1, 1, 8, 4)), "ddpm")
