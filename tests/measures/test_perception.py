"""The published values were computed once by the packages' own code: stlpips-pytorch 0.0.2 and
efficientnet-lite-pytorch 0.1.0, run by torch 2.13 on the pictures of `_pictures`.
"""

from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from simulacra import weights
from simulacra.errors import MissingWeights
from simulacra.images.pixels import to_picture
from simulacra.measures import features_effnetlite, perception_stlpips
from simulacra.measures.contract import Against, Features
from simulacra.measures.meter import ChainMeter
from simulacra.measures.perception import LONGEST_SIDE, NETWORKS, TOO_SMALL, Perception

STLPIPS = {
    (256, 256): {"shift": 0.0066081, "posterise": 0.3337321, "cat": 0.7265241, "cast": 0.2069108},
    (97, 131): {"shift": 0.0083765, "posterise": 0.4504141, "cat": 0.5764621, "cast": 0.1582067},
    (64, 65): {"shift": 0.0100578, "posterise": 0.4064231, "cat": 0.5278513, "cast": 0.1491086},
}
COSINE = {"shift": 0.0161055, "posterise": 0.1020080, "cat": 0.8052805, "cast": 0.0628794}  # at 224 px


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.no_grad():
        yield


@pytest.mark.parametrize("size", STLPIPS, ids=str)
def test_stlpips_is_that_of_its_authors(astronaut: NDArray[np.uint8], size: tuple[int, int]) -> None:
    pictures = _pictures(astronaut, *size)
    channel = Perception()
    original = channel.prepare(pictures.pop("original"))
    for name, picture in pictures.items():
        (value,) = channel.compare(channel.prepare(picture), original)["stlpips_alex"]
        # The golden numbers have seven decimals; float32 through five layers moves the last of them.
        assert value == pytest.approx(STLPIPS[size][name], abs=1e-6), name


def test_features_are_those_of_the_published_network(astronaut: NDArray[np.uint8]) -> None:
    pictures = _pictures(astronaut, 224, 224)
    channel = Perception()
    original = channel.prepare(pictures.pop("original"))
    for name, picture in pictures.items():
        (value,) = channel.compare(channel.prepare(picture), original)["cosine_effnetlite0"]
        # Float32 through 50 layers, batch normalisation folded here and not there.
        assert value == pytest.approx(COSINE[name], abs=2e-6), name


@pytest.mark.parametrize("size", [(21, 21), (21, 34), (40, 22), (33, 47), (64, 64)], ids=str)
def test_the_fused_first_layer_changes_nothing_at_any_border(size: tuple[int, int]) -> None:
    """The oracle takes every step of the network by itself, in float64, with weights drawn at random."""
    draw = torch.Generator().manual_seed(101)
    shapes = {"slice1.0": (4, 3, 11, 11), "slice2.5": (5, 4, 5, 5), "slice3.9": (6, 5, 3, 3)}
    shapes |= {"slice4.11": (5, 6, 3, 3), "slice5.13": (4, 5, 3, 3)}
    tensors = {}
    for index, (layer, shape) in enumerate(shapes.items()):
        tensors[f"net.{layer}.weight"] = torch.randn(shape, generator=draw, dtype=torch.float64) / 10
        tensors[f"net.{layer}.bias"] = torch.randn(shape[0], generator=draw, dtype=torch.float64) / 10
        tensors[f"lin{index}.model.1.weight"] = torch.rand(1, shape[0], 1, 1, generator=draw, dtype=torch.float64)
    network = perception_stlpips.from_weights(tensors)
    one, other = torch.rand(2, 1, 3, *size, generator=draw, dtype=torch.float64)
    value = perception_stlpips.distance(*(perception_stlpips.embed(each, network)[None] for each in (one, other)))
    # Both in float64: rounding only.
    assert value.item() == pytest.approx(_step_by_step(one, other, tensors), rel=1e-10)


def test_equal_frames_differ_by_exactly_nothing_in_any_batch(astronaut: NDArray[np.uint8]) -> None:
    pictures = torch.cat(list(_pictures(astronaut, 64, 65).values()))
    channel = Perception()
    together = channel.prepare(pictures)
    for index in range(len(pictures)):
        alone = channel.prepare(pictures[index : index + 1])
        assert all(torch.equal(alone[key][0], together[key][index]) for key in together)
    assert set(channel.compare(together, together)["stlpips_alex"]) == {0}
    assert set(channel.compare(together, together)["cosine_effnetlite0"]) == {0}
    first: Features = {key: value[:1] for key, value in together.items()}
    compared = channel.compare(together, first)  # one reference serves them all
    assert compared["stlpips_alex"][0] == compared["cosine_effnetlite0"][0] == 0
    assert all(len(column) == len(pictures) for column in compared.values())


def test_a_larger_picture_is_reduced_first(astronaut: NDArray[np.uint8]) -> None:
    channel = Perception()
    large = channel.prepare(to_picture(astronaut[:300].copy()))  # 512x300 becomes 256x150
    whole = channel.prepare(torch.zeros(1, 3, 150, LONGEST_SIDE))
    assert large["activations"].shape == whole["activations"].shape


