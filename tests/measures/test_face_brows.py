import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.measures import face_brows as brows
from simulacra.measures.face_mesh import POINTS
from simulacra.measures.face_shape import SIDES
from simulacra.measures.face_window import Points

EYE_DISTANCE = 80.0  # px
BETWEEN = 128 + 140j
ROW = 0.5 / 96  # half a row of the window on a brow, eye distances: the resolution of every height below


def drawn(height: float, thickness: float, tilt: float = 0.0, skin: float = 0.75, hair: float = 0.25) -> Tensor:
    """A forehead with two straight brows: height and thickness in eye distances, tilt in degrees."""
    rows, columns = torch.meshgrid(torch.arange(256) + 0.5, torch.arange(256) + 0.5, indexing="ij")
    sideways = (columns - BETWEEN.real).abs() / EYE_DISTANCE
    upwards = (BETWEEN.imag - rows) / EYE_DISTANCE
    middle = height + (sideways - sum(brows.REACH) / 2) * np.tan(np.radians(tilt))
    picture = torch.full((256, 256), skin)
    picture[(upwards - middle).abs() < thickness / 2] = hair
    return picture.expand(1, 3, 256, 256).contiguous()


def mesh(expected: float = 0.3) -> Points:
    """A mesh of which only eyes and brows are laid: eyes level, brows expected at one height."""
    framed = np.zeros(POINTS, dtype=np.complex128)
    for side in SIDES:
        framed[list(side.corners)] = side.outward * np.array([0.7, 0.3])
        framed[list(side.lid)] = side.outward * np.array([0.6, 0.5, 0.4]) + 0.08j
        framed[list(side.brow)] = side.outward * np.linspace(0.85, 0.2, 5) + 1j * expected
    return np.asarray(BETWEEN + EYE_DISTANCE * np.conj(framed), dtype=np.complex128)


def test_drawn_brows_are_measured_as_drawn() -> None:
    traced = brows.trace_brows(drawn(height=0.35, thickness=0.1), mesh())
    assert brows.brow_height(traced) == pytest.approx(0.35, abs=ROW)
    assert brows.brow_thickness(traced) == pytest.approx(0.1, abs=2 * ROW)
    assert brows.brow_tilt(traced) == pytest.approx(0, abs=0.5)  # half a row over a third of the columns
    assert brows.brow_eye_gap(traced, mesh()) == pytest.approx(0.35 - 0.08, abs=ROW)


@pytest.mark.parametrize("rise", [-0.08, -0.03, 0.03, 0.08, 0.14])
def test_a_brow_that_moves_is_followed_where_the_mesh_stays(rise: float) -> None:
    before, after = (brows.trace_brows(drawn(h, 0.08), mesh(0.3)) for h in (0.3, 0.3 + rise))
    assert brows.brow_rise(after, before) == pytest.approx(rise, abs=2 * ROW)
    assert brows.brow_change(after, before) == pytest.approx(abs(rise), abs=2 * ROW)


@pytest.mark.parametrize("tilt", [-10.0, 10.0])
def test_tilt_is_positive_where_the_outer_end_is_the_higher(tilt: float) -> None:
    traced = brows.trace_brows(drawn(0.33, 0.08, tilt), mesh())
    assert brows.brow_tilt(traced) == pytest.approx(tilt, abs=1.0)  # a row over the run between the thirds


def test_thicker_brows_are_thicker() -> None:
    thin, middling, thick = (
        brows.brow_thickness(brows.trace_brows(drawn(0.33, t), mesh())) for t in (0.06, 0.09, 0.12)
    )
    assert thin is not None
    assert middling is not None
    assert thick is not None
    assert thin < middling < thick


@pytest.mark.parametrize(("skin", "hair"), [(0.75, 0.25), (0.9, 0.6), (0.4, 0.1)])
def test_darkness_is_the_difference_in_lightness(skin: float, hair: float) -> None:
    traced = brows.trace_brows(drawn(0.35, 0.1, skin=skin, hair=hair), mesh())
    # The medians lie well inside brow and skin, so the value is exact; the picture is float32.
    assert brows.brow_darkness(traced) == pytest.approx(lightness(skin) - lightness(hair), abs=1e-4)


def test_darkness_is_that_of_the_brow_not_of_its_size_or_place() -> None:
    values = [
        brows.brow_darkness(brows.trace_brows(drawn(*shape), mesh()))
        for shape in [(0.3, 0.08), (0.36, 0.12), (0.3, 0.06, 8)]
    ]
    assert values == pytest.approx([lightness(0.75) - lightness(0.25)] * 3, abs=1e-4)


def test_darkness_forgets_what_is_not_beside_the_brow() -> None:
    # A dark lid, a light forehead: neither lies beside the brow, and their mean would be off by 10 L* and more.
    picture = drawn(height=0.35, thickness=0.08)
    picture[..., round(BETWEEN.imag - 0.2 * EYE_DISTANCE) :, :] = 0.5
    picture[..., : round(BETWEEN.imag - 0.5 * EYE_DISTANCE), :] = 0.95
    expected = lightness(0.75) - lightness(0.25)
    assert brows.brow_darkness(brows.trace_brows(picture, mesh())) == pytest.approx(expected, abs=1e-4)


def test_without_skin_beside_the_brows_there_is_no_darkness() -> None:
    traced = brows.trace_brows(drawn(0.35, 0.1), mesh())
    traced[:, 2] = torch.nan
    assert brows.brow_darkness(traced) is None
    assert brows.brow_height(traced) is not None


def test_noise_hardly_makes_brows_darker() -> None:
    noise = 0.05 * torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(3))
    traced = brows.trace_brows((drawn(0.35, 0.1) + noise).clamp(0, 1), mesh())
    # The noise is 5 L*; medians over some ten rows and 46 columns leave a part of a unit.
    assert brows.brow_darkness(traced) == pytest.approx(lightness(0.75) - lightness(0.25), abs=2)


def lightness(grey: float) -> float:
    """L* of an sRGB grey, by the formulas of IEC 61966-2-1 and CIE 15 for values above their toes."""
    return float(116 * (((grey + 0.055) / 1.055) ** 2.4) ** (1 / 3) - 16)


def test_a_fringe_is_no_brow() -> None:
    # Dark from above the brow to the upper edge: darker than the brow, and without skin above it.
    picture = drawn(height=0.3, thickness=0.06, hair=0.5)
    picture[..., : round(BETWEEN.imag - 0.45 * EYE_DISTANCE), :] = 0.1
    assert brows.brow_height(brows.trace_brows(picture, mesh())) == pytest.approx(0.3, abs=ROW)


def test_bare_skin_has_no_brows_and_says_so() -> None:
    bare = brows.trace_brows(torch.full((1, 3, 256, 256), 0.7), mesh())
    shown = brows.trace_brows(drawn(0.3, 0.08), mesh())
    assert not brows.visible(bare)
    assert brows.brow_height(bare) is brows.brow_thickness(bare) is brows.brow_tilt(bare) is None
    assert brows.brow_darkness(bare) is None
    assert brows.brow_eye_gap(bare, mesh()) is brows.brow_change(shown, bare) is brows.brow_rise(bare, shown) is None


def test_one_brow_alone_is_not_enough() -> None:
    picture = drawn(0.3, 0.08)
    picture[..., 128:] = 0.75
    assert not brows.visible(brows.trace_brows(picture, mesh()))
