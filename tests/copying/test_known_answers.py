"""Chains whose dynamics are known from outside: codecs and resampling, whose every step anyone can repeat."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import simulacra.copying.experiment as subject
from simulacra import copy
from simulacra.copying import Chain, Ended
from simulacra.images.pixels import pixel_digest


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "available_channels", lambda names: ({}, {}))


def chain(picture: Path, copier: str, times: int = 101) -> Chain:
    return copy(picture, copier=copier, times=times, controls=False).chains[0]


def by_hand(pixels: NDArray[np.uint8], times: int, form: str, **options: object) -> list[str]:
    """The same loop in six lines of Pillow."""
    digests = [pixel_digest(pixels)]
    for _ in range(times):
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, form, **options)
        pixels = np.asarray(Image.open(buffer).convert("RGB"))
        digests.append(pixel_digest(pixels))
    return digests


def test_identity_changes_nothing(portrait: Path) -> None:
    made = chain(portrait, "identity")
    assert (made.ending.reason, made.ending.settled) == (Ended.FIXED_POINT, 0)
    assert made.frames[1].pixels == made.frames[0].pixels


def test_jpeg_on_a_fixed_grid_reaches_an_exact_fixed_point(portrait: Path, astronaut: NDArray[np.uint8]) -> None:
    made = chain(portrait, "jpeg:quality=75")
    assert made.ending.reason is Ended.FIXED_POINT
    digests = by_hand(astronaut, made.ending.copies, "JPEG", quality=75, subsampling="4:2:0")
    assert [frame.pixels for frame in made.frames] == digests
    assert digests[-1] == digests[-2] and len(set(digests)) == len(digests) - 1


def test_webp_ends_in_a_cycle(portrait: Path) -> None:
    made = chain(portrait, "webp:quality=80")
    assert made.ending.reason is Ended.CYCLE
    assert made.ending.period is not None and made.ending.period > 1


def test_jpeg_on_a_moving_grid_never_settles(portrait: Path) -> None:
    made = chain(portrait, "moving-grid:quality=75")
    assert (made.ending.reason, made.ending.copies) == (Ended.TIMES, 101)
    assert len({frame.pixels for frame in made.frames}) == 102


def test_lanczos_down_and_up_runs_away(portrait: Path) -> None:
    result = copy(portrait, copier="resize:filter=lanczos,scale=0.9765625", times=101, controls=False)
    (made,) = result.chains
    assert made.ending.reason is Ended.TIMES
    first = result.frame_pixels(made.frames[0]).astype(float)
    errors = [np.mean((result.frame_pixels(made.frames[k]).astype(float) - first) ** 2) for k in (1, 25, 50, 101)]
    assert errors == sorted(errors)
    # Ringing feeds on itself: PSNR of about 14 dB at copy 101 where bilinear stays above 20.
    assert 10 * np.log10(255**2 / errors[-1]) < 16