@pytest.mark.parametrize(("size", "defined"), [((21, 21), True), ((20, 200), False), ((1, 1), False)])
def test_a_small_picture_says_what_it_would_take(size: tuple[int, int], defined: bool) -> None:
    channel = Perception()
    features = channel.prepare(torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)))
    columns = channel.compare(features, features)
    assert columns["stlpips_alex"] == ([0, 0] if defined else [TOO_SMALL, TOO_SMALL])
    assert columns["cosine_effnetlite0"] == [0, 0]


@pytest.mark.parametrize("content", [0.0, 0.5, 1.0])
def test_flat_pictures_have_finite_values(content: float) -> None:
    channel = Perception()
    flat, other = channel.prepare(torch.full((1, 3, 40, 40), content)), channel.prepare(torch.rand(1, 3, 40, 40))
    for (value,) in channel.compare(flat, other).values():
        assert isinstance(value, float)
        assert 0 < value < 2


def test_the_pictures_are_left_as_they_are() -> None:
    pictures = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    before = pictures.clone()
    features = Perception().prepare(pictures)
    assert torch.equal(pictures, before)
    kept = {key: value.clone() for key, value in features.items()}
    pictures.zero_()
    assert all(torch.equal(features[key], kept[key]) for key in kept)


def test_it_measures_a_chain(astronaut: NDArray[np.uint8]) -> None:
    pictures = _pictures(astronaut, 64, 65)
    rows = ChainMeter([Perception()]).measure(torch.cat([pictures["original"], pictures["shift"], pictures["cat"]]))
    assert rows[0]["origin"] == {"stlpips_alex": 0, "cosine_effnetlite0": 0}
    assert rows[1]["origin"] == rows[1]["previous"]
    assert rows[2]["origin"]["stlpips_alex"] == pytest.approx(STLPIPS[64, 65]["cat"], abs=1e-6)
    assert rows[2]["origin"] != rows[2]["previous"]


def test_without_weights_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Perception().unavailable() is None
    assert len(Perception().weights()) == len(NETWORKS)
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    reason = Perception().unavailable()
    assert reason == (
        "the weights stlpips-alex and efficientnet-lite0 are missing or damaged; "
        "type: simulacra weights get stlpips-alex efficientnet-lite0"
    )
    for network in (perception_stlpips.network, features_effnetlite.network):
        with pytest.raises(MissingWeights, match="type: simulacra weights get"):
            network()


def test_every_measure_states_its_protocol() -> None:
    for measure in Perception.measures:
        assert measure.against is Against.REFERENCE
        assert measure.definition.endswith(".")
        assert measure.source
    assert Perception().describe({}) == {}
    (entry,) = entry_points(group="simulacra.measures", name="perception")
    assert entry.load() is Perception


def test_the_weights_are_not_negative() -> None:
    # What makes the distance one of vectors: a negative weight would have no square root.
    tensors = torch.load(weights.find("stlpips-alex"), map_location="cpu", weights_only=True)
    assert all(tensors[f"lin{index}.model.1.weight"].min() >= 0 for index in range(5))


def _pictures(astronaut: NDArray[np.uint8], height: int, width: int) -> dict[str, Tensor]:
    base = astronaut[40 : 40 + height, 150 : 150 + width]
    pixels = {
        "original": base,
        "shift": astronaut[41 : 41 + height, 151 : 151 + width],
        "posterise": base // 64 * 64,
        "cat": skimage.data.chelsea()[20 : 20 + height, 90 : 90 + width],
        "cast": (base * np.array([1.0, 0.9, 0.6])).astype(np.uint8),
    }
    return {name: to_picture(np.ascontiguousarray(each)) for name, each in pixels.items()}


def _step_by_step(one: Tensor, other: Tensor, tensors: dict[str, Tensor]) -> float:
    return sum(
        (((a - b) ** 2 * tensors[f"lin{index}.model.1.weight"]).sum(1).mean()).item()
        for index, (a, b) in enumerate(zip(*(_unit_activations(each, tensors) for each in (one, other)), strict=True))
    )


def _unit_activations(x: Tensor, tensors: dict[str, Tensor]) -> list[Tensor]:
    def convolve(layer: str, padding: int) -> Tensor:
        return F.conv2d(x, tensors[f"net.{layer}.weight"], tensors[f"net.{layer}.bias"], padding=padding)

    def blur() -> Tensor:
        line = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64) / 4
        window = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), window, stride=2, groups=x.shape[1])

    shift = torch.tensor([-0.030, -0.088, -0.188], dtype=torch.float64)[:, None, None]
    x = (2 * x - 1 - shift) / torch.tensor([0.458, 0.448, 0.450], dtype=torch.float64)[:, None, None]
    x = convolve("slice1.0", 2)
    x = blur().relu()
    answers = [x]
    for layer, padding, pooled in (("slice2.5", 2, True), ("slice3.9", 1, True), ("slice4.11", 1, False)):
        if pooled:
            x = F.max_pool2d(x, 3, 1)
            x = blur()
        x = convolve(layer, padding).relu()
        answers.append(x)
    x = convolve("slice5.13", 1).relu()
    return [each / (each.norm(dim=1, keepdim=True) + 1e-10) for each in [*answers, x]]
