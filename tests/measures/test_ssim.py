import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from simulacra.measures import ssim
from simulacra.measures.grey import luma

DISTORTIONS = ["cast", "shift", "zoom", "blur", "noise"]


@pytest.mark.parametrize("which", DISTORTIONS)
def test_ssim_agrees_with_scikit_image(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    one, other = luma(distortions["coffee"]["none"]), luma(distortions["coffee"][which])
    value, _ = ssim.similarity(ssim.local(one), ssim.local(other))
    assert value.item() == pytest.approx(_scikit_image(one[0], other[0]), abs=2e-6)  # float32 against float64


@pytest.mark.parametrize("which", DISTORTIONS)
def test_ms_ssim_agrees_with_its_parts_elsewhere(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    # torchmetrics' own MS-SSIM adds a mirrored border at the coarsest scale alone, which moves it by up to 0.003; its
    # contrast-structure term is that of the paper, and scikit-image's SSIM too.
    pair = [luma(distortions["astronaut"][each])[:, None].double() for each in ("none", which)]
    expected = 1.0
    for weight in ssim.WEIGHTS[:-1]:
        _, structure = structural_similarity_index_measure(*pair, data_range=1.0, return_contrast_sensitivity=True)
        expected *= structure.item() ** weight
        pair = [torch.nn.functional.avg_pool2d(each, 2) for each in pair]
    expected *= _scikit_image(*(each[0, 0] for each in pair)) ** ssim.WEIGHTS[-1]
    one, other = (ssim.pyramid(luma(distortions["astronaut"][each])) for each in ("none", which))
    assert ssim.multiscale(one, other).item() == pytest.approx(expected, abs=2e-6)  # float32 against float64


def test_a_negative_scale_counts_as_nothing() -> None:
    picture = torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(4))
    assert ssim.multiscale(ssim.pyramid(picture), ssim.pyramid(1 - picture)).item() == 0


def test_two_constants_differ_by_the_luminance_term_alone() -> None:
    one, other = (ssim.local(torch.full((1, 11, 11), value)) for value in (0.2, 0.6))
    value, structure = ssim.similarity(one, other)
    assert structure.item() == pytest.approx(1, abs=1e-4)  # rounding of the variances against C2 of 9e-4
    assert value.item() == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), abs=1e-4)


def test_the_smallest_sizes_are_exact() -> None:
    side = ssim.SMALLEST_MULTISCALE
    assert side == 176
    assert ssim.pyramid(torch.rand(1, side, side))[-1].mean.shape == (1, 1, 1)


def _scikit_image(one: Tensor, other: Tensor) -> float:
    """SSIM of two grey pictures, shape (H, W), with the settings of Wang et al."""
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    return float(structural_similarity(one.double().numpy(), other.double().numpy(), **settings))
