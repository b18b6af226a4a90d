"""Copiers whose weights or codecs arrive in packages: JPEG 2000, JPEG XL, Zero-DCE, style transfer."""

import sys
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from simulacra.copiers import make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import MissingExtra, UserError
from simulacra.images.pixels import to_pixels


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_style_of_your_own_conforms(check: object, portrait: Path) -> None:
    check(f"style:picture={portrait},blend=0.5")  # type: ignore[operator]


def test_jpeg2000_is_what_pillow_makes_of_it(crop: Tensor) -> None:
    file = BytesIO()
    Image.fromarray(to_pixels(crop)).save(
        file, "JPEG2000", quality_mode="rates", quality_layers=[40], irreversible=True
    )
    copied, receipts = make("jpeg2000:ratio=40").copy(crop, [0], 1)
    assert np.array_equal(to_pixels(copied), np.asarray(Image.open(file)))
    assert receipts[0].effective["bytes"] == len(file.getvalue()) < crop.numel() / 30


def test_jpeg2000_has_a_dial_and_a_lossless_end(crop: Tensor) -> None:
    errors = [
        float((make(f"jpeg2000:ratio={ratio}").copy(crop, [0], 1)[0] - crop).square().mean()) for ratio in (5, 20, 80)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert torch.equal(make("jpeg2000:ratio=1,wavelet=5/3").copy(crop, [0], 1)[0], crop)


def test_jpegxl_is_what_libjxl_makes_of_it(crop: Tensor) -> None:
    file = imagecodecs.jpegxl_encode(to_pixels(crop), distance=2.5, effort=3)
    copied, receipts = make("jpegxl:distance=2.5,effort=3").copy(crop, [0], 1)
    assert np.array_equal(to_pixels(copied), imagecodecs.jpegxl_decode(file))
    assert receipts[0].effective["bytes"] == len(file) < crop.numel() / 8


def test_jpegxl_has_a_dial_and_a_lossless_end(crop: Tensor) -> None:
    errors = [
        float((make(f"jpegxl:effort=3,distance={distance}").copy(crop, [0], 1)[0] - crop).square().mean())
        for distance in (0.5, 2, 8)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert torch.equal(make("jpegxl:distance=0").copy(crop, [0], 1)[0], crop)


def test_jpegxl_names_its_library_and_says_when_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    copier = make("jpegxl")
    assert copier.operator()["libraries"] == {"libjxl": imagecodecs.jpegxl_version().removeprefix("libjxl ")}
    monkeypatch.setattr(imagecodecs.JPEGXL, "available", False)
    with pytest.raises(UserError, match=r"^this imagecodecs has no JPEG XL codec; type: pip install --upgrade image"):
        copier.check()
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingExtra, match=r"pip install 'simulacra\[jxl\]'$"):
        copier.check()


def test_low_light_brightens_the_dark_most(crop: Tensor) -> None:
    gains = [float(make("low-light").copy(crop * dim, [0], 1)[0].mean() / (crop * dim).mean()) for dim in (0.2, 0.5, 1)]
    assert gains[0] > gains[1] > gains[2] > 1


def test_low_light_leaves_black_and_white_alone() -> None:
    # x + a x (1 - x) has its fixed points at 0 and 1, whatever the curve.
    for level in (0.0, 1.0):
        flat = torch.full((1, 3, 16, 16), level)
        assert torch.equal(make("low-light").copy(flat, [0], 1)[0], flat)


def test_blend_is_linear_between_the_picture_and_the_painting(crop: Tensor) -> None:
    whole, tenth = (make(f"style:number=7,blend={blend}").copy(crop, [0], 1)[0] for blend in (1, 0.1))
    assert float((whole - crop).abs().mean()) > 0.05
    assert torch.allclose(tenth, crop + 0.1 * (whole - crop), atol=1e-6)  # two orders of the same sums


def test_styles_differ(crop: Tensor) -> None:
    first, last = (make(f"style:number={number}").copy(crop, [0], 1)[0] for number in (0, 25))
    assert float((first - last).abs().mean()) > 0.05


def test_own_style_is_told_from_another_and_its_pixels_are_its_identity(
    portrait: Path, tmp_path: Path, crop: Tensor
) -> None:
    stripes = np.zeros((64, 80, 3), np.uint8)
    stripes[:, ::8] = (255, 0, 0)
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    Image.fromarray(stripes).save(tmp_path / "again.bmp")
    one, other = make(f"style:picture={portrait}"), make(f"style:picture={tmp_path / 'stripes.png'}")
    assert float((one.copy(crop, [0], 1)[0] - other.copy(crop, [0], 1)[0]).abs().mean()) > 0.01
    assert make(f"style:picture={tmp_path / 'again.bmp'}").operator() == other.operator() != one.operator()
    assert other.resize_path() == "hosted-resize:sizes=384x384"
    assert make("style").resize_path() is None


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="number and picture exclude each other"):
        make("style:number=3,picture=a.png")
    with pytest.raises(UserError, match=r"none\.png"):
        make(f"style:picture={tmp_path / 'none.png'}").check()
