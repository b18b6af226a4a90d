"""The digits network: the file that is shipped is what it says it is, and its training can be run again."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.images.resize import resize
from simulacra.measures.of_sets import digits_training
from simulacra.measures.of_sets.digits_network import CLASSES, LENGTH, SHAPES, read, untrained
from simulacra.measures.of_sets.digits_training import accuracy, cross_validated, digits, seen_against_unseen, train
from simulacra.measures.of_sets.features_digits import DigitsFeatures
from simulacra.measures.of_sets.features_pixels import Pixels
from simulacra.measures.of_sets.frechet import frechet_distance


@pytest.fixture(scope="module")
def labelled() -> tuple[Tensor, Tensor]:
    return digits()


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(Path(digits_training.__file__).with_name("digits.safetensors"))


def test_the_data_are_those_of_scikit_learn(labelled: tuple[Tensor, Tensor]) -> None:
    from sklearn.datasets import load_digits

    pictures, labels = labelled
    expected = load_digits()
    assert torch.equal(labels, torch.from_numpy(expected.target))
    # sixteen levels on the grid of 256
    assert float((pictures[:, 0] - torch.from_numpy(expected.images).float() / 16).abs().max()) <= 0.5 / 255 + 1e-7


def test_the_shipped_network_tells_the_digits_apart(
    labelled: tuple[Tensor, Tensor], weights: dict[str, Tensor]
) -> None:
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == SHAPES
    assert accuracy(*labelled, weights) > 0.995  # of the digits it learnt; 0.98 of others, see the docs


def test_features_are_the_network_on_the_small_grey_picture(
    labelled: tuple[Tensor, Tensor], weights: dict[str, Tensor]
) -> None:
    pictures = labelled[0][:20]
    found = DigitsFeatures().extract(pictures.expand(-1, 3, -1, -1))
    expected = read(pictures, weights)
    assert found.shape == (20, LENGTH) and found.dtype == torch.float32
    # float32 convolutions of one picture against those of twenty
    assert torch.allclose(found, expected.features, atol=1e-4)
    probabilities = DigitsFeatures().probabilities(found)
    assert torch.allclose(probabilities, expected.logits.double().softmax(1), atol=1e-4)
    assert torch.allclose(probabilities.sum(1), torch.ones(20, dtype=torch.float64))
    assert len(DigitsFeatures.classes) == CLASSES == probabilities.shape[1]


def test_the_network_is_the_layers_it_says(weights: dict[str, Tensor]) -> None:
    layers = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, LENGTH),
    )  # fmt: skip
    parts = [name.rpartition(".")[0] for name in ("edges.", "strokes.", "features.")]
    for layer, part in zip((layers[0], layers[3], layers[7]), parts, strict=True):
        layer.load_state_dict({"weight": weights[f"{part}.weight"], "bias": weights[f"{part}.bias"]})
    pictures = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(layers(pictures - 0.3), read(pictures, weights).features, atol=1e-5)


def test_larger_and_coloured_digits_are_the_same_digits(labelled: tuple[Tensor, Tensor]) -> None:
    pictures, labels = labelled[0][:100].expand(-1, 3, -1, -1), labelled[1][:100]
    enlarged = resize(pictures, 32, 32, "box")
    found = DigitsFeatures().extract(enlarged)
    # a box of whole pixels gives them back
    assert torch.allclose(found, DigitsFeatures().extract(pictures), atol=1e-4)
    assert float((DigitsFeatures().probabilities(found).argmax(1) == labels).double().mean()) > 0.98


def test_features_see_a_class_that_is_missing(labelled: tuple[Tensor, Tensor]) -> None:
    pictures, labels = labelled
    features = DigitsFeatures().extract(pictures.expand(-1, 3, -1, -1))
    half, other = features[0::2], features[1::2]
    without = other[labels[1::2] != 7]
    assert frechet_distance(real=half, generated=without) > 3 * frechet_distance(real=half, generated=other)


def test_identity_follows_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = DigitsFeatures().weights()["digits"]
    assert len(digest) == 64
    before = DigitsFeatures().identity
    monkeypatch.setattr(DigitsFeatures, "weights", lambda self: {"digits": digest[::-1]})
    assert DigitsFeatures().identity != before


def test_training_repeats_and_learns(labelled: tuple[Tensor, Tensor]) -> None:
    pictures, labels = (each[:640] for each in labelled)
    once, again = (train(pictures, labels, seed=3, epochs=4) for _ in range(2))
    other = train(pictures, labels, seed=4, epochs=1)
    assert all(torch.equal(once[name], again[name]) for name in SHAPES)
    assert not torch.equal(once["edges.weight"], other["edges.weight"])
    start = untrained(torch.Generator().manual_seed(0))
    assert accuracy(pictures, labels, once) > 0.8 > 0.3 > accuracy(pictures, labels, start)


def test_cross_validation_and_halves_run_on_pictures_held_out(
    labelled: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, labels = (each[:300] for each in labelled)
    learnt = []

    def short(some: Tensor, classes: Tensor, *, seed: int) -> dict[str, Tensor]:
        learnt.append(some)
        return train(some, classes, seed=seed, epochs=3)

    monkeypatch.setattr(digits_training, "train", short)
    value = cross_validated(pictures, labels, seed=0, folds=3)
    assert 0.3 < value < 1
    assert [len(each) for each in learnt] == [200] * 3
    # Each picture is held out once, so that it is learnt from in the two other folds.
    counts = torch.cat(learnt).flatten(1).unique(dim=0, return_counts=True)[1]
    assert int(counts.min()) == 2
    # The distance over chance's own, which deviates by a quarter.
    assert 0.3 < seen_against_unseen(pictures, labels, seed=0, divisions=4) < 3


def test_the_command_writes_the_file_and_its_digest(
    labelled: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hashlib import sha256

    few = tuple(each[:200] for each in labelled)
    monkeypatch.setattr(digits_training, "digits", lambda: few)
    monkeypatch.setattr(digits_training, "cross_validated", lambda *given, seed: 0.5)
    monkeypatch.setattr(digits_training, "seen_against_unseen", lambda *given, seed: 1.0 + seed % 2)
    monkeypatch.setattr("sys.argv", ["digits_training", str(tmp_path / "net.safetensors"), "--seed", "5"])
    threads = torch.get_num_threads()
    try:
        digits_training.main()
    finally:
        torch.set_num_threads(threads)
    said = capsys.readouterr().out
    data = (tmp_path / "net.safetensors").read_bytes()
    assert "accuracy 0.5000" in said and "1.500 +- 0.115" in said and sha256(data).hexdigest() in said


def test_refuses_what_it_cannot_learn_from_or_classify() -> None:
    with pytest.raises(UserError, match=r"^there are 10 pictures and 30 epochs; give 64 pictures and 1 epoch or more$"):
        train(torch.zeros(10, 1, 8, 8), torch.zeros(10, dtype=torch.int64), seed=0)
    with pytest.raises(UserError, match=r"^the features pixels32 come with no classifier; type digits for one"):
        Pixels().probabilities(torch.zeros(1, 3072))
