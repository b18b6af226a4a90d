"""The power spectrum of a grey picture: how steeply it falls, and how much of it is fine detail."""

from functools import lru_cache

import torch
from torch import Tensor

SMALLEST = 16
"""Pixels: a shorter side has too few frequencies to fit a line through."""

BAND = (1 / 32, 0.4)
"""Cycles per pixel of the fitted range: below stands the picture's layout, above the corners of the sampling grid."""

HIGH = 0.25
"""Cycles per pixel from which detail counts as fine: half the sampling limit."""

DARK = 1e-12
"""Mean square after the window below which a picture has no contrast: rounding, far below an 8-bit step."""


def slope_and_high_share(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Slope of the radial power spectrum, and the share of its power at fine detail.

    The mean is taken off and a Hann window hides the seam between opposite borders. Power is averaged over rings one
    frequency step wide; the slope is that of a straight line through log power against log frequency in `BAND`, every
    ring weighted alike. The share is that of frequencies of `HIGH` and above among all but the mean.

    Args:
        grey: shape (N, H, W), in [0, 1], both sides of `SMALLEST` or more.

    Returns:
        Slope (about -2 for photographs, 0 for white noise) and share, each of shape (N,), float64; both NaN for a
        picture without contrast.

    Source: Field 1987, "Relations between the statistics of natural images and the response properties of cortical
    cells".
    """
    height, width = grey.shape[-2:]
    window, ring, weight, high = _plan(height, width, grey.dtype)
    centred = (grey - grey.mean((-2, -1), keepdim=True)) * window
    spectrum = torch.fft.rfft2(centred)
    power = (spectrum.real.square() + spectrum.imag.square()).double().flatten(1) * weight  # (N, H * (W // 2 + 1))
    power[:, 0] = 0  # what the window leaves of the mean
    total = power.sum(1)
    share = power[:, high].sum(1) / total

    rings = torch.zeros(len(grey), int(ring.max()) + 1, dtype=torch.float64).index_add_(1, ring, power)
    counts = torch.zeros(rings.shape[1], dtype=torch.float64).index_add_(0, ring, weight)
    frequency = torch.arange(rings.shape[1], dtype=torch.float64) / min(height, width)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    x = frequency[inside].log()
    y = (rings[:, inside] / counts[inside]).clamp(min=torch.finfo(torch.float32).tiny).log()
    x = x - x.mean()
    slope = (y * x).sum(1) / x.square().sum()
    flat = total / (height * width) ** 2 < DARK
    return slope.masked_fill(flat, torch.nan), share.masked_fill(flat, torch.nan)


@lru_cache(maxsize=16)
def _plan(height: int, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The window, and of every stored frequency its ring, how often it counts, and which of them are fine detail."""
    bells = (torch.hann_window(side, periodic=False, dtype=torch.float64) for side in (height, width))
    window = torch.outer(*bells).to(dtype)
    radius = torch.hypot(
        torch.fft.fftfreq(height, dtype=torch.float64)[:, None], torch.fft.rfftfreq(width, dtype=torch.float64)[None]
    )
    # Half of a real picture's spectrum is stored: all columns but the first and an even width's last count twice.
    weight = torch.full_like(radius, 2)
    weight[:, 0] = 1
    if width % 2 == 0:
        weight[:, -1] = 1
    ring = (radius * min(height, width)).round().long()
    high = (radius >= HIGH).flatten().nonzero().squeeze(1)
    return window, ring.flatten(), weight.flatten(), high
