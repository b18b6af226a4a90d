import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.measures.of_sets.features_pixels import Pixels as PixelFeatures
from simulacra.seeds import derive_seed
from simulacra.sets import PictureSet
from simulacra.stylegan.use import Maker, mixed_pictures, stress
from simulacra.stylegan.use.mixing_stress import drawn_crossovers
from simulacra.stylegan.use.sheet import on_white

from .toys import PLAIN, RICH, maker

both = pytest.mark.parametrize("description", [PLAIN, RICH], ids=["stylegan1", "stylegan2-classes"])


@both
def test_one_latent_is_no_mixture(description: object) -> None:
    made_by = maker(description)  # type: ignore[arg-type]
    for index, pixels in enumerate(mixed_pictures(made_by, 1, 3, seed=4)):
        seed = derive_seed(4, "mixed picture", index)
        assert np.array_equal(pixels, made_by.one(seed, None, 1.0, None, "seed"))


@pytest.mark.parametrize("latents", [1, 2, 3, 6])
def test_every_latent_styles_a_layer(latents: int) -> None:
    drawn = [drawn_crossovers(6, latents, seed) for seed in range(60)]
    for crossovers in drawn:
        assert len(set(crossovers)) == latents - 1 and crossovers == sorted(crossovers)
    # Each of the 5 places misses 60 draws with a probability below (4/5) ** 60, 2 in a million.
    assert {each for crossovers in drawn for each in crossovers} == (set() if latents == 1 else {1, 2, 3, 4, 5})


def test_the_distance_is_nothing_from_the_same_pictures_and_something_from_mixed_ones(tmp_path: Path) -> None:
    made_by = maker(PLAIN)
    for index, pixels in enumerate(mixed_pictures(made_by, 1, 80, seed=2)):
        Image.fromarray(pixels).save(tmp_path / f"{index:03d}.png")
    rows = list(stress(made_by, PictureSet(tmp_path), PixelFeatures(4), latents=[1, 3], count=80, seed=2))
    assert [(row.latents, row.name) for row in rows] == [(1, "frechet_pixels4_80"), (3, "frechet_pixels4_80")]
    # The same 80 pictures on both sides: what is left is rounding in float64 on traces near 1.
    assert abs(rows[0].distance) < 1e-9 < 0.001 < rows[1].distance


def test_pictures_with_alpha_and_grey_reals_are_compared_as_shown(tmp_path: Path) -> None:
    for index in range(4):
        Image.fromarray(np.full((16, 16), 60 * index, np.uint8)).save(tmp_path / f"{index}.png")
    (row,) = stress(maker(RICH), PictureSet(tmp_path), PixelFeatures(2), latents=[2], count=5, seed=0)
    assert row.name == "frechet_pixels2_4_5" and row.distance > 0


@pytest.mark.parametrize("labelled", [True, False])
def test_the_set_says_how_frequent_classes_are(labelled: bool, tmp_path: Path) -> None:
    made_by, classes = maker(RICH), [2, 2, 2, 0, 0]
    meant = np.array(classes) if labelled else None
    names = []
    for index, pixels in enumerate(mixed_pictures(made_by, 1, 5, 2, meant)):
        names.append(f"{index}.png")
        Image.fromarray(on_white(pixels)).save(tmp_path / names[-1])
    if labelled:
        (tmp_path / "dataset.json").write_text(json.dumps({"labels": [*map(list, zip(names, classes, strict=True))]}))
    (row,) = stress(made_by, PictureSet(tmp_path), PixelFeatures(4), latents=[1], count=5, seed=2)
    assert abs(row.distance) < 1e-9  # the same pictures on both sides


def test_classes_are_drawn_as_they_are_listed() -> None:
    made_by, classes = maker(RICH), np.array([2, 2, 2, 0])
    drawn = [derive_seed(5, "mixed picture", index) for index in range(12)]
    wanted = [int(classes[seed % 4]) for seed in drawn]
    assert set(wanted) == {0, 2}
    for pixels, seed, label in zip(mixed_pictures(made_by, 1, 12, 5, classes), drawn, wanted, strict=True):
        assert np.array_equal(pixels, made_by.one(seed, label, 1.0, None, "seed"))


def test_reals_of_another_size_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"has pictures of 32 px and the network makes 16 px; build the set again"):
        next(stress(maker(PLAIN), PictureSet(tmp_path), PixelFeatures(2), latents=[1], count=5, seed=0))


@pytest.mark.parametrize(
    ("latents", "count", "sentence"), [(7, 5, "layers for 1 to 6$"), (0, 5, "^0 latents"), (1, 0, "^--count is 0")]
)
def test_numbers_out_of_range_are_refused(latents: int, count: int, sentence: str) -> None:
    made_by: Maker = maker(PLAIN)
    with pytest.raises(UserError, match=sentence):
        mixed_pictures(made_by, latents, count, 0)
