from io import BytesIO
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from coloraide import Color
from PIL import Image, ImageCms

from simulacra.images.open import open_picture
from simulacra.images.profile import gamma_to_srgb, profile_to_srgb

DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""X, Y, Z of red, green and blue under D50, from the specification of Display P3 (ICC registry)."""


def test_wide_colours_become_their_srgb_numbers() -> None:
    # With a pure power of 2.2 as curve the oracle is linear P3, so that it shares no curve with the profile.
    rng = np.random.default_rng(11)
    pixels = rng.integers(0, 256, (1, 300, 3), dtype=np.uint8)
    told: list[str] = []
    converted = np.asarray(profile_to_srgb(Image.fromarray(pixels), _matrix_profile("P3 test"), told))
    expected = [Color("display-p3-linear", list((p / 255) ** 2.2)).convert("srgb").coords() for p in pixels[0]]
    # Within two levels: the profile holds its curve and primaries to 16 bits and the engine works in 8-bit tables.
    assert np.abs(converted[0] - np.clip(expected, 0, 1) * 255).max() <= 2
    assert told == ['colours converted to sRGB from ICC profile "P3 test"']


def test_an_srgb_profile_moves_nothing_and_is_not_worth_a_word() -> None:
    pixels = np.random.default_rng(12).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for mode in ("RGB", "L"):
        image = Image.fromarray(pixels).convert(mode)
        told: list[str] = []
        assert np.array_equal(np.asarray(profile_to_srgb(image, _srgb_profile(), told)), np.asarray(image))
        assert told == []


def test_grey_takes_a_colour_profile_as_greys_of_it() -> None:
    # Under the pure power of 2.2, sRGB's curve differs by some levels in the shadows and none at the ends.
    told: list[str] = []
    greys = np.arange(256, dtype=np.uint8)[None]
    converted = np.asarray(profile_to_srgb(Image.fromarray(greys), _matrix_profile("grey"), told))
    expected = [Color("srgb-linear", [(g / 255) ** 2.2] * 3).convert("srgb").coords()[0] * 255 for g in range(256)]
    assert np.abs(converted[0].mean(-1) - expected).max() <= 1.5  # two roundings to 8 bits
    assert np.ptp(converted.astype(int), axis=-1).max() <= 1  # still grey
    assert len(told) == 1


def test_cmyk_follows_its_profile() -> None:
    # Relative to the paper, which is not white, and to the black ink, which is not black: both end at the ends.
    told: list[str] = []
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], dtype=np.uint8)
    image = Image.frombytes("CMYK", (3, 1), inks.tobytes())
    converted = np.asarray(profile_to_srgb(image, _ink_profile("press", cyan=(60.0, -20.0, -30.0)), told))
    # Black point compensation: a straight line in XYZ that takes L* = 12 to black and leaves white.
    dark = Color("lab", [12.0, 0.0, 0.0]).convert("xyz-d50").coords()[1]
    paper = np.array(Color("lab", [100.0, 0.0, 0.0]).convert("xyz-d50").coords())
    stretched = (np.array(Color("lab", [60.0, -20.0, -30.0]).convert("xyz-d50").coords()) - paper * dark) / (1 - dark)
    cyan = np.array(Color("xyz-d50", stretched.tolist()).convert("srgb").coords()) * 255
    assert converted[0, 0].tolist() == [255, 255, 255]
    assert np.abs(converted[0, 1] - cyan).max() <= 4  # the table holds Lab in 8 bits, half a unit of a* or b*
    assert converted[0, 2].max() <= 1
    assert told == ['colours converted to sRGB from ICC profile "press"']


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", b"nonsense"), ("RGB", b""), ("CMYK", "srgb"), ("L", "inks"), ("RGB", "inks"), ("RGB", "cut")],
)
def test_a_profile_that_cannot_be_used_is_ignored_and_told(mode: str, profile: bytes | str) -> None:
    data = {"srgb": _srgb_profile(), "inks": _ink_profile("press"), "cut": _srgb_profile()[:200]}.get(profile, profile)
    image = Image.new(mode, (4, 4), 77)
    told: list[str] = []
    assert profile_to_srgb(image, data, told) is image
    assert told == ["its ICC profile is damaged or does not fit the picture, and was ignored"]


def test_a_profile_name_cannot_break_a_line() -> None:
    told: list[str] = []
    profile_to_srgb(Image.new("RGB", (2, 2), (10, 200, 30)), _matrix_profile("a\nb\x1b[31m" + "c" * 90), told)
    assert told == ['colours converted to sRGB from ICC profile "ab[31m' + "c" * 54 + '"']


@pytest.mark.parametrize("extension", ["png", "jpg", "tif", "webp", "avif"])
def test_files_are_opened_by_their_profile(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"wide.{extension}"
    flat = Image.new("RGB", (16, 16), (90, 160, 70))
    options = {"webp": {"lossless": True}, "avif": {"quality": 100, "subsampling": "4:4:4"}}.get(extension, {})
    flat.save(path, icc_profile=_matrix_profile("P3 test"), **options)
    expected = np.asarray(profile_to_srgb(flat, _matrix_profile("P3 test"), []))
    opened = open_picture(path)
    assert np.abs(opened.pixels.astype(int) - expected).max() <= 3  # JPEG and AVIF are not lossless
    assert opened.told == ('colours converted to sRGB from ICC profile "P3 test"',)


def test_a_png_gamma_is_applied() -> None:
    told: list[str] = []
    linear = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = np.asarray(gamma_to_srgb(linear, 1.0, told))[0]
    assert converted[[0, 255]].tolist() == [0, 255]
    assert converted[56] == round(255 * (56 / 255) ** (1 / 2.2))
    assert told == ["gamma 1 converted to that of sRGB"]


@pytest.mark.parametrize("gamma", [0.45455, 0.4545, 0.0, -1.0, 1000.0])
def test_a_gamma_of_srgb_or_of_nonsense_is_left_alone(gamma: float) -> None:
    image = Image.new("RGB", (2, 2), (1, 2, 3))
    told: list[str] = []
    assert gamma_to_srgb(image, gamma, told) is image
    assert told == []


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _matrix_profile(name: str) -> bytes:
    """An ICC profile of version 2: Display P3 primaries and a pure power of 2.2 (ICC.1:2001-04)."""
    curve = b"curv" + pack(">II", 0, 1) + pack(">H", round(2.2 * 256)) + b"\0\0"
    tags = {
        b"desc": _description(name),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **{letter + b"XYZ": _xyz(xyz) for letter, xyz in zip((b"r", b"g", b"b"), DISPLAY_P3, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _icc(tags, device=b"mntr", space=b"RGB ", connection=b"XYZ ")


def _ink_profile(name: str, cyan: tuple[float, float, float] = (60.0, -20.0, -30.0)) -> bytes:
    """An ICC profile of version 2 for CMYK: a table of 2 points an ink; black ink is dark, all others are cyan."""

    def lab8(lightness: float, a: float, b: float) -> bytes:
        return bytes([round(lightness * 2.55), round(a + 128), round(b + 128)])

    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    table = b"".join(lab8(12, 0, 0) if k else lab8(*cyan) if c or m or y else lab8(100, 0, 0) for c, m, y, k in corners)
    identity = b"".join(pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    straight = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + straight * 4
    relative, perceptual = (head + colours + straight * 3 for colours in (table, table[::-1]))
    tags = {
        b"desc": _description(name),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz((0.80, 0.83, 0.65)),  # of the paper
        b"A2B0": perceptual,
        b"A2B1": relative,
    }
    return _icc(tags, device=b"scnr", space=b"CMYK", connection=b"Lab ")


def _icc(tags: dict[bytes, bytes], *, device: bytes, space: bytes, connection: bytes) -> bytes:
    table, body = BytesIO(), BytesIO()
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table.write(name + pack(">II", start + body.tell(), len(data)))
        body.write(data + b"\0" * (-len(data) % 4))
    content = pack(">I", len(tags)) + table.getvalue() + body.getvalue()
    white = b"".join(pack(">i", round(v * 65536)) for v in (0.9642, 1.0, 0.8249))
    head = pack(">I4sI4s4s4s", 128 + len(content), b"\0\0\0\0", 0x02400000, device, space, connection)
    head += pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white
    return head.ljust(128, b"\0") + content


def _description(name: str) -> bytes:
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + pack(">I", len(text)) + text + bytes(78)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(pack(">i", round(v * 65536)) for v in values)
