import numpy as np
import pytest
import torch
from scipy.ndimage import laplace
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from simulacra.measures.contract import Undefined
from simulacra.measures.grey import luma, psnr
from simulacra.measures.structure import Structure


@pytest.mark.parametrize("which", ["cast", "noise", "blur"])
def test_psnr_agrees_with_scikit_image(distortions: dict[str, dict[str, Tensor]], which: str) -> None:
    structure = Structure()
    frame, reference = (distortions["chelsea"][each] for each in (which, "none"))
    value = structure.compare(structure.prepare(frame), structure.prepare(reference))["psnr_rgb"][0]
    expected = peak_signal_noise_ratio(reference.double().numpy(), frame.double().numpy(), data_range=1)
    assert value == pytest.approx(expected, abs=1e-5)  # float32 differences


def test_sharpness_agrees_with_scipy(distortions: dict[str, dict[str, Tensor]]) -> None:
    structure = Structure()
    picture = distortions["astronaut"]["none"]
    value = structure.describe(structure.prepare(picture))["sharpness_laplacian"][0]
    expected = laplace(luma(picture)[0].double().numpy())[1:-1, 1:-1].var()
    assert value == pytest.approx(expected, rel=1e-5)  # float32 differences


def test_psnr_of_a_known_error() -> None:
    assert psnr(0.01) == pytest.approx(20)
    assert isinstance(psnr(0.0), Undefined)


def test_grey_is_rec_601_luma() -> None:
    corners = torch.eye(3)[:, :, None, None]  # red, green, blue
    np.testing.assert_allclose(luma(corners).flatten(), [0.299, 0.587, 0.114], rtol=1e-6)
    assert luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1, abs=1e-6)


def test_one_reference_serves_all_frames(distortions: dict[str, dict[str, Tensor]]) -> None:
    structure = Structure()
    pictures = [distortions["coffee"][which] for which in ("cast", "blur", "noise")]
    reference = structure.prepare(distortions["coffee"]["none"])
    together = structure.compare(structure.prepare(torch.cat(pictures)), reference)
    for index, picture in enumerate(pictures):
        for name, column in structure.compare(structure.prepare(picture), reference).items():
            alone = column[0]
            if isinstance(alone, Undefined):  # MS-SSIM of a picture this small
                assert together[name][index] == alone
            else:
                assert together[name][index] == pytest.approx(alone, rel=1e-5), name  # sums in another order
