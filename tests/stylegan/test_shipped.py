"""The network in the package: it is the one its card speaks of, and its pictures are like those it learnt from."""

from collections.abc import Iterable
from pathlib import Path

import torch

from simulacra.images.pixels import Pixels, to_picture
from simulacra.measures.of_sets.frechet import frechet_distance
from simulacra.measures.of_sets.named import open_features
from simulacra.sets.sources.faces import Faces
from simulacra.stylegan import shipped
from simulacra.stylegan.networks import build_generator
from simulacra.stylegan.networks.files import load_generator, read_notes, save_network
from simulacra.stylegan.use import open_network

COUNT = 200


def test_the_card_says_what_it_is_made_of_and_how() -> None:
    assert shipped.path().stat().st_size < 4_000_000
    card = read_notes(shipped.path())
    assert card["licence"] == "CC BY 4.0" and "Johan Melin" in card["credit"]
    assert card["command"].startswith("simulacra stylegan train faces.zip --preset tiny") and card["seed"] == 0
    assert card["generation"] == 0 and card["measures"]


def test_its_pictures_are_nearer_to_faces_than_those_of_an_untrained_one(tmp_path: Path) -> None:
    untrained = tmp_path / "untrained.safetensors"
    save_network(build_generator(load_generator(shipped.path()).description, seed=0), untrained)
    faces = Faces(COUNT, 32, seed=2)
    real = numbers(faces.read(index, alpha=False).pixels for index in range(COUNT))
    trained, random = (frechet_distance(real=real, generated=drawn(path)) for path in (shipped.path(), untrained))
    assert trained < random / 5


def drawn(network: Path) -> torch.Tensor:
    maker = open_network(network)
    return numbers(maker.one(seed=seed, label=None, psi=1.0, cutoff=None, noise="seed") for seed in range(COUNT))


def numbers(pictures: Iterable[Pixels]) -> torch.Tensor:
    return open_features("pixels:8").extract(torch.cat([to_picture(picture) for picture in pictures]))
