from math import pi

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.measures.grey import luma
from simulacra.measures.spectrum import slope_and_high_share


@pytest.mark.parametrize("exponent", [0.0, -1.0, -2.0, -3.0])
@pytest.mark.parametrize(("height", "width"), [(256, 256), (200, 301)])
def test_noise_of_a_known_slope_gets_it_back(exponent: float, height: int, width: int) -> None:
    rng = np.random.default_rng(1987)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    radius[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) * radius ** (exponent / 2)
    slope, _ = slope_and_high_share(torch.from_numpy(np.fft.irfft2(spectrum, s=(height, width)))[None])
    # A ring of n frequencies has a mean log power with a deviation of about 1/sqrt(n); the fit's is about 0.05.
    assert slope.item() == pytest.approx(exponent, abs=0.15)


@pytest.mark.parametrize(("cycles", "share"), [(0.1, 0.0), (0.4, 1.0)])
def test_a_wave_has_all_its_power_on_one_side(cycles: float, share: float) -> None:
    wave = torch.sin(2 * pi * cycles * torch.arange(100, dtype=torch.float64)).expand(100, 100)[None]
    _, high = slope_and_high_share(wave)
    assert high.item() == pytest.approx(share, abs=1e-4)  # the skirts of the Hann window


def test_the_share_agrees_with_a_whole_transform() -> None:
    picture = np.random.default_rng(3).random((33, 48))
    window = np.outer(np.hanning(33), np.hanning(48))
    power = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2
    power[0, 0] = 0
    high = np.hypot(np.fft.fftfreq(33)[:, None], np.fft.fftfreq(48)[None]) >= 0.25
    _, share = slope_and_high_share(torch.from_numpy(picture)[None])
    assert share.item() == pytest.approx(power[high].sum() / power.sum(), rel=1e-9)  # float64 on both sides


def test_blur_steepens_and_noise_flattens(distortions: dict[str, dict[str, Tensor]]) -> None:
    for pictures in distortions.values():
        slopes = {which: slope_and_high_share(luma(pictures[which]))[0].item() for which in ("none", "blur", "noise")}
        assert slopes["blur"] < slopes["none"] - 0.5
        assert slopes["noise"] > slopes["none"] + 0.1


def test_no_contrast_has_no_spectrum() -> None:
    slope, share = slope_and_high_share(torch.full((1, 40, 40), 0.3))
    assert slope.isnan()
    assert share.isnan()
