from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.exposure import match_histograms
from torch import Tensor

from simulacra.copying.remedies import make
from simulacra.copying.remedies.colour_lock import matched_histogram
from simulacra.images.pixels import to_picture, to_pixels


@pytest.fixture
def original(astronaut: NDArray[np.uint8]) -> Tensor:
    """A face, with every tone of each channel at most places; shape (1, 3, 96, 120)."""
    return to_picture(astronaut[60:156, 160:280].copy())


CASTS: dict[str, Callable[[Tensor], Tensor]] = {
    "orange": lambda picture: picture * torch.tensor([1.0, 0.9, 0.7])[:, None, None],
    "lost contrast": lambda picture: 0.3 + 0.4 * picture,
    "gamma": lambda picture: picture**1.6,
    "all at once": lambda picture: 0.1 + 0.8 * (picture * torch.tensor([0.9, 1.0, 0.6])[:, None, None]) ** 0.7,
}


@pytest.mark.parametrize("cast", CASTS)
def test_any_rising_curve_of_a_channel_is_undone_exactly(original: Tensor, cast: str) -> None:
    tinted = CASTS[cast](original)
    assert float((tinted - original).abs().mean()) > 0.02
    treated = make("colour-lock").after(tinted, tinted, original, 1)
    assert np.array_equal(to_pixels(treated), to_pixels(original))  # as 8-bit frames, which is what is stored


def test_a_cast_that_clips_comes_back_to_the_mean_of_what_was_clipped(original: Tensor) -> None:
    clipped = (original * 1.5).clamp(0, 1)
    treated = make("colour-lock").after(clipped, clipped, original, 1)
    lost = clipped[0, 0] == 1
    assert lost.any() and not lost.all()
    # Tolerance: float32 against a mean in float64.
    assert torch.allclose(treated[0, 0][lost], original[0, 0][lost].double().mean().float(), atol=1e-5)
    assert torch.equal(to_picture(to_pixels(treated))[0, 0][~lost], original[0, 0][~lost])


def test_a_chain_of_casts_stays_at_its_original_for_ever(original: Tensor) -> None:
    remedy, frame = make("colour-lock"), original
    for step in range(1, 31):
        copied = (frame * torch.tensor([1.0, 0.98, 0.95])[:, None, None]).clamp(0, 1)
        frame = to_picture(to_pixels(remedy.after(copied, frame, original, step)))
    assert torch.equal(frame, original)


def test_the_reference_is_frame_0_or_frame_k_minus_1(original: Tensor) -> None:
    parent = (original * 0.5).clamp(0, 1)
    copied = original**2
    origin, previous = (
        make(f"colour-lock:to={to}").after(copied, parent, original, 5) for to in ("origin", "previous")
    )
    assert np.array_equal(to_pixels(origin), to_pixels(original))
    assert np.array_equal(to_pixels(previous), to_pixels(parent))


def test_histograms_are_those_of_the_reference_whatever_the_content() -> None:
    generator = np.random.default_rng(3)
    one = generator.permutation(np.linspace(0, 1, 4096, dtype=np.float32)).reshape(64, 64)
    other = np.rint(generator.beta(2, 5, (64, 64)) * 255).astype(np.float32) / np.float32(255)
    matched = matched_histogram(one, other)
    # Without ties every tone finds its place; levels are 1/65535 apart.
    assert np.allclose(np.sort(matched, axis=None), np.sort(other, axis=None), atol=1e-5)
    order = np.argsort(one, axis=None)
    assert (np.diff(matched.ravel()[order]) >= 0).all()


def test_agrees_with_scikit_image_where_tones_are_many(original: Tensor, astronaut: NDArray[np.uint8]) -> None:
    other = astronaut[200:296, 200:320].astype(np.float32) / np.float32(255)
    for channel in range(3):
        ours = matched_histogram(original[0, channel].numpy(), other[..., channel])
        theirs = match_histograms(original[0, channel].numpy(), other[..., channel])
        # Scikit-image hands out the tone at the upper end of a tie, we the mean of it: close but where ties are wide.
        assert np.abs(ours - theirs).mean() < 0.01


def test_one_tone_gets_the_mean_of_the_reference() -> None:
    flat = np.full((4, 4), 0.5, dtype=np.float32)
    wanted = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    assert np.allclose(matched_histogram(flat, wanted), 0.5, atol=1e-5)  # levels are 1/65535 apart
    assert np.array_equal(matched_histogram(wanted, flat), matched_histogram(flat, flat))
