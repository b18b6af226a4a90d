from math import pi

import pytest
import torch
from torch import Tensor

from simulacra.copying.remedies import make
from simulacra.copying.remedies.low_frequency_lock import low_frequencies

EXACT = 1e-6
"""Of float32 after sums in float64."""


def wave(width: int, height: int, across: int, down: int) -> Tensor:
    """A cosine with `across` and `down` half periods, which reflects at the borders as the transform does."""
    x = torch.cos(pi * across * (torch.arange(width, dtype=torch.float64) + 0.5) / width)
    y = torch.cos(pi * down * (torch.arange(height, dtype=torch.float64) + 0.5) / height)
    return (y[:, None] * x).float().expand(1, 3, -1, -1)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (64, 40), (41, 63)])
def test_what_is_coarser_than_the_cutoff_is_kept_whole_and_what_is_twice_as_fine_not_at_all(
    width: int, height: int
) -> None:
    longest = max(width, height)
    for across, down in [(0, 0), (1, 0), (0, 3), (4, 4), (8, 0), (9, 2), (0, 17), (16, 16), (30, 1)]:
        picture = wave(width, height, across, down)
        cycles = torch.hypot(torch.tensor(across * longest / width), torch.tensor(down * longest / height)) / 2
        low = low_frequencies(picture, 4)
        if cycles <= 4:
            assert torch.allclose(low, picture, atol=EXACT)
        elif cycles >= 8:
            assert torch.allclose(low, torch.zeros_like(low), atol=EXACT)
        else:
            share = (1 + torch.cos(pi * (cycles / 4 - 1))) / 2
            assert torch.allclose(low, share * picture, atol=EXACT)


def test_a_coarse_shift_is_removed_exactly_and_fine_detail_stays_exactly() -> None:
    origin = 0.5 + 0.1 * wave(64, 48, 3, 2) + 0.05 * wave(64, 48, 40, 30)
    tint = torch.tensor([0.1, 0.0, -0.1])[:, None, None] * (1 + wave(64, 48, 2, 0)) / 2
    invented = 0.04 * wave(64, 48, 50, 11)
    treated = make("low-frequency-lock").after(origin + tint + invented, origin, origin, 1)
    assert torch.allclose(treated, origin + invented, atol=EXACT)


def test_a_cutoff_above_every_frequency_gives_the_original_back() -> None:
    generator = torch.Generator().manual_seed(1)
    copied, origin = (torch.rand(1, 3, 20, 31, generator=generator) for _ in range(2))
    treated = make("low-frequency-lock:cutoff=1000").after(copied, copied, origin, 1)
    assert torch.allclose(treated, origin, atol=EXACT)


def test_no_border_is_pulled_towards_the_opposite_one() -> None:
    origin = torch.zeros(1, 3, 32, 96)
    copied = torch.linspace(0.2, 0.8, 96).expand(1, 3, 32, 96).clone()
    treated = make("low-frequency-lock").after(copied, copied, origin, 1)
    # A ramp is steep where it wraps: a periodic transform would leave some 0.3 at both borders. Reflected it has only
    # a kink there, of which 4 cycles and more hold little.
    assert float(treated.abs().max()) < 0.02


def test_the_result_stays_in_range() -> None:
    origin, copied = torch.ones(1, 3, 16, 16), 0.5 + 0.5 * wave(16, 16, 15, 15)
    treated = make("low-frequency-lock:cutoff=1").after(copied, copied, origin, 1)
    assert float(treated.max()) == 1
