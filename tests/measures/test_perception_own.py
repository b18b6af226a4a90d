"""The networks' real weights are nobody's to ship, so files of the published names and shapes, filled at random, take
their place: the loading code is the real one, and what the published code makes of the same files is the oracle.
"""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchmetrics.functional.image.dists as published_dists
import torchmetrics.functional.image.lpips as published_lpips
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from simulacra import weights
from simulacra.errors import UserError
from simulacra.images.pixels import to_picture
from simulacra.measures import features_transformers
from simulacra.measures.contract import Against, Channel, Features
from simulacra.measures.meter import ChainMeter, available_channels
from simulacra.measures.perception_own import CLIP, DISTS, LPIPS, LPIPSVGG, DINOv2, DreamSim

CHANNELS: list[type[Channel]] = [LPIPS, LPIPSVGG, DISTS, CLIP, DINOv2, DreamSim]
PACKAGED = ("lpips-heads", "dists-weights")

# torchvision's `features`: channels of the convolutions with kernel, stride and padding; "M" for pooling.
ALEXNET = [(64, 11, 4, 2), "M", (192, 5, 1, 2), "M", (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1), "M"]
VGG16 = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]


def features_of(layout: list[object], pool: int) -> nn.Sequential:
    """A trunk as torchvision builds it, with weights at random that keep the activations' size."""
    draw = torch.Generator().manual_seed(101)
    layers: list[nn.Module] = []
    before = 3
    for entry in layout:
        if entry == "M":
            layers.append(nn.MaxPool2d(pool, 2))
            continue
        after, kernel, stride, padding = entry if isinstance(entry, tuple) else (entry, 3, 1, 1)
        with torch.device("meta"):
            convolution = nn.Conv2d(before, after, kernel, stride, padding)
        spread = (2 / (before * kernel**2)) ** 0.5
        weight = torch.randn(convolution.weight.shape, generator=draw) * spread
        bias = torch.randn(after, generator=draw) / 10
        convolution.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        layers += [convolution, nn.ReLU()]
        before = after
    return nn.Sequential(*layers).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def trunks() -> dict[str, nn.Sequential]:
    return {"alexnet": features_of(ALEXNET, 3), "vgg16": features_of(VGG16, 2)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny CLIP and a tiny DINOv2 as transformers saves them."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    words = {"vocab_size": 10, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    sight = {"image_size": 28, "patch_size": 7}
    clip = transformers.CLIPConfig(text_config=small | words, vision_config=small | sight, projection_dim=8)
    dino = transformers.Dinov2Config(
        **sight, **{key: value for key, value in small.items() if key != "intermediate_size"}
    )
    processors = {
        "clip": transformers.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        "dinov2": transformers.BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}),
    }
    made = {}
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(7)
        models = {"clip": transformers.CLIPModel(clip), "dinov2": transformers.Dinov2Model(dino)}
    for name, model in models.items():
        made[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(made[name])
        processors[name].save_pretrained(made[name])
    return made


@pytest.fixture(scope="module", autouse=True)
def cache(
    tmp_path_factory: pytest.TempPathFactory,
    trunks: dict[str, nn.Sequential],
    folders: dict[str, Path],
    dreamsim_folder: Path,
) -> Iterator[Path]:
    """A cache with what packages carry, and with files of one's own, taken as a person takes them."""
    carried = [(file, weights.find(name, file.name)) for name in PACKAGED for file in weights.network(name).files]
    given = tmp_path_factory.mktemp("given")
    cache = tmp_path_factory.mktemp("cache")
    for file, path in carried:
        (cache / file.stored).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMULACRA_WEIGHTS", str(cache))
        tensors = {f"features.{key}": value for key, value in trunks["alexnet"].state_dict().items()}
        torch.save(tensors, given / "alexnet.pth")
        save_file({f"features.{k}": v for k, v in trunks["vgg16"].state_dict().items()}, given / "vgg16.safetensors")
        weights.take("alexnet", str(given / "alexnet.pth"))
        weights.take("vgg16", str(given / "vgg16.safetensors"))
        for name, folder in (*folders.items(), ("dreamsim", dreamsim_folder)):
            weights.take(name, str(folder))
        yield cache


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def pictures(astronaut: NDArray[np.uint8]) -> Tensor:
    """Three that differ, 64 x 72 px."""
    crops = [
        astronaut[row : row + 64, column : column + 72].copy() for row, column in ((60, 180), (62, 183), (300, 40))
    ]
    return torch.cat([to_picture(crop) for crop in crops])


@pytest.mark.parametrize(("kind", "net", "trunk"), [(LPIPS, "alex", "alexnet"), (LPIPSVGG, "vgg", "vgg16")])
def test_lpips_is_the_published_one(
    kind: type[LPIPS],
    net: str,
    trunk: str,
    trunks: dict[str, nn.Sequential],
    pictures: Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_lpips, "_get_tv_model_features", lambda name, pretrained: trunks[trunk])
    oracle = published_lpips._LPIPS(net=net)
    expected = oracle(2 * pictures[1:] - 1, 2 * pictures[:1].expand(2, -1, -1, -1) - 1).flatten().tolist()
    channel = kind()
    (values,) = channel.compare(channel.prepare(pictures[1:]), channel.prepare(pictures[:1])).values()
    # The oracle adds 1e-8 under the root of the length where the paper's code adds 1e-10 after it.
    assert values == pytest.approx(expected, rel=1e-4)
    assert min(expected) > 1e-3


def test_dists_is_the_published_one(
    trunks: dict[str, nn.Sequential], pictures: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SimpleNamespace(features=trunks["vgg16"])
    monkeypatch.setattr(published_dists, "_TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr(published_dists, "vgg16", lambda weights: whole, raising=False)
    monkeypatch.setattr(published_dists, "VGG16_Weights", SimpleNamespace(DEFAULT=None), raising=False)
    expected = published_dists.DISTSNetwork()(pictures[1:], pictures[:1].expand(2, -1, -1, -1)).tolist()
    channel = DISTS()
    (values,) = channel.compare(channel.prepare(pictures[1:]), channel.prepare(pictures[:1])).values()
    # Float32 sums over places there, and a covariance as the difference of two means.
    assert values == pytest.approx(expected, abs=2e-5)
    assert min(expected) > 1e-2


def test_clip_and_dinov2_are_what_their_library_makes_of_the_same_folder(
    folders: dict[str, Path], pictures: Tensor
) -> None:
    import transformers

    clip = transformers.CLIPModel.from_pretrained(folders["clip"]).eval()
    dino = transformers.Dinov2Model.from_pretrained(folders["dinov2"]).eval()
    answers: dict[str, Callable[[Tensor], Tensor]] = {
        "clip": lambda x: clip.visual_projection(clip.vision_model(x).pooler_output),
        "dinov2": lambda x: dino(x).last_hidden_state[:, 0],
    }
    for channel in (CLIP(), DINOv2()):
        network = features_transformers.network(channel.own, weights.taken(channel.own))
        shown = torch.cat([features_transformers.look(each, network.view) for each in torch.split(pictures, 1)])
        features = nn.functional.normalize(answers[channel.name](shown).double(), dim=1)
        expected = (1 - features @ features[0])[1:].tolist()
        (values,) = channel.compare(channel.prepare(pictures[1:]), channel.prepare(pictures[:1])).values()
        # Float32 through two layers, in batches there and one by one here.
        assert values == pytest.approx(expected, abs=1e-6), channel.name
        assert min(expected) > 1e-5


@pytest.mark.parametrize("size", [(64, 72), (90, 40), (20, 33)])
@pytest.mark.parametrize("name", ["clip", "dinov2"])
def test_pictures_are_shown_as_the_library_shows_them(
    astronaut: NDArray[np.uint8], folders: dict[str, Path], name: str, size: tuple[int, int]
) -> None:
    import transformers

    processor = {"clip": transformers.CLIPImageProcessorPil, "dinov2": transformers.BitImageProcessorPil}[name]
    pixels = astronaut[60 : 60 + size[0], 180 : 180 + size[1]].copy()
    expected = processor.from_pretrained(folders[name])(Image.fromarray(pixels), return_tensors="np")["pixel_values"]
    view = features_transformers.network(name, weights.taken(name)).view  # type: ignore[arg-type]
    shown = features_transformers.look(to_picture(pixels), view)
    assert shown.shape == expected.shape
    # The library rounds to 8 bits after each axis; its colours are then divided by a spread of 0.22 or more.
    np.testing.assert_allclose(shown.numpy(), expected, atol=1.5 / 255 / 0.22)


@pytest.mark.parametrize("kind", CHANNELS)
def test_equal_frames_differ_by_exactly_nothing_in_any_batch(kind: type[Channel], pictures: Tensor) -> None:
    channel = kind()
    together = channel.prepare(pictures)
    for index in range(len(pictures)):
        alone = channel.prepare(pictures[index : index + 1])
        assert all(torch.equal(alone[key][0], together[key][index]) for key in together)
    (values,) = channel.compare(together, together).values()
    assert values == [0, 0, 0]
    first: Features = {key: value[:1] for key, value in together.items()}
    (values,) = channel.compare(together, first).values()  # one reference serves them all
    assert values[0] == 0
    assert all(isinstance(value, float) and value > 0 for value in values[1:])
    assert channel.describe(together) == {}


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("size", [(1, 1), (15, 40), (30, 31), (8, 300)])
def test_small_pictures_have_a_value_or_a_reason(kind: type[Channel], size: tuple[int, int]) -> None:
    channel = kind()
    noise = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    features = channel.prepare(noise)
    (values,) = channel.compare(features, features).values()
    if kind in (CLIP, DINOv2, DreamSim) or (min(size) >= 16 and kind is not LPIPS):
        assert values == [0, 0]
    else:
        assert all("too small" in value.reason for value in values)  # type: ignore[union-attr]


def test_larger_pictures_are_reduced_first() -> None:
    picture = torch.rand(1, 3, 300, 512, generator=torch.Generator().manual_seed(1))
    assert LPIPS().prepare(picture)["vector"].shape == LPIPS().prepare(torch.zeros(1, 3, 150, 256))["vector"].shape


def test_they_measure_a_chain_when_named(pictures: Tensor) -> None:
    channels, absent = available_channels([kind.name for kind in CHANNELS])
    assert absent == {}
    rows = ChainMeter(channels.values()).measure(pictures)
    names = {measure.name for kind in CHANNELS for measure in kind.measures}
    assert rows[0]["origin"] == dict.fromkeys(names, 0)
    assert rows[1]["origin"] == rows[1]["previous"]
    assert set(rows[2]["origin"]) == names
    assert not set(available_channels()[0]) & {kind.name for kind in CHANNELS}  # never unasked


def test_the_digests_are_of_the_files_that_ran(folders: dict[str, Path]) -> None:
    assert set(LPIPS().weights()) == {"alexnet.pth", "lpips-alex.pth"}
    assert set(LPIPSVGG().weights()) == {"vgg16.safetensors", "lpips-vgg.pth"}
    assert set(DISTS().weights()) == {"vgg16.safetensors", "dists.pt"}
    assert set(CLIP().weights()) == {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert CLIP().weights() != DINOv2().weights()
    files = {"dino_vitbase16_pretrain.pth", "adapter_config.json", "adapter_model.safetensors"}
    assert set(DreamSim().weights()) == files


@pytest.mark.parametrize("kind", CHANNELS)
def test_without_weights_it_says_what_to_type(
    kind: type[Channel], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert kind().unavailable() is None
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    reason = kind().unavailable()
    assert reason is not None
    assert "at hand, type: simulacra weights add " in reason


def test_without_the_heads_it_says_what_to_type(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to(cache / "own")
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    assert LPIPS().unavailable() == (
        "the weights lpips-heads are not on this machine; type: simulacra weights get lpips-heads"
    )


def test_a_folder_with_a_part_of_the_weights_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folders["dinov2"] / name).read_bytes())
    tensors = load_file(folders["dinov2"] / "model.safetensors")
    gone = tensors.pop("layernorm.weight")
    assert gone is not None
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lacks weights of dinov2, such as layernorm\.weight"):
        features_transformers.network("dinov2", tmp_path)


def test_a_folder_that_does_not_load_is_told_in_one_sentence(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["clip"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    settings["crop_size"] = {"height": 99, "width": 99}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="cuts 99x99 px out of a shorter side of 28 px") as caught:
        features_transformers.network("clip", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_measure_states_its_protocol(kind: type[Channel]) -> None:
    (measure,) = kind.measures
    assert measure.against is Against.REFERENCE
    assert measure.definition.endswith(".")
    assert measure.source
    assert not kind.by_default
    (entry,) = entry_points(group="simulacra.measures", name=kind.name)
    assert entry.load() is kind
