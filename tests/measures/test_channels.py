"""What holds for every channel: it sees its own distortion, it is quiet on the others, and it never fails."""

from importlib.metadata import entry_points
from math import isfinite

import pytest
import torch
from torch import Tensor

from simulacra.measures.colour import Colour
from simulacra.measures.contract import Against, Channel, Columns, Undefined
from simulacra.measures.geometry import Geometry
from simulacra.measures.structure import Structure

NAMES = ["astronaut", "coffee", "chelsea"]

# Distortion -> measure -> (least, most). Values a channel must reach on its own distortion, and must stay within on the
# others, on all three photographs. The measured values stand in docs/measures.md, well inside these limits.
BLINDNESS = {
    "cast": {
        "delta_b_mean": (6, 20),
        "delta_e00_pixel_mean": (3, 12),
        "delta_e00_of_mean": (3, 12),
        "delta_white_grey_world_mired": (20, 120),
        "flip_67ppd": (0.15, 0.5),
        "ssim": (0.99, 1),  # blind: the reason why no single number is enough
        "gmsd": (0, 0.03),
        "zoom": (0.999, 1.001),
        "rotation": (-0.05, 0.05),
        "shift_x": (-0.05, 0.05),
    },
    "shift": {
        "shift_x": (1.95, 2.05),
        "shift_y": (-0.05, 0.05),
        "zoom": (0.999, 1.001),
        "ssim": (0, 0.9),
        "aligned_ssim": (0.97, 1),
        "delta_e00_of_mean": (0, 0.5),
        "delta_b_mean": (-0.5, 0.5),
        "delta_white_grey_world_mired": (-3, 3),
    },
    "zoom": {
        "zoom": (1.029, 1.031),
        "shift_x": (-0.05, 0.05),
        "rotation": (-0.05, 0.05),
        "ssim": (0, 0.9),
        "aligned_ssim": (0.97, 1),
        "delta_e00_of_mean": (0, 1),
        "delta_b_mean": (-1, 1),
    },
    "blur": {
        "ssim": (0, 0.93),
        "gmsd": (0.02, 1),
        "zoom": (0.999, 1.001),
        "shift_x": (-0.05, 0.05),
        "rotation": (-0.05, 0.05),
        "delta_e00_of_mean": (0, 0.3),
        "delta_b_mean": (-0.3, 0.3),
    },
    "noise": {
        "ssim": (0, 0.85),
        "psnr_rgb": (25, 28),  # noise of 0.05: 26 dB, a little more where it is clipped
        "delta_e00_pixel_mean": (3, 12),  # noise is coloured by pixel and grey in the mean
        "delta_e00_of_mean": (0, 1),
        "zoom": (0.998, 1.002),
        "shift_x": (-0.1, 0.1),
        "rotation": (-0.1, 0.1),
    },
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", BLINDNESS)
def test_each_channel_sees_its_own_distortion_alone(
    distortions: dict[str, dict[str, Tensor]], name: str, which: str
) -> None:
    values: dict[str, object] = {}
    for channel in (Colour(), Geometry(), Structure()):
        frame, reference = (channel.prepare(distortions[name][each]) for each in (which, "none"))
        values |= {measure: column[0] for measure, column in channel.compare(frame, reference).items()}
    for measure, (least, most) in BLINDNESS[which].items():
        value = values[measure]
        assert isinstance(value, float)
        assert least <= value <= most, (measure, value)


@pytest.mark.parametrize("which", ["blur", "noise"])
def test_frames_alone_show_blur_and_noise(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    structure = Structure()
    for pictures in distortions.values():
        plain, changed = (structure.describe(structure.prepare(pictures[each])) for each in ("none", which))
        for measure in ("high_band_energy", "sharpness_laplacian"):
            ratio = changed[measure][0] / plain[measure][0]  # type: ignore[operator]
            assert ratio < 0.6 if which == "blur" else ratio > 1.2, (measure, ratio)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (8, 8), (10, 200), (16, 300), (17, 23), (175, 176)])
@pytest.mark.parametrize("content", ["black", "white", "grey", "red", "noise"])
def test_no_size_and_no_content_makes_it_fail(channel: Channel, size: tuple[int, int], content: str) -> None:
    noise = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    pictures = {
        "black": torch.zeros_like(noise),
        "white": torch.ones_like(noise),
        "grey": torch.full_like(noise, 0.5),
        "red": torch.tensor([1.0, 0.0, 0.0])[:, None, None].expand_as(noise).contiguous(),
        "noise": noise,
    }[content]
    features, other = channel.prepare(pictures), channel.prepare(noise.flip(0))
    _assert_honest(channel, Against.NOTHING, channel.describe(features))
    _assert_honest(channel, Against.REFERENCE, channel.compare(features, other))
    _assert_honest(channel, Against.REFERENCE, channel.compare(features, {k: v[:1] for k, v in other.items()}))
    _assert_honest(channel, Against.REFERENCE, channel.compare(features, features))


def test_a_small_picture_says_what_it_would_take() -> None:
    structure = Structure()
    features = structure.prepare(torch.rand(1, 3, 8, 20))
    reasons = {name: column[0] for name, column in structure.compare(features, features).items()}
    assert reasons["ssim"] == Undefined("a picture of 20x8 px is too small: each side must be 11 px or more")
    assert reasons["ms_ssim"] == Undefined("a picture of 20x8 px is too small: each side must be 176 px or more")
    assert reasons["gmsd"] == 0


def test_every_measure_states_its_protocol(channel: Channel) -> None:
    names = [measure.name for measure in channel.measures]
    assert len(set(names)) == len(names)
    for measure in channel.measures:
        assert measure.name == measure.name.lower()
        assert measure.unit
        assert measure.source
        assert measure.definition.endswith(".")
    assert channel.unavailable() is None
    assert channel.weights() == {}


def test_the_channel_is_registered_under_its_name(channel: Channel) -> None:
    (entry,) = entry_points(group="simulacra.measures", name=channel.name)
    assert entry.load() is type(channel)


def _assert_honest(channel: Channel, against: Against, columns: Columns) -> None:
    """Exactly the measures of this kind, one value a frame, each finite or undefined with a reason."""
    assert list(columns) == [measure.name for measure in channel.measures if measure.against is against]
    for name, column in columns.items():
        assert len(column) == 2
        for value in column:
            assert value.reason if isinstance(value, Undefined) else isfinite(value), name
