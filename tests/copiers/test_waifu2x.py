import numpy as np
import pytest
import torch
from skimage.registration import phase_cross_correlation
from torch import Tensor

from simulacra.copiers import make, waifu2x


@pytest.mark.parametrize(
    ("specification", "psnr"),
    [
        ("waifu2x:noise=0", 45),
        ("waifu2x", 45),
        ("waifu2x:noise=3", 30),
        ("waifu2x:model=upconv-photo,noise=-1", 25),
        ("waifu2x:model=upconv-photo", 25),
        ("waifu2x:model=upconv-anime,noise=2", 25),
    ],
)
def test_a_copy_is_the_same_picture_in_the_same_place(specification: str, psnr: float, crop: Tensor) -> None:
    copy, _ = make(specification).copy(crop, [0], 1)
    assert copy.shape == crop.shape
    assert psnr < -10 * torch.log10((crop - copy).square().mean()) < 70
    # A margin wrong by one pixel would shift by one (cunet) or two (upconv); sharpening moves the peak by hundredths.
    shift = phase_cross_correlation(crop[0].mean(0).numpy(), copy[0].mean(0).numpy(), upsample_factor=20)[0]
    assert np.abs(shift).max() <= 0.1


def test_the_strongest_cleaning_changes_most(crop: Tensor) -> None:
    errors = [
        float((make(f"waifu2x:noise={noise}").copy(crop, [0], 1)[0] - crop).square().mean()) for noise in range(4)
    ]
    assert len(set(errors)) == 4
    assert max(errors[:3]) * 4 < errors[3]


def test_tiles_of_upconv_are_exact(crop: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its seven convolutions see 7 px, which is the margin each tile is given: only sums in another order may differ.
    whole, _ = make("waifu2x:model=upconv-photo").copy(crop, [0], 1)
    monkeypatch.setattr(waifu2x, "TILE", 25)
    tiled, receipts = make("waifu2x:model=upconv-photo").copy(crop, [0], 1)
    assert receipts[0].effective["tiles"] == 6
    assert float((whole - tiled).abs().max()) < 1e-5


def test_receipt_says_what_was_done_to_the_size(crop: Tensor) -> None:
    _, cleaned = make("waifu2x").copy(crop, [0], 1)
    assert cleaned[0].effective == {"model": "cunet", "noise": 1, "padded_to": [132, 100], "margin": 28, "tiles": 1}
    _, enlarged = make("waifu2x:model=upconv-anime").copy(crop, [0], 1)
    assert enlarged[0].effective["resized_to"] == [66, 49]
    assert enlarged[0].effective["padded_to"] == [132, 98]


def test_only_upconv_has_a_resize_path_and_each_its_weights() -> None:
    assert make("waifu2x").resize_path() is None
    assert make("waifu2x:model=upconv-photo").resize_path() == "resize:filter=bicubic,factor=2"
    assert set(make("waifu2x:noise=3").weights()) == {"cunet.param", "cunet-noise3.bin"}
    assert set(make("waifu2x:model=upconv-anime,noise=-1").weights()) == {"upconv.param", "anime.bin"}
