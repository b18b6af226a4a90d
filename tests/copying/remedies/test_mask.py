from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from simulacra.copying.remedies import make
from simulacra.copying.remedies.mask import feathered
from simulacra.errors import UserError


def saved(folder: Path, mask: NDArray[np.uint8], name: str = "mask.png") -> Path:
    Image.fromarray(mask).save(folder / name)
    return folder / name


def box(width: int = 40, height: int = 30) -> NDArray[np.uint8]:
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[10:20, 10:30] = 255
    return mask


def some(seed: int, width: int = 40, height: int = 30) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("feather", [0, 4])
def test_outside_the_mask_every_frame_is_the_original_exactly(tmp_path: Path, feather: int) -> None:
    file = saved(tmp_path, box())
    copied, parent, origin = some(1), some(2), some(3)
    treated = make(f"mask:file={file},feather={feather}").after(copied, parent, origin, 1)
    outside = torch.from_numpy(box() == 0)
    assert torch.equal(treated[..., outside], origin[..., outside])
    middle = (slice(None), slice(None), slice(14, 16), slice(14, 26))  # 4 px and more inside
    assert torch.equal(treated[middle], copied[middle])


def test_without_a_feather_the_inside_is_the_copy_exactly(tmp_path: Path) -> None:
    file = saved(tmp_path, box())
    copied, origin = some(1), some(3)
    inside = torch.from_numpy(box() == 255)
    assert torch.equal(make(f"mask:file={file}").after(copied, origin, origin, 1)[..., inside], copied[..., inside])


def test_grey_mixes(tmp_path: Path) -> None:
    file = saved(tmp_path, np.full((30, 40), 51, dtype=np.uint8))
    copied, origin = some(1), some(3)
    treated = make(f"mask:file={file}").after(copied, origin, origin, 1)
    assert torch.allclose(treated, 0.8 * origin + 0.2 * copied, atol=1e-6)  # float32


def test_the_feather_fades_in_from_the_edge_to_its_depth() -> None:
    mask = torch.zeros(1, 1, 21, 30)
    mask[..., 10:] = 1
    row = feathered(mask, 5)[0, 0, 10]
    assert float(row[:10].max()) == 0
    assert (row[10:16].diff() > 0).sum() == 4  # pixel 10 lies half a pixel inside, pixel 14 at the depth
    assert torch.equal(row[14:], torch.ones(16))
    assert torch.equal(feathered(torch.ones(1, 1, 8, 8), 5), torch.ones(1, 1, 8, 8))  # the picture's border is no edge


def test_a_mask_of_the_pictures_shape_is_resized_and_that_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path, np.kron(box(), np.full((2, 2), 1, dtype=np.uint8)))
    remedy = make(f"mask:file={file}")
    assert remedy.check(40, 30) == ("the mask was resized from 80x60 to 40x30 px",)
    assert remedy.check(80, 60) == ()
    copied, origin = some(1), some(3)
    treated = remedy.after(copied, origin, origin, 1)
    deep = (slice(None), slice(None), slice(0, 9), slice(None))  # a pixel away from the edge, where resizing mixes
    assert torch.equal(treated[deep], origin[deep])


def test_shrinking_may_round_a_side(tmp_path: Path) -> None:
    white = np.zeros((667, 1000), dtype=np.uint8)
    white[100:200, 100:200] = 255
    assert make(f"mask:file={saved(tmp_path, white)}").check(512, 342)  # 341.5 px


@pytest.mark.parametrize(
    ("mask", "feather", "said"),
    [
        (np.zeros((30, 40), dtype=np.uint8), 0, "leaves nothing to the copy"),
        (np.full((30, 40), 255, dtype=np.uint8), 0, "is white everywhere"),
        (box(30, 40), 0, "which is not the shape of a picture of 40x30 px; give a mask of that size"),
    ],
)
def test_a_mask_that_fits_or_does_nothing_is_refused(
    tmp_path: Path, mask: NDArray[np.uint8], feather: int, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        make(f"mask:file={saved(tmp_path, mask)},feather={feather}").check(40, 30)


def test_a_feather_that_eats_the_mask_is_refused(tmp_path: Path) -> None:
    thin = np.zeros((30, 40), dtype=np.uint8)
    thin[:, 20] = 255
    with pytest.raises(UserError, match="leaves nothing to the copy, feathered by 9 px"):
        make(f"mask:file={saved(tmp_path, thin)},feather=9").check(40, 30)


def test_a_mask_that_is_missing_or_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs its mask; type mask:file=MASK\.png"):
        make("mask").check(40, 30)
    with pytest.raises(UserError, match=r"none\.png does not exist"):
        make(f"mask:file={tmp_path / 'none.png'}").check(40, 30)


def test_the_identity_follows_the_pixels_of_the_mask_and_not_its_path(tmp_path: Path) -> None:
    one, twin = (saved(tmp_path, box(), name) for name in ("one.png", "twin.bmp"))
    moved = saved(tmp_path, np.roll(box(), 1, axis=0), "moved.png")
    operators = [make(f"mask:file={file}").operator() for file in (one, twin, moved)]
    assert operators[0] == operators[1] != operators[2]
    assert str(tmp_path) not in str(operators)
