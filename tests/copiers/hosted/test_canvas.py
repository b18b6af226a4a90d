import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulacra.copiers.hosted.canvas import RATIOS, SIZES, Placement, sizes
from simulacra.copiers.hosted.resizing import HostedResize, HostedResizeParameters

SIDES = st.integers(1, 16383)


@pytest.mark.parametrize(
    ("picture", "canvas"),
    [((512, 512), (1024, 1024)), ((600, 400), (1536, 1024)), ((400, 600), (1024, 1536)), ((440, 512), (1024, 1024))],
)
def test_the_nearest_aspect_is_taken(picture: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert SIZES["gpt-image-1"].choose(*picture)[0] == canvas


@given(width=SIDES, height=SIDES)
def test_a_grid_of_sizes_is_kept_to(width: int, height: int) -> None:
    (across, down), (wide, high) = SIZES["gpt-image-2"].choose(width, height)
    assert across % 16 == down % 16 == 0
    assert max(across, down) <= 3840
    assert 655_360 <= across * down <= 8_294_400
    assert max(across, down) <= 3 * min(across, down)
    assert 1 <= wide <= across and 1 <= high <= down


@given(width=st.integers(820, 2160), height=st.integers(820, 2160))
def test_a_grid_of_sizes_leaves_the_pixels_of_a_picture_that_fits(width: int, height: int) -> None:
    _, inside = SIZES["gpt-image-2"].choose(width, height)
    assert inside == (width, height)


@given(width=SIDES, height=SIDES, name=st.sampled_from(list(SIZES)))
def test_padding_keeps_the_aspect_to_a_pixel(width: int, height: int, name: str) -> None:
    _, (wide, high) = SIZES[name].choose(width, height)
    # With one scale s and sides rounded by less than a pixel each, (s w + a) h - (s h + b) w is below h + w.
    assert abs(wide * height - high * width) <= width + height


def test_every_ratio_is_what_it_is_called() -> None:
    for ratios in RATIOS.values():
        for name, (width, height) in ratios.items():
            across, _, down = name.partition(":")
            # The services round sides to multiples of 16 px and more, so a ratio holds to less than 3 %.
            assert width / height == pytest.approx(int(across) / int(down), rel=0.03)


@pytest.mark.parametrize("fit", ["pad", "stretch"])
@pytest.mark.parametrize("size", [(5, 7), (16, 16), (31, 8)])
def test_there_and_back_is_a_picture_of_the_same_size(size: tuple[int, int], fit: str) -> None:
    picture = torch.rand(1, 3, size[1], size[0], generator=torch.Generator().manual_seed(1))
    placement = Placement.on(sizes("24x16"), size, fit, "bicubic")
    out = placement.out(picture)
    assert out.shape == (1, 3, 16, 24)
    assert placement.back(out).shape == picture.shape


def test_borders_are_cut_off_again_exactly() -> None:
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    placement = Placement.on(sizes("24x16"), (16, 16), "pad", "lanczos")
    assert placement.offset == (4, 0)
    out = placement.out(picture)
    assert torch.equal(out[..., 4:20], picture)
    assert torch.equal(out[..., :4], picture[..., 1:5].flip(-1))  # reflected about the border pixel
    assert torch.equal(placement.back(out), picture)


def test_an_answer_of_another_size_is_brought_back_whole() -> None:
    placement = Placement.on(sizes("24x16"), (16, 16), "pad", "box")
    answer = torch.zeros(1, 3, 32, 48)
    answer[..., 8:40] = 1.0  # the picture's place, at twice the size of the canvas
    assert torch.equal(placement.back(answer), torch.ones(1, 3, 16, 16))


def test_the_control_does_the_same_without_the_service() -> None:
    picture = torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(2)).mul(255).round().div(255)
    control = HostedResize(HostedResizeParameters(sizes="24x24", fit="stretch", filter="bilinear"))
    copies, receipts = control.copy(picture, [0, 0], 1)
    placement = Placement.on(sizes("24x24"), (16, 12), "stretch", "bilinear")
    rounded = placement.out(picture).mul(255).round().div(255)  # what a PNG of 8 bits holds
    # Rounding to 8 bits divides by 255 in one order or another: last bits of float32.
    torch.testing.assert_close(copies, placement.back(rounded), atol=1e-6, rtol=0)
    assert receipts[0].effective["canvas"] == [24, 24]


@pytest.mark.parametrize("text", ["large", "0x5", "12", "99999x99999"])
def test_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="must be WIDTHxHEIGHT"):
        HostedResizeParameters(sizes=text)
