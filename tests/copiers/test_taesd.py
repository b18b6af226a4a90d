from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from simulacra.copiers import make
from simulacra.errors import MissingWeights, UserError
from simulacra.images.pixels import to_picture, to_pixels

from .conftest import decoder, encoder

Write = Callable[..., Path]


@pytest.mark.parametrize("pooled", [False, True], ids=["as taesd", "as taef2"])
@pytest.mark.parametrize("latents", [4, 16, 32])
def test_rebuilds_the_network_that_the_files_belong_to(
    taesd_files: Write, crop: Tensor, latents: int, pooled: bool
) -> None:
    first, second = encoder(latents, pooled=pooled), decoder(latents, pooled=pooled)
    copier = make(f"taesd:folder={taesd_files(first, second)}")
    padded = nn.functional.pad(crop, (0, 5, 0, 7), mode="reflect")  # 131x97 to 136x104
    with torch.no_grad():
        expected = second.half().float()(first.half().float()(padded)).clamp(0, 1)[..., :97, :131]
    copy, receipts = copier.copy(crop, [0], 1)
    # The same layers on the same numbers: single precision, sums in whatever order.
    assert torch.allclose(copy, expected, atol=1e-5)
    assert receipts[0].effective == {"factor": 8, "padded_to": [136, 104]}


def test_the_factor_follows_the_files(taesd_files: Write, crop: Tensor) -> None:
    folder = taesd_files(encoder(4, halvings=2), decoder(4, doublings=2))
    copy, receipts = make(f"taesd:folder={folder}").copy(crop, [0], 1)
    assert copy.shape == crop.shape
    assert receipts[0].effective["factor"] == 4


def test_safetensors_and_single_files_give_the_same_copier(taesd_files: Write, tmp_path: Path, crop: Tensor) -> None:
    folder = taesd_files(encoder(4), decoder(4))
    parts = {}
    for part in ("encoder", "decoder"):
        tensors = torch.load(folder / f"tiny_{part}.pth", weights_only=True)
        parts[part] = tmp_path / f"{part}.safetensors"
        safetensors.torch.save_file(tensors, parts[part])
    named = make(f"taesd:encoder={parts['encoder']},decoder={parts['decoder']}")
    assert torch.equal(named.copy(crop, [0], 1)[0], make(f"taesd:folder={folder}").copy(crop, [0], 1)[0])


def test_identity_is_the_bytes_and_not_the_place(taesd_files: Write, tmp_path: Path) -> None:
    folder = taesd_files(encoder(4), decoder(4))
    before = make(f"taesd:folder={folder}").operator()
    moved = folder.rename(tmp_path / "elsewhere")
    assert make(f"taesd:folder={moved}").operator() == before
    assert str(tmp_path) not in str(before)


def test_real_files_give_the_known_drift(taef2_folder: Path, astronaut: NDArray[np.uint8]) -> None:
    pixels = np.asarray(Image.fromarray(astronaut).resize((256, 256), Image.Resampling.LANCZOS))
    copier, copy, psnrs = make(f"taesd:folder={taef2_folder}"), pixels, []
    for step in range(1, 7):
        copy = to_pixels(copier.copy(to_picture(copy.copy()), [0], step)[0])
        psnrs.append(10 * np.log10(255**2 / ((copy.astype(float) - pixels) ** 2).mean()))
    # Published for these files and this picture: 28.8 dB after 1 copy, 19.1 after 6; a decimal for another resampling.
    assert psnrs[0] == pytest.approx(28.8, abs=0.1)
    assert psnrs[5] == pytest.approx(19.1, abs=0.1)


def test_files_of_another_network_are_refused(taesd_files: Write, tmp_path: Path) -> None:
    good = taesd_files(encoder(4), decoder(4))
    other = tmp_path / "other.pth"
    torch.save(nn.Linear(3, 3).state_dict(), other)
    _refused(f"taesd:encoder={other},decoder={good / 'tiny_decoder.pth'}", "holds no encoder of the TAESD family")
    _refused(f"taesd:encoder={good / 'tiny_encoder.pth'},decoder={other}", "holds no decoder of the TAESD family")
    swapped = f"taesd:encoder={good / 'tiny_decoder.pth'},decoder={good / 'tiny_encoder.pth'}"
    _refused(swapped, "holds no encoder of the TAESD family|do not fit together")
    _refused(f"taesd:folder={taesd_files(encoder(4), decoder(16), 'mixed')}", "do not fit together")
    _refused(f"taesd:folder={taesd_files(encoder(4), decoder(4, doublings=2), 'uneven')}", "do not fit together")


def test_a_file_that_would_run_code_is_refused_and_does_not(taesd_files: Write, tmp_path: Path) -> None:
    good, trace = taesd_files(encoder(4), decoder(4)), tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trace,)

    torch.save({"0.weight": Trap()}, tmp_path / "trap.pth")
    _refused(f"taesd:encoder={tmp_path / 'trap.pth'},decoder={good / 'tiny_decoder.pth'}", "does not read as weights")
    assert not trace.exists()


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors"])
@pytest.mark.parametrize("data", [b"", b"not weights at all", b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused(taesd_files: Write, tmp_path: Path, name: str, data: bytes) -> None:
    good = taesd_files(encoder(4), decoder(4))
    (tmp_path / name).write_bytes(data)
    _refused(f"taesd:encoder={tmp_path / name},decoder={good / 'tiny_decoder.pth'}", "does not read as weights")


def test_paths_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    _refused(f"taesd:folder={tmp_path / 'none'}", "which is no folder; give one with")
    _refused(f"taesd:folder={tmp_path}", "must hold one encoder file .* and holds none; give encoder=FILE")
    _refused(
        f"taesd:encoder={tmp_path / 'a.pth'},decoder={tmp_path / 'b.pth'}", "cannot read the weights .*No such file"
    )
    _refused("taesd:encoder=a.bin,decoder=b.bin", r"neither \.pth nor \.safetensors")


def test_without_files_it_says_which_parameter_names_them() -> None:
    with pytest.raises(MissingWeights, match=r"type taesd:folder=DIR or taesd:encoder=FILE,decoder=FILE$"):
        make("taesd").check()


def _refused(specification: str, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        make(specification).check()
    assert "\n" not in str(caught.value)
