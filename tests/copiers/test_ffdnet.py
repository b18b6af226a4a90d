import torch
from torch import Tensor

from simulacra.copiers import make
from simulacra.copiers.ffdnet_network import FFDNetNetwork


def test_removes_the_noise_it_was_told_of(crop: Tensor) -> None:
    # The paper's task: at sigma 25 a colour picture of 20 dB comes back around 30 dB (table III: 31.2 dB on CBSD68).
    noisy = crop + 25 / 255 * torch.randn(crop.shape, generator=torch.Generator().manual_seed(0))
    cleaned, _ = make("ffdnet:sigma=25").copy(noisy, [0], 1)
    assert _psnr(crop, noisy) < 21
    assert _psnr(crop, cleaned) > 28


def test_sigma_is_a_dial(crop: Tensor) -> None:
    psnrs = [_psnr(crop, make(f"ffdnet:sigma={sigma}").copy(crop, [0], 1)[0]) for sigma in (0, 5, 15, 50, 75)]
    assert psnrs == sorted(psnrs, reverse=True)
    assert psnrs[1] > 38 > psnrs[3]


def test_a_flat_picture_stays_flat_to_an_eighth_of_a_level_away_from_the_border() -> None:
    # Pixel shuffling that put sub-pictures into the wrong places would pass here only if all four were equal.
    ramp = torch.linspace(0.3, 0.6, 64).expand(1, 3, 64, 64).contiguous()
    copy, _ = make("ffdnet:sigma=5").copy(ramp, [0], 1)
    assert float((copy - ramp)[..., 8:-8, 8:-8].abs().max()) < 1.5 / 255


def test_the_network_has_the_published_shape() -> None:
    # 12 layers of 96 maps: 13 -> 96, ten of 96 -> 96, 96 -> 12, all 3x3 with biases.
    expected = 9 * 96 * (13 + 10 * 96 + 12) + 11 * 96 + 12
    assert sum(weights.numel() for weights in FFDNetNetwork().parameters()) == expected


def test_odd_sizes_are_padded_by_one(crop: Tensor) -> None:
    copy, receipts = make("ffdnet").copy(crop, [0], 1)
    assert copy.shape == crop.shape
    assert receipts[0].effective == {"sigma": 15, "padded_to": [132, 98]}


def _psnr(first: Tensor, second: Tensor) -> float:
    return float(-10 * torch.log10((first - second).double().square().mean()))
