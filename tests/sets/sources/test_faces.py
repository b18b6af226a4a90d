import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from simulacra.errors import MissingExtra, UserError
from simulacra.sets import PictureSet, Rules, build
from simulacra.sets.drawing import Design
from simulacra.sets.sources.faces import FACTORS, NONE, PALETTES, PARTS, STYLE, STYLE_SHA256, Faces


def test_parts_and_colours_are_those_of_the_design() -> None:
    design = Design(STYLE, STYLE_SHA256)
    for component, factor in PARTS.items():
        assert {variant for variant in factor.values.values() if variant} == set(design.variants(component))
    for palette, factor in PALETTES.items():
        assert set(factor.values.values()) <= set(design.palette(palette))
    assert len({factor.name for factor in FACTORS}) == len(FACTORS)


def test_a_face_is_the_same_in_any_set() -> None:
    few, many = Faces(3, 32, seed=4), Faces(30, 32, seed=4)
    assert [few.svg(index) for index in range(3)] == [many.svg(index) for index in range(3)]
    assert Faces(3, 32, seed=5).svg(0) != few.svg(0)


def test_factors_come_as_often_as_they_should_and_independently() -> None:
    count = 4000
    attributes = Faces(count, 32).attributes
    for factor in FACTORS:
        weights = np.array([factor.weights.get(value, 1) for value in factor.values], dtype=float)
        share = weights / weights.sum()
        found = np.array(list(attributes[factor.name].counts().values()))
        # Five standard deviations of a binomial.
        assert (np.abs(found - count * share) < 5 * np.sqrt(count * share * (1 - share))).all(), factor.name
    codes = np.stack([attribute.codes for attribute in attributes.values()]).astype(float)
    correlations = np.corrcoef(codes) - np.eye(len(codes))
    assert np.abs(correlations).max() < 5 / np.sqrt(count)


def test_every_factor_is_seen_in_the_pixels() -> None:
    # Faces that differ in one factor only have different pixels, whichever factor it is.
    source = Faces(40, 64)
    for factor in FACTORS:
        codes = source.attributes[factor.name].codes
        # Without long hair, beard and glasses in front, nothing hides what varies.
        plain = {"back-hair": NONE, "beard": NONE, "glasses": NONE}
        for name, value in plain.items():
            if name != factor.name:
                source.attributes[name].codes[:] = source.attributes[name].values.index(value)
        pictures = []
        for code in range(len(factor.values)):
            codes[0] = code
            pictures.append(source.read(0, alpha=False).pixels.astype(int))
        for one in range(len(pictures)):
            for other in range(one):
                changed = (np.abs(pictures[one] - pictures[other]).max(axis=-1) > 20).sum()
                assert changed >= 4, (factor.name, tuple(factor.values)[one], tuple(factor.values)[other])


def test_the_set_says_whose_design_it_is(tmp_path: Path) -> None:
    build(Faces(12, 32), tmp_path / "faces.zip", Rules(label="glasses"))
    opened = PictureSet(tmp_path / "faces.zip")
    assert (len(opened), opened.resolution, opened.channels, opened.label_dimensions) == (12, 32, 3, 3)
    source = opened.facts["source"]
    assert source["licence"] == "CC BY 4.0"
    assert "Johan Melin" in source["credit"]
    assert source["design"] == STYLE_SHA256
    assert opened.facts["filter"] is None  # drawn at its size
    assert len({picture.tobytes() for picture in opened.pictures(range(12))}) == 12


def test_a_source_can_be_pickled() -> None:
    source = Faces(2, 32)
    again = pickle.loads(pickle.dumps(source))
    assert np.array_equal(again.read(1, alpha=False).pixels, source.read(1, alpha=False).pixels)
    assert again.read(1, alpha=True).pixels.shape == (32, 32, 4)


def test_what_cannot_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="--count is 0; it must be 1 or more"):
        Faces(0, 32)
    with pytest.raises(UserError, match=r"another version of toon-head .* pip install 'simulacra\[drawings\]'"):
        Design(STYLE, "0" * 64)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'simulacra\[drawings\]'"):
        Faces(1, 32)
