"""What pictures become: the same in any batch, resized as named, refused when they are no pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from simulacra.errors import MissingWeights, UserError
from simulacra.images.resize import resize
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.features_dinov2 import DINOv2
from simulacra.measures.of_sets.features_effnetlite0 import EffNetLite0
from simulacra.measures.of_sets.features_pixels import Pixels
from simulacra.measures.of_sets.named import open_features


@pytest.fixture(scope="module")
def pictures(astronaut: np.ndarray) -> Tensor:
    """Four windows of the portrait, 96 px."""
    windows = [astronaut[y : y + 96, x : x + 96] for y, x in ((0, 180), (60, 200), (200, 100), (400, 300))]
    return torch.from_numpy(np.stack(windows).transpose(0, 3, 1, 2).copy()).float() / 255


@pytest.fixture(scope="module")
def dinov2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DINOv2 with random weights, saved as any is."""
    from transformers import Dinov2Config, Dinov2Model

    folder = tmp_path_factory.mktemp("dinov2")
    config = Dinov2Config(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=224, patch_size=14)
    with torch.random.fork_rng():
        Dinov2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["pixels", "effnetlite0", "dinov2"])
def features(request: pytest.FixtureRequest, dinov2_folder: Path) -> Features:
    made: dict[str, Features] = {"pixels": Pixels(16), "effnetlite0": EffNetLite0(), "dinov2": DINOv2(dinov2_folder)}
    return made[request.param]


def test_gives_its_length_of_finite_numbers_that_tell_pictures_apart(features: Features, pictures: Tensor) -> None:
    numbers = features.extract(pictures)
    assert numbers.shape == (4, features.length)
    assert numbers.dtype == torch.float32
    assert torch.isfinite(numbers).all()
    assert len(numbers.unique(dim=0)) == 4


def test_a_picture_has_the_same_bits_in_any_batch(features: Features, pictures: Tensor) -> None:
    together = features.extract(pictures)
    alone = torch.cat([features.extract(picture[None]) for picture in pictures.flip(0)]).flip(0)
    assert torch.equal(together, alone)


def test_identity_follows_what_decides_the_numbers(features: Features) -> None:
    assert features.identity == features.identity
    assert len({features.identity, Pixels(8).identity, Pixels(8, "nearest").identity}) == 3


def test_no_pictures_give_no_rows(features: Features) -> None:
    assert features.extract(torch.empty(0, 3, 8, 8)).shape == (0, features.length)


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (torch.zeros(1, 1, 8, 8), r"^the pictures are float32 of shape \(1, 1, 8, 8\); features need float32"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "^the pictures are uint8"),
        (torch.full((1, 3, 8, 8), -1.0), r"^the pictures reach from -1 to -1; features need sRGB in \[0, 1\]$"),
        (torch.full((1, 3, 8, 8), 255.0), "^the pictures reach from 255 to 255"),
        (torch.full((1, 3, 8, 8), torch.nan), "^the pictures reach from nan to nan"),
    ],
)
def test_refuses_what_are_no_pictures(pictures: Tensor, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Pixels(4).extract(pictures)


def test_pixels_are_the_picture_itself_at_its_own_size(pictures: Tensor) -> None:
    assert torch.equal(Pixels(96).extract(pictures), pictures.flatten(1))


def test_shrinking_is_antialiased_and_the_name_says_so() -> None:
    # Stripes of one pixel: antialiased they are grey, by the nearest pixel they are black or white, another picture.
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 1
    assert Pixels(16).extract(stripes).unique().tolist() == [0.5]
    assert Pixels(16, "nearest").extract(stripes).unique().tolist() in ([0.0], [1.0])
    assert Pixels(16).resizing == "16 px squares, box, antialiased"
    assert Pixels(16, "nearest").resizing == "16 px squares, nearest, not antialiased"


def test_the_network_does_not_see_stripes_that_its_side_cannot_hold(pictures: Tensor) -> None:
    large = resize(pictures[:2], 896, 896, "bicubic").clamp(0.2, 0.8)
    striped = large + 0.2 * torch.tensor([1.0, -1.0]).repeat(448)
    plain, seen = EffNetLite0().extract(large), EffNetLite0().extract(striped)
    taken = EffNetLite0().extract(resize(striped, 224, 224, "nearest"))  # every light stripe and no dark one
    apart = float((plain[0] - plain[1]).norm())
    # what is left of the stripes comes from the border, where the cubic is cut off
    assert float((seen - plain).norm()) < 0.15 * apart
    assert float((taken - plain).norm()) > 0.5 * apart
    assert "antialiased" in EffNetLite0.resizing and "bicubic" in EffNetLite0.resizing


def test_effnetlite0_needs_its_weights_and_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingWeights, match="simulacra weights get efficientnet-lite0"):
        EffNetLite0().extract(torch.zeros(1, 3, 8, 8))


def test_dinov2_is_the_class_token_of_the_normalised_picture(dinov2_folder: Path, pictures: Tensor) -> None:
    from transformers import Dinov2Model

    model = Dinov2Model.from_pretrained(dinov2_folder, local_files_only=True).eval()
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shown = Image.fromarray((pictures[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
    shown = torch.from_numpy(np.asarray(shown.resize((224, 224), Image.Resampling.BICUBIC)).copy()).float() / 255
    with torch.no_grad():
        token = model(pixel_values=((shown - mean) / spread).permute(2, 0, 1)[None]).last_hidden_state[0, 0]
    # Pillow rounds the enlarged picture to 8 bits
    assert float((DINOv2(dinov2_folder).extract(pictures[:1])[0] - token).abs().max()) < 0.02


def test_dinov2_refuses_other_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no config\.json; give a folder of DINOv2"):
        DINOv2(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="holds a bert network; give a folder of DINOv2"):
        DINOv2(tmp_path).extract(torch.zeros(1, 3, 8, 8))


def test_a_resize_before_the_features_shows_in_the_numbers(pictures: Tensor) -> None:
    # The trap of reference pictures shrunk by another filter: half the size by box and by Lanczos are two data sets.
    box, lanczos = (Pixels(48).extract(resize(pictures, 48, 48, filter).clamp(0, 1)) for filter in ("box", "lanczos"))
    assert float((box - lanczos).abs().max()) > 0.02


@pytest.mark.parametrize(
    ("text", "name"), [("effnetlite0", "effnetlite0"), ("pixels", "pixels32"), ("pixels:8", "pixels8")]
)
def test_features_open_by_name(text: str, name: str) -> None:
    assert open_features(text).name == name


def test_dinov2_opens_by_folder(dinov2_folder: Path) -> None:
    assert open_features(f"dinov2:{dinov2_folder}").length == 24


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("effnet", "^features 'effnet' is unknown; did you mean effnetlite0"),
        ("effnetlite0:5", "take no argument"),
        ("pixels:big", "^the side of the pixel features is 'big'; it must be a whole number"),
        ("pixels:0", "^the side of the pixel features is 0 px; it must be 1 or more$"),
        ("inception", "need a file; type: inception:FILE"),
        ("inception:nowhere.pth", r"^there is no file nowhere\.pth"),
        ("dinov2", "need a folder; type: dinov2:FOLDER"),
    ],
)
def test_refuses_other_names(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        open_features(text)
