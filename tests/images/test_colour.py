from collections.abc import Callable

import pytest
import torch
from coloraide import Color as BaseColor
from coloraide.spaces.oklab import Oklab
from torch import Tensor

from simulacra.images import colour

# The 34 pairs of Sharma, Wu and Dalal 2005, table 1: L, a, b of both colours, and ΔE00.
PUBLISHED = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1
50 -1.1848 -84.8006 50 0 -82.7485 1
50 -0.9009 -85.5211 50 0 -82.7485 1
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1
50 2.5 0 50 3.2972 0 1
50 2.5 0 50 1.8634 0.5757 1
50 2.5 0 50 3.2592 0.3350 1
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_ciede2000_gives_the_published_pairs_both_ways_round() -> None:
    table = torch.tensor([[float(x) for x in row.split()] for row in PUBLISHED.split("\n") if row], dtype=torch.float64)
    first, second = (table[:, start : start + 3].T[None, :, :, None] for start in (0, 3))
    assert len(table) == 34
    # 1e-4: the table is printed to four decimals.
    torch.testing.assert_close(colour.delta_e_2000(second, first).flatten(), table[:, 6], atol=1e-4, rtol=0)
    torch.testing.assert_close(colour.delta_e_2000(first, second).flatten(), table[:, 6], atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def colours() -> Tensor:
    """Black, white, greys, the corners of the cube and random colours, shape (1, 3, 20, 16), float64."""
    generator = torch.Generator().manual_seed(2005)
    picture = torch.rand(1, 3, 20, 16, dtype=torch.float64, generator=generator)
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    picture[0, :, 0, :8] = corners.T
    picture[0, :, 0, 8:] = torch.linspace(0, 1, 8, dtype=torch.float64)  # greys
    return picture


@pytest.mark.parametrize(
    ("space", "convert", "tolerance"),
    [  # float64 rounding
        ("srgb-linear", colour.srgb_to_linear, 1e-12),
        ("xyz-d65", lambda x: colour.linear_to_xyz(colour.srgb_to_linear(x)), 1e-12),
        ("lab-d65", colour.srgb_to_lab, 1e-10),
        ("oklab", colour.srgb_to_oklab, 1e-4),  # coloraide has refined the last digits of Ottosson's matrices
    ],
)
def test_conversions_agree_with_coloraide(
    colours: Tensor, space: str, convert: Callable[[Tensor], Tensor], tolerance: float
) -> None:
    expected = [Color("srgb", list(c)).convert(space).coords() for c in _listed(colours)]
    torch.testing.assert_close(
        _table(convert(colours)), torch.tensor(expected, dtype=torch.float64), atol=tolerance, rtol=0
    )


def test_ciede2000_agrees_with_coloraide(colours: Tensor) -> None:
    lab = colour.srgb_to_lab(colours)
    other = lab.flip(-1)
    pairs = zip(_listed(lab), _listed(other), strict=True)
    expected = [Color("lab-d65", list(a)).delta_e(Color("lab-d65", list(b)), method="2000") for a, b in pairs]
    # Relative 1e-5: the seam of the blue term stands at 180° instead of 0°.
    torch.testing.assert_close(
        colour.delta_e_2000(lab, other).flatten(), torch.tensor(expected, dtype=torch.float64), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (colour.srgb_to_linear, colour.linear_to_srgb),
        (colour.linear_to_xyz, colour.xyz_to_linear),
        (colour.xyz_to_lab, colour.lab_to_xyz),
        (colour.srgb_to_lab, colour.lab_to_srgb),
        (colour.srgb_to_oklab, colour.oklab_to_srgb),
    ],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.float64, 1e-7)])
def test_inverses_return_even_out_of_gamut(
    colours: Tensor,
    there: Callable[[Tensor], Tensor],
    back: Callable[[Tensor], Tensor],
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    wide = (colours * 1.4 - 0.2).to(dtype)
    # Rounding of the type, amplified by the steep foot of the curves.
    torch.testing.assert_close(back(there(wide)), wide, atol=tolerance, rtol=0)


def test_the_forms_of_one_conversion_agree(colours: Tensor) -> None:
    linear = colour.srgb_to_linear(colours)
    expected = colour.xyz_to_lab(colour.linear_to_xyz(linear))
    torch.testing.assert_close(colour.linear_to_lab(linear), expected, atol=1e-10, rtol=0)  # rounding in float64
    torch.testing.assert_close(colour.srgb_to_lab(colours), expected, atol=1e-10, rtol=0)


def test_white_and_black_are_exact_enough_in_float32() -> None:
    ends = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)
    expected = torch.tensor([[0.0, 100.0], [0.0, 0.0], [0.0, 0.0]])[None, :, None]
    torch.testing.assert_close(colour.srgb_to_lab(ends), expected, atol=1e-4, rtol=0)  # float32 times 500


