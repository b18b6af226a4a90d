import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.registration import phase_cross_correlation
from torch import Tensor

from simulacra.copiers import make, realesrgan
from simulacra.copiers.controls import shrink
from simulacra.errors import MissingExtra, MissingWeights

MODELS = [
    "realesrgan",
    "realesrgan:model=x4plus-anime",
    "realesrgan:model=animevideov3",
    "realesrgan:model=animevideov3,scale=3",
    "realesrgan:model=animevideov3,scale=4",
]


@pytest.mark.parametrize("specification", MODELS)
def test_a_copy_is_the_same_picture_in_the_same_place(specification: str, crop: Tensor) -> None:
    copier = make(specification)
    copy, receipts = copier.copy(crop, [0], 1)
    assert copy.shape == crop.shape
    # The networks invent detail: above 19 dB it is this picture, below 45 dB the network did something.
    assert 19 < _psnr(crop, copy) < 45
    # Half a pixel of the small picture is what a wrong phase of the enlargement would give: 1 to 2 px here.
    shift = phase_cross_correlation(_grey(crop), _grey(copy), upsample_factor=20)[0]
    assert np.abs(shift).max() <= 0.5
    scale = copier.size_rule.multiple
    assert receipts[0].effective["padded_to"] == [-(-131 // scale) * scale, -(-97 // scale) * scale]


def test_one_tile_is_the_bare_network(crop: Tensor) -> None:
    copier = make("realesrgan:model=animevideov3")
    copy, receipts = copier.copy(crop, [0], 1)
    small, _ = shrink(crop, 2, "bicubic")
    assert torch.equal(copy[0], copier.network(small[0])[:, :97, :131].clamp(0, 1))
    assert receipts[0].effective["tiles"] == 1


def test_tiles_do_not_show(crop: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = make("realesrgan:model=animevideov3").copy(crop, [0], 1)
    monkeypatch.setattr(realesrgan, "TILE", 30)
    tiled, receipts = make("realesrgan:model=animevideov3").copy(crop, [0], 1)
    assert receipts[0].effective["tiles"] == 6
    # Its 17 convolutions see 17 px, so an overlap of 24 leaves rounding only: a hundredth of an 8-bit level.
    assert float((whole - tiled).abs().max()) < 0.01 / 255


def test_its_control_resizes_alike() -> None:
    assert make("realesrgan").resize_path() == "resize:filter=bicubic,factor=4"
    assert make("realesrgan:model=animevideov3,filter=box").resize_path() == "resize:filter=box,factor=2"


def test_names_the_weights_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copier = make("realesrgan:model=x4plus-anime")
    assert copier.weight_names() == ("realesrgan-x4plus-anime",)
    assert set(copier.weights()) == {"x4plus-anime.param", "x4plus-anime.bin"}
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    for ask in (copier.check, copier.weights):
        with pytest.raises(MissingWeights, match=r"type: simulacra weights get realesrgan-x4plus-anime$"):
            ask()


def test_without_ncnn_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ncnn", None)
    with pytest.raises(MissingExtra, match=r"Real-ESRGAN needs the package ncnn.*pip install 'simulacra\[ncnn\]'"):
        make("realesrgan").check()


def _grey(picture: Tensor) -> np.ndarray:
    return picture[0].mean(0).numpy()


def _psnr(first: Tensor, second: Tensor) -> float:
    return float(-10 * torch.log10((first - second).double().square().mean()))
