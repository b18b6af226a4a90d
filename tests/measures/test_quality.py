from importlib.metadata import entry_points
from math import isfinite, log2

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import shannon_entropy
from torch import Tensor

from simulacra.measures.contract import Against, Better, Undefined
from simulacra.measures.quality import Quality

from .conftest import as_tensor


def test_sharpness_is_the_blur_effect_of_the_paper(photographs: dict[str, np.ndarray]) -> None:
    picture = as_tensor(photographs["coffee"])
    grey = _grey(picture)
    shares = []
    for axis in (0, 1):
        inner = tuple(slice(4, -4) if each == axis else slice(None) for each in (0, 1))
        sharp = np.abs(np.diff(grey[inner], axis=axis))
        soft = np.abs(np.diff(ndimage.uniform_filter1d(grey, 9, axis)[inner], axis=axis))
        shares.append(1 - np.maximum(0, sharp - soft).sum() / sharp.sum())
    # Float32 pictures and filters, sums over some 40,000 pixels.
    assert _score("sharpness_crete", picture) == pytest.approx(1 - max(shares), rel=1e-5)


def test_tenengrad_and_noise_are_the_published_masks(photographs: dict[str, np.ndarray]) -> None:
    picture = as_tensor(photographs["astronaut"])
    grey = _grey(picture)
    squared = sum((ndimage.sobel(grey, axis) / 8)[1:-1, 1:-1] ** 2 for axis in (0, 1))
    assert _score("sharpness_tenengrad", picture) == pytest.approx(squared.mean(), rel=1e-5)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    response = np.abs(ndimage.convolve(255 * grey, mask)[1:-1, 1:-1])
    height, width = grey.shape
    expected = np.sqrt(np.pi / 2) * response.sum() / (6 * (width - 2) * (height - 2))
    assert _noise(picture) == pytest.approx(expected, rel=1e-5)  # float32, as above


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_noise_on_a_flat_picture_is_found(sigma: float) -> None:
    noise = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(101))
    # One noise in all channels, so that grey has it undiminished. 2 %: four times the estimate's spread at 40,000 px.
    assert _noise((0.5 + sigma / 255 * noise).expand(1, 3, 200, 200)) == pytest.approx(sigma, rel=0.02)


def test_colourfulness_by_hand() -> None:
    # Half pure red, half pure blue: R - G is 255 and 0, (R + G) / 2 - B is 127.5 and -255.
    picture = torch.zeros(1, 3, 4, 4)
    picture[:, 0, :2] = 1
    picture[:, 2, 2:] = 1
    spread = np.hypot(255 / 2, 382.5 / 2)
    assert _score("colourfulness", picture) == pytest.approx(spread + 0.3 * np.hypot(127.5, -63.75))
    assert _score("colourfulness", torch.full((1, 3, 4, 4), 0.3)) == 0


def test_entropy_counts_levels(photographs: dict[str, np.ndarray]) -> None:
    steps = (torch.arange(64) / 255).expand(1, 3, 4, 64)
    assert _score("entropy_grey", steps) == pytest.approx(log2(64))
    picture = as_tensor(photographs["chelsea"])
    # The oracle's grey is float64: a few pixels fall into the level beside.
    assert _score("entropy_grey", picture) == pytest.approx(shannon_entropy((255 * _grey(picture)).round()), abs=1e-3)


def test_every_score_moves_with_the_damage_it_is_about(distortions: dict[str, dict[str, Tensor]]) -> None:
    for pictures in distortions.values():
        scores = {name: _scores(picture) for name, picture in pictures.items()}
        plain, blur, noise = scores["none"], scores["blur"], scores["noise"]
        for name in ("sharpness_crete", "sharpness_tenengrad"):
            assert blur[name] < plain[name] < noise[name]
        name = "signal_to_noise_immerkaer"
        assert noise[name] < plain[name] < blur[name]


def test_the_scores_are_fooled(photographs: dict[str, np.ndarray]) -> None:
    """A chain that only exaggerates: each copy is sharper and more saturated, and the scores call each one better."""
    frame = as_tensor(photographs["astronaut"])
    original, before, first = frame, _scores(frame), _scores(frame)
    for _ in range(8):
        smooth = torch.nn.functional.avg_pool2d(frame, 3, 1, 1, count_include_pad=False)
        frame = frame + 0.3 * (frame - smooth) + 0.1 * (frame - frame.mean(1, keepdim=True))
        frame = (255 * frame.clamp(0, 1)).round() / 255
        now = _scores(frame)
        for name in ("sharpness_crete", "sharpness_tenengrad", "colourfulness"):
            assert now[name] > before[name]
        before = now
    assert before["sharpness_tenengrad"] > 2 * first["sharpness_tenengrad"]
    psnr = -10 * (frame - original).square().mean().log10().item()
    assert psnr < 20  # far from the original, and rated above it by all three


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (9, 9), (10, 10), (64, 65)])
@pytest.mark.parametrize("content", ["black", "noise"])
def test_no_size_and_no_content_makes_it_fail(size: tuple[int, int], content: str) -> None:
    pictures = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    columns = Quality().describe(Quality().prepare(pictures if content == "noise" else 0 * pictures))
    assert list(columns) == [measure.name for measure in Quality.measures]
    for column in columns.values():
        assert all(value.reason if isinstance(value, Undefined) else isfinite(value) for value in column)
        assert len(column) == 2


def test_no_value_says_why() -> None:
    small, flat = (Quality().describe(Quality().prepare(torch.zeros(1, 3, side, 40))) for side in (9, 10))
    assert small["sharpness_crete"] == [Undefined("a side of 9 px is too small: each side must be 10 px or more")]
    assert flat["sharpness_crete"] == flat["signal_to_noise_immerkaer"] == [Undefined("the picture has no contrast")]
    assert flat["sharpness_tenengrad"] == flat["entropy_grey"] == [0]


def test_no_score_claims_to_be_drift() -> None:
    for measure in Quality.measures:
        assert measure.against is Against.NOTHING
        assert measure.better is Better.NEITHER
    features = Quality().prepare(torch.rand(1, 3, 16, 16))
    assert Quality().compare(features, features) == {}
    assert Quality().unavailable() is None
    (entry,) = entry_points(group="simulacra.measures", name="quality")
    assert entry.load() is Quality


def test_the_batch_does_not_matter(photographs: dict[str, np.ndarray]) -> None:
    picture = as_tensor(photographs["coffee"])
    batch = torch.cat([picture, 1 - picture, picture.flip(-1)])
    together = Quality().describe(Quality().prepare(batch))
    for index in range(3):
        for name, value in _scores(batch[index : index + 1]).items():
            assert together[name][index] == pytest.approx(value, rel=1e-6)  # float32 filters in other blocks


def _grey(picture: Tensor) -> np.ndarray:
    red, green, blue = picture[0].double().numpy()
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _scores(picture: Tensor) -> dict[str, float]:
    columns = Quality().describe(Quality().prepare(picture))
    return {name: column[0] for name, column in columns.items() if isinstance(column[0], float)}


def _noise(picture: Tensor) -> float:
    """The standard deviation behind the signal to noise ratio, on the scale 0 to 255."""
    return float(255 * 10 ** (-_score("signal_to_noise_immerkaer", picture) / 20))


def _score(name: str, picture: Tensor) -> float:
    return _scores(picture)[name]