def test_float32_and_bands_change_nothing_that_shows() -> None:
    generator = torch.Generator().manual_seed(1)
    picture, other = torch.rand(2, 1, 3, 300, 301, generator=generator)  # more pixels than one band
    exact = colour.srgb_to_lab(picture.double())
    torch.testing.assert_close(colour.srgb_to_lab(picture).double(), exact, atol=2e-4, rtol=0)
    delta = colour.delta_e_2000(colour.srgb_to_lab(picture), colour.srgb_to_lab(other)).double()
    exact_delta = colour.delta_e_2000(exact, colour.srgb_to_lab(other.double()))
    torch.testing.assert_close(delta, exact_delta, atol=1e-3, rtol=1e-3)  # CIEDE2000 jumps by that at opposite hues


def test_equal_colours_differ_by_exactly_nothing(colours: Tensor) -> None:
    lab = colour.srgb_to_lab(colours.float())
    assert not colour.delta_e_2000(lab, lab.clone()).any()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: colour.srgb_to_lab(x).sum(),
        lambda x: colour.srgb_to_oklab(x).sum(),
        lambda x: colour.linear_to_srgb(x).sum(),
        lambda x: colour.lab_to_srgb(x).sum(),
        lambda x: colour.chroma(colour.srgb_to_lab(x)).sum(),
        lambda x: colour.delta_e_2000(colour.srgb_to_lab(x), colour.srgb_to_lab(x.detach())).sum(),
        lambda x: colour.delta_e_2000(colour.srgb_to_lab(x), torch.zeros_like(x)).sum(),
    ],
)
def test_gradients_are_finite_at_black_grey_and_equality(function: Callable[[Tensor], Tensor]) -> None:
    picture = torch.tensor([0.0, 0.5, 1.0]).expand(1, 3, 1, 3).clone().requires_grad_()
    function(picture).backward()
    assert picture.grad is not None
    assert picture.grad.isfinite().all()


def test_gradient_of_ciede2000_agrees_with_differences() -> None:
    generator = torch.Generator().manual_seed(3)
    lab = torch.rand(1, 3, 2, 2, dtype=torch.float64, generator=generator) * 60 + 5
    other = torch.rand(1, 3, 2, 2, dtype=torch.float64, generator=generator) * 60 + 5
    torch.autograd.gradcheck(lambda x: colour.delta_e_2000(x, other), lab.requires_grad_())


def test_hue_and_chroma_of_the_axes() -> None:
    lab = torch.tensor([[50.0, 3, 0], [50, 0, 4], [50, -5, 0], [50, 0, -6], [50, 0, 0]]).T[None, :, None]
    torch.testing.assert_close(colour.hue(lab).flatten(), torch.tensor([0.0, 90, 180, 270, 0]))
    torch.testing.assert_close(colour.chroma(lab).flatten(), torch.tensor([3.0, 4, 5, 6, 0]))


@pytest.mark.parametrize("kelvin", [1800, 2856, 4000, 5003, 6504, 9000, 15000, 40000])
@pytest.mark.parametrize("duv", [-0.02, -0.003, 0, 0.003, 0.02])
def test_temperature_of_known_lights(kelvin: float, duv: float) -> None:
    light = Color.blackbody("xyz-d65", kelvin, duv=duv, scale=False, method="ohno-2013")
    mired, found_duv = colour.mired_duv(torch.tensor(light.coords()))
    # What the docstring promises of Robertson's 31 lines against coloraide's Planckian locus.
    assert mired.item() == pytest.approx(1e6 / kelvin, abs=0.3)
    assert found_duv.item() == pytest.approx(duv, abs=1e-4)


def test_the_white_of_srgb_is_d65() -> None:
    mired, duv = colour.mired_duv(torch.tensor(colour.WHITE))
    assert mired.item() == pytest.approx(1e6 / 6504, abs=0.1)  # CIE 15 names D65's temperature to the kelvin
    assert duv.item() == pytest.approx(0.0032, abs=1e-4)


def test_a_light_without_temperature_is_nan() -> None:
    red = colour.linear_to_xyz(torch.tensor([1.0, 0, 0])[:, None, None]).flatten()
    assert colour.mired_duv(red)[0].isnan()


class Color(BaseColor):
    """coloraide with OKLab, which its core leaves out."""


Color.register(Oklab(), overwrite=True)


def _listed(picture: Tensor) -> list[list[float]]:
    rows: list[list[float]] = _table(picture).tolist()
    return rows


def _table(picture: Tensor) -> Tensor:
    """One row a pixel."""
    return picture.squeeze(0).flatten(1).T
