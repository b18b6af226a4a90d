from collections.abc import Callable
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.open import open_picture

EVERY_16_BIT_VALUE = np.arange(65536, dtype=np.uint16).reshape(256, 256)


@pytest.mark.parametrize("extension", ["png", "tif", "ppm", "jp2"])
def test_16_bit_grey_is_scaled_and_rounded(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"grey.{extension}"
    Image.fromarray(EVERY_16_BIT_VALUE).save(path)
    opened = open_picture(path)
    expected = np.rint(EVERY_16_BIT_VALUE / 257)  # 65535 = 255 * 257, so no value lies halfway
    for channel in range(3):
        assert np.array_equal(opened.pixels[..., channel], expected)
    assert opened.told == ("16 bits a sample scaled to 8", "grey expanded to RGB")


def test_16_bit_colour_is_within_one_level(png: Callable[..., Path]) -> None:
    samples = np.random.default_rng(3).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    samples[0, :3] = [[0] * 3, [65535] * 3, [32768] * 3]
    opened = open_picture(png(samples))
    assert np.abs(opened.pixels - samples / 257).max() < 1
    assert opened.pixels[0, :3, 0].tolist() == [0, 255, 128]
    assert opened.told == ("16 bits a sample reduced to the upper 8",)


def test_12_bit_grey_has_its_own_white(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(_tiff_of_12_bits([0, 2048, 4095, 16]))
    opened = open_picture(path)
    assert opened.pixels[0, :, 0].tolist() == [0, 128, 255, 1]  # round(255 v / 4095)
    assert opened.told[0] == "12 bits a sample scaled to 8"


def test_one_16_bit_value_may_be_transparent(png: Callable[..., Path]) -> None:
    samples = np.array([[1000, 1001, 0, 65535]], dtype=np.uint16)  # 1000 and 1001 are the same at 8 bits
    opened = open_picture(png(samples, chunks=((b"tRNS", pack(">H", 1000)),)))
    assert opened.pixels[0, :, 0].tolist() == [255, 4, 0, 255]
    assert opened.told[-1] == "transparency placed on white"


def test_32_bit_numbers_are_stretched_and_told(tmp_path: Path) -> None:
    Image.fromarray(np.array([[-100, 0, 100, 155]], dtype=np.int32)).save(tmp_path / "heights.tif")
    opened = open_picture(tmp_path / "heights.tif")
    assert opened.pixels[0, :, 0].tolist() == [0, 100, 200, 255]
    assert opened.told[0] == "32-bit samples stretched from -100...155 to 0...255"


def test_floats_from_0_to_1_keep_their_range(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.2, 0.4, 0.6]], dtype=np.float32)).save(tmp_path / "unit.tif")
    opened = open_picture(tmp_path / "unit.tif")
    assert opened.pixels[0, :, 0].tolist() == [51, 102, 153]
    assert opened.told[0] == "floating-point samples scaled from 0...1 to 0...255"


def test_other_floats_are_stretched_and_told(tmp_path: Path) -> None:
    Image.fromarray(np.array([[-1.5, 0.0, 3.5]], dtype=np.float32)).save(tmp_path / "wide.tif")
    opened = open_picture(tmp_path / "wide.tif")
    assert opened.pixels[0, :, 0].tolist() == [0, 76, 255]  # 255 * 1.5 / 5 = 76.5: half goes to the even number
    assert opened.told[0] == "floating-point samples stretched from -1.5...3.5 to 0...255"


def test_a_flat_picture_is_stretched_to_black(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), 7.0, dtype=np.float32)).save(tmp_path / "flat.tif")
    assert open_picture(tmp_path / "flat.tif").pixels.max() == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, value]], dtype=np.float32)).save(tmp_path / "hole.tif")
    with pytest.raises(UserError, match=r"hole\.tif cannot be opened: it holds samples that are not finite"):
        open_picture(tmp_path / "hole.tif")


def _tiff_of_12_bits(values: list[int]) -> bytes:
    """One line of grey, uncompressed, two samples packed in three bytes."""
    bits = "".join(f"{value:012b}" for value in values)
    line = int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = [
        (256, 4, len(values)),  # width
        (257, 4, 1),  # height
        (258, 3, 12),  # bits a sample
        (259, 3, 1),  # not compressed
        (262, 3, 1),  # black is zero
        (273, 4, 8),  # where the line lies
        (277, 3, 1),  # samples a pixel
        (278, 4, 1),  # lines a strip
        (279, 4, len(line)),
    ]
    # Little-endian, so that a 16-bit value fills the low half of its four bytes.
    entries = b"".join(pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + pack("<I", 8 + len(line)) + line + pack("<H", len(tags)) + entries + pack("<I", 0)
