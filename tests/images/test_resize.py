import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.resize import FILTERS, Filter, fit, fitted_size, resize

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
SMOOTH: list[Filter] = ["bilinear", "bicubic", "lanczos"]


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize(
    "size", [(25, 20), (79, 61), (83, 7), (200, 150), (1, 1), (79, 30), (78, 61), (500, 3), (128, 64)]
)
def test_agrees_with_pillow_on_floats(filter: Filter, size: tuple[int, int]) -> None:
    # Pillow rounds to float32 between its two passes and at the end: two roundings of at most 6e-8 for values near 1,
    # the first weighed by a filter whose absolute weights sum to less than 2.
    picture = _noise(61, 79)
    expected = torch.from_numpy(
        np.stack([np.asarray(Image.fromarray(c.numpy()).resize(size, PILLOW[filter])) for c in picture[0]])
    )
    assert torch.allclose(resize(picture, *size, filter)[0], expected, rtol=0, atol=4e-7)


def test_a_box_averages_what_it_covers() -> None:
    row = torch.tensor([0.0, 1.0, 0.25, 0.75, 0.5, 0.5]).expand(1, 3, 1, 6)
    assert resize(row, 3, 1, "box")[0, 0, 0].tolist() == [0.5, 0.5, 0.5]
    assert resize(row, 2, 1, "box")[0, 0, 0].tolist() == pytest.approx([1.25 / 3, 1.75 / 3])


def test_a_triangle_enlarges_by_lines_between_pixel_centres() -> None:
    row = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)
    assert resize(row, 4, 1, "bilinear")[0, 0, 0].tolist() == [0.0, 0.25, 0.75, 1.0]


@given(st.sampled_from(FILTERS), st.integers(1, 40), st.integers(1, 40), st.integers(1, 150), st.integers(1, 150))
def test_a_flat_picture_stays_flat(filter: Filter, height: int, width: int, new_height: int, new_width: int) -> None:
    # Weights sum to 1 to within some 1e-16, which is lost when the result is rounded to float32.
    flat = torch.full((1, 3, height, width), 0.3)
    assert torch.allclose(resize(flat, new_width, new_height, filter), torch.tensor(0.3), rtol=0, atol=6e-8)


@given(st.sampled_from(FILTERS), st.integers(1, 20), st.integers(1, 20))
def test_the_same_size_is_the_same_picture(filter: Filter, height: int, width: int) -> None:
    picture = _noise(height, width)
    assert torch.equal(resize(picture, width, height, filter), picture)


@pytest.mark.parametrize("filter", FILTERS)
def test_mirrored_input_gives_mirrored_output(filter: Filter) -> None:
    # Sums in float64 in another order differ by 1e-16, which shows as at most one float32 rounding. The sizes are such
    # that no output centre falls on the border between two pixels, where nearest and box must take a side.
    picture = _noise(45, 77)
    mirrored = resize(picture.flip(-1), 21, 100, filter).flip(-1)
    assert torch.allclose(mirrored, resize(picture, 21, 100, filter), rtol=0, atol=6e-8)


@pytest.mark.parametrize("filter", SMOOTH)
def test_shrinking_removes_what_the_smaller_grid_cannot_hold(filter: Filter) -> None:
    # Stripes of one pixel: without antialiasing every fourth pixel would be of one colour and the result flat black.
    stripes = torch.tensor([0.0, 1.0]).repeat(64).expand(1, 3, 4, 128)
    inner = resize(stripes, 32, 4, filter)[..., 4:-4]
    assert torch.allclose(inner, torch.tensor(0.5), atol=0.01)


def test_cubic_and_lanczos_overshoot_and_are_not_clamped() -> None:
    edge = torch.tensor([0.0] * 8 + [1.0] * 8).expand(1, 3, 1, 16)
    for filter in ("bicubic", "lanczos"):
        enlarged = resize(edge, 64, 1, filter)
        assert enlarged.min() < -0.03
        assert enlarged.max() > 1.03


@pytest.mark.parametrize("filter", FILTERS)
def test_is_linear_and_blind_to_the_batch(filter: Filter) -> None:
    pictures = torch.cat([_noise(30, 41, seed) for seed in range(3)])
    together = resize(pictures, 17, 50, filter)
    for picture, expected in zip(pictures.split(1), together.split(1), strict=True):
        # A product of another shape may sum in another order: at most one float32 rounding.
        assert torch.allclose(resize(picture, 17, 50, filter), expected, rtol=0, atol=6e-8)
    mixed = resize(0.25 * pictures[:1] - 2 * pictures[1:2], 17, 50, filter)
    # Five roundings to float32 of values below 3.
    assert torch.allclose(mixed, 0.25 * together[:1] - 2 * together[1:2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("filter", FILTERS)
def test_gradients_flow_even_after_use_under_inference_mode(filter: Filter) -> None:
    with torch.inference_mode():
        resize(_noise(13, 19), 7, 11, filter)
    picture = _noise(13, 19).double().requires_grad_()
    resize(picture, 7, 11, filter).sum().backward()
    assert picture.grad is not None
    # Each output pixel is an average of the input, so 77 of them in 3 channels pass on 231 in all.
    assert float(picture.grad.sum()) == pytest.approx(3 * 7 * 11)


@pytest.mark.parametrize(("size", "named"), [((0, 5), "0x5 px"), ((5, -1), "5x-1 px")])
def test_refuses_impossible_sizes(size: tuple[int, int], named: str) -> None:
    with pytest.raises(UserError, match=named):
        resize(_noise(4, 4), *size)


def test_refuses_an_unknown_filter() -> None:
    with pytest.raises(UserError, match="'sinc' is unknown; there is nearest, box"):
        resize(_noise(4, 4), 2, 2, "sinc")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "longest", "after"),
    [
        ((640, 480), 256, (256, 192)),
        ((480, 640), 256, (192, 256)),
        ((100, 80), 256, (100, 80)),
        ((1000, 1), 100, (100, 1)),
        ((1000, 25), 100, (100, 3)),  # 2.5: half goes up
        ((3, 2), 1, (1, 1)),
    ],
)
def test_fits_a_size_and_never_enlarges(before: tuple[int, int], longest: int, after: tuple[int, int]) -> None:
    assert fitted_size(*before, longest) == after
    assert fit(np.zeros((before[1], before[0], 3), dtype=np.uint8), longest).shape == (after[1], after[0], 3)


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 9000))
def test_a_fitted_size_keeps_the_aspect_to_half_a_pixel(width: int, height: int, longest: int) -> None:
    new_width, new_height = fitted_size(width, height, longest)
    scale = min(1.0, longest / max(width, height))
    assert max(new_width, new_height) <= longest or scale == 1
    assert abs(new_width - max(1, width * scale)) <= 0.5 + 1e-9
    assert abs(new_height - max(1, height * scale)) <= 0.5 + 1e-9


def test_refuses_to_fit_nothing() -> None:
    with pytest.raises(UserError, match="the size is 0 px"):
        fitted_size(4, 4, 0)


def _noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed))
