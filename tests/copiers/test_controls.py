from typing import get_args

import pytest
import torch
from torch import Tensor

from simulacra.copiers import make
from simulacra.copiers.controls import Filter
from simulacra.images.pixels import to_pixels
from simulacra.images.resize import FILTERS, resize


def test_filters_are_those_of_the_resizer() -> None:
    assert get_args(Filter) == FILTERS


def test_identity_changes_nothing_and_shares_nothing(crop: Tensor) -> None:
    copy, receipts = make("identity").copy(crop, [0], 1)
    assert torch.equal(copy, crop)
    assert copy.data_ptr() != crop.data_ptr()
    assert receipts[0].seconds == 0


def test_resize_by_scale_is_the_two_resizes_and_no_more(crop: Tensor) -> None:
    height, width = crop.shape[-2:]  # 97, 131
    copy, receipts = make("resize:filter=lanczos,scale=0.5").copy(crop, [0], 1)
    small = resize(crop, 66, 48, "lanczos").clamp(0, 1)
    assert torch.equal(copy, resize(small, width, height, "lanczos").clamp(0, 1))
    assert receipts[0].effective["resized_to"] == [66, 48]


def test_resize_by_a_factor_pads_odd_sizes_and_does_not_shift(crop: Tensor) -> None:
    copy, receipts = make("resize:factor=4").copy(crop, [0], 1)
    assert copy.shape == crop.shape
    assert receipts[0].effective == {"filter": "bicubic", "resized_to": [33, 25], "padded_to": [132, 100]}
    # A linear ramp is what every symmetric filter leaves in place; a shift of a hundredth of a pixel would show.
    ramp = torch.linspace(0.2, 0.8, 132).expand(1, 3, 100, 132)
    copied, _ = make("resize:factor=4").copy(ramp, [0], 1)
    assert torch.allclose(copied[..., 20:-20], ramp[..., 20:-20], atol=0.01 * 0.6 / 131)


def test_lanczos_down_and_up_runs_away_over_thirty_copies(crop: Tensor) -> None:
    # Each round trip overshoots edges a little and rounding to 8 bits never takes it back.
    copier, copy, errors = make("resize:filter=lanczos,scale=0.9765625"), crop, []
    for step in range(1, 31):
        copied, _ = copier.copy(copy, [0], step)
        copy = torch.from_numpy(to_pixels(copied)).permute(2, 0, 1)[None] / 255
        errors.append(float((copy - crop).square().mean()))
    assert errors[0] < errors[9] < errors[29]
    assert errors[29] > 4 * errors[9]


@pytest.mark.parametrize("specification", ["resize:filter=nearest,factor=2", "resize:filter=box,scale=0.1"])
def test_a_picture_of_one_pixel_survives(specification: str) -> None:
    picture = torch.full((1, 3, 1, 1), 0.25)
    copy, _ = make(specification).copy(picture, [0], 1)
    assert torch.equal(copy, picture)
